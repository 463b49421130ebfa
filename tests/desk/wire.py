"""A program that sends the real microphone through the real feeder, and says when each burst went out.

``python -m tests.desk.wire '{"seconds": 5}'``; it prints one JSON object. With ``"talk"`` it mutes
at once and pushes to talk in the midst of a burst after 2 s, as one who speaks before the key is down.
"""

import asyncio
import json
import sys
import time
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block
from atlas_desktop.media.feeder import Feeder
from atlas_desktop.media.level import SPEECH_DBFS
from atlas_desktop.sound_client.microphone import Microphone
from atlas_desktop.sound_client.sound_client import SoundClient
from tests.desk.bursts import first_burst_s, onsets
from tests.desk.listener import NoCanceller
from tests.desk.sound_program import run

_MUTED_S = 2.0
_RISE_DB, _LATE_MS = 20.0, 40


class Wire:
    """Stands for the SDK's audio source: what is written goes out at 48 kHz, one block after the other."""

    def __init__(self) -> None:
        self.sent: list[Block] = []
        self.spans_s: list[tuple[float, int]] = []
        self._free_s = 0.0

    async def write(self, block: Block) -> None:
        begins_s = max(time.monotonic(), self._free_s)
        self._free_s = begins_s + len(block) / SAMPLE_RATE_HZ
        self.spans_s.append((begins_s, len(block)))
        self.sent.append(block)

    def clear(self) -> None:
        self._free_s = 0.0

    def report(self) -> dict[str, Any]:
        """When the first sample of each burst went out, CLOCK_MONOTONIC, and how long the first was."""
        if not self.sent:
            return {"onsets_s": []}
        times = np.concatenate(
            [begins_s + np.arange(length) / SAMPLE_RATE_HZ for begins_s, length in self.spans_s]
        )
        sound = np.concatenate(self.sent)[:, 0]
        found = onsets(sound)
        return {"onsets_s": [float(times[at]) for at in found], "first_s": first_burst_s(sound)}


async def send(client: SoundClient) -> None:
    order: dict[str, Any] = json.loads(sys.argv[1])
    microphone = Microphone(client, None if order.get("canceller") else NoCanceller)
    wire, feeder = Wire(), Feeder()
    feeder.attach(wire)
    started_s = time.monotonic()
    poller = QTimer()

    levels_dbfs = [SPEECH_DBFS]

    def talk() -> None:
        feeder.set_microphone(microphone.reader(order["talk"]))

    def listen() -> None:
        levels_dbfs.append(microphone.level_dbfs)
        begins = levels_dbfs[-1] > levels_dbfs[-2] + _RISE_DB
        if begins and time.monotonic() - started_s > _MUTED_S:
            poller.stop()
            QTimer.singleShot(_LATE_MS, talk)

    feeder.set_microphone(microphone.reader())
    if "talk" in order:
        feeder.set_microphone(None)
        poller.timeout.connect(listen)
        poller.start(5)
    await asyncio.sleep(order["seconds"])
    poller.stop()
    feeder.close()
    microphone.close()
    print(json.dumps(wire.report()))


if __name__ == "__main__":
    run(send)
