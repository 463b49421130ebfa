"""How long a beep needs from a client with a buffer of 5 ms to the recorder: the sound server's part."""

import subprocess
import time
from collections.abc import Mapping

import numpy as np

from atlas_desktop.local_atlas.interfaces import SAMPLE_RATE_HZ
from tests.bench.versus.stream import BEEP_HZ

BEEPS = 5
_BLOCK_S = 0.005
_BLOCK = round(_BLOCK_S * SAMPLE_RATE_HZ)
_EVERY_BLOCKS, _BEEP_BLOCKS = 120, 8


def play_beeps(env: Mapping[str, str]) -> list[float]:
    """Plays beeps block by block, in real time; returns when each was handed over, CLOCK_MONOTONIC s."""
    ticks = np.arange(_BLOCK)
    beep = (9_000 * np.sin(2 * np.pi * BEEP_HZ / SAMPLE_RATE_HZ * ticks)).astype(np.int16).tobytes()
    silence = bytes(len(beep))
    words = ["pacat", "--playback", "--format=s16le", f"--rate={SAMPLE_RATE_HZ}", "--channels=1"]
    words += ["--latency-msec=5", "--process-time-msec=2", "--raw"]
    handed = []
    with subprocess.Popen(words, env=dict(env), stdin=subprocess.PIPE, bufsize=0) as player:
        assert player.stdin is not None
        due_s = time.monotonic()
        for block in range(_EVERY_BLOCKS // 2, (BEEPS + 1) * _EVERY_BLOCKS):
            place = block % _EVERY_BLOCKS
            if place == 0:
                handed.append(time.monotonic())
            player.stdin.write(beep if place < _BEEP_BLOCKS else silence)
            due_s += _BLOCK_S
            time.sleep(max(0.0, due_s - time.monotonic()))
    return handed
