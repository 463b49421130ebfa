"""A program that plays a voice through the real sound thread and listens through the real microphone.

``python -m tests.desk.echo '{"voice": "far.wav", "out": "heard.npy", "canceller": true}'``; what the room
would get is saved as int16 (samples,), 48 kHz, from the first block played; it says ``playing`` then.
"""

import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block
from atlas_desktop.media.feeds import AudioFeed
from atlas_desktop.media.sound_file import SoundFile
from atlas_desktop.sound_client.microphone import Microphone
from atlas_desktop.sound_client.sound_client import SoundClient
from tests.desk.listener import NoCanceller
from tests.desk.sound_program import run

_ARRIVAL_S = 0.02
_SETTLED_S = 0.5


class Caller:
    """Speaker and microphone as in a session, without a room."""

    def __init__(self, client: SoundClient, order: dict[str, Any]) -> None:
        with SoundFile(Path(order["voice"])) as file:
            self._voice = np.concatenate(list(file.samples())).reshape(-1, 1)
        self.feed = AudioFeed(client.sink)
        client.playout.volume = 100
        self.microphone = Microphone(client, None if order["canceller"] else NoCanceller)
        self._reader = self.microphone.reader()
        self.heard: list[Block] = []
        self.playing = threading.Thread(target=self._play)

    def poll(self) -> None:
        while (block := self._reader.read()) is not None:
            if self.playing.ident is not None:
                self.heard.append(block)

    def close(self) -> None:
        self.microphone.close()

    def _play(self) -> None:
        print("playing", flush=True)
        due_s, step = time.monotonic(), round(_ARRIVAL_S * SAMPLE_RATE_HZ)
        for at in range(0, len(self._voice), step):
            self.feed.offer(np.repeat(self._voice[at : at + step], 2, axis=1))
            due_s += _ARRIVAL_S
            time.sleep(max(0.0, due_s - time.monotonic()))


async def call(client: SoundClient) -> None:
    order: dict[str, Any] = json.loads(sys.argv[1])
    caller = Caller(client, order)
    poller = QTimer()
    poller.timeout.connect(caller.poll)
    poller.start(5)
    await asyncio.sleep(_SETTLED_S)
    caller.playing.start()
    while caller.playing.is_alive():
        await asyncio.sleep(0.05)
    poller.stop()
    caller.close()
    np.save(order["out"], np.concatenate(caller.heard)[:, 0])


if __name__ == "__main__":
    run(call)
