"""A program that plays and listens through the sound process, and says when either stopped and went on.

``python -m tests.desk.talker '{"seconds": 8}'``; it prints "up" once it is heard, the code of each error,
and one JSON object at its end. With ``"calibrate"`` it calibrates meanwhile; ``"press_at_s"`` are interrupts.
"""

import asyncio
import json
import sys
import time
from typing import Any

from PySide6.QtCore import QObject

from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ
from atlas_desktop.media.feeds import AudioFeed
from atlas_desktop.sound_client.calibration_run import CalibrationDevices
from atlas_desktop.sound_client.microphone import Microphone
from atlas_desktop.sound_client.sound_client import SoundClient
from tests.desk.listener import NoCanceller
from tests.desk.player import tone
from tests.desk.sound_program import run

_ARRIVAL_S = 0.01
_GAP_S = 0.3


class Progress:
    """When a count stood still for 0.3 s and more: pairs of CLOCK_MONOTONIC, the second when it went on."""

    def __init__(self) -> None:
        self.gaps_s: list[tuple[float, float]] = []
        self._count, self._moved_s = 0, 0.0

    def look(self, count: int) -> None:
        now_s = time.monotonic()
        if count == self._count:
            return
        if self._count and now_s - self._moved_s > _GAP_S:
            self.gaps_s.append((self._moved_s, now_s))
        self._count, self._moved_s = count, now_s

    @property
    def has_begun(self) -> bool:
        return self._count > 0


class Talker:
    """Speaker and microphone at work, and what is said of them."""

    def __init__(self, client: SoundClient, order: dict[str, Any]) -> None:
        self._client = client
        self._order = order
        self._feed = AudioFeed(client.sink)
        self._microphone = Microphone(client, NoCanceller)
        self._played, self._heard = Progress(), Progress()
        self._said: list[str] = []
        self._lists: list[int] = []
        self._processes: list[int] = []
        self._presses_s: list[float] = []
        client.playout.volume = 100
        client.device_failed.connect(self._take_failure)
        client.microphone_failed.connect(self._take_failure)
        client.calibration_failed.connect(self._take_failure)
        client.server_returned.connect(self._take_return)
        client.devices.changed.connect(self._take_devices)

    async def talk(self) -> None:
        """Until the time is out; plays by the clock, and leaves nothing out."""
        if self._order.get("microphone", True):
            self._microphone.reader()
        owner = QObject()
        if self._order.get("calibrate"):
            run = CalibrationDevices(self._client).make(20.0, owner, listens=False)
            run.start()
        sound, step, given = tone(1.0), round(_ARRIVAL_S * SAMPLE_RATE_HZ), 0
        began_s, is_up = time.monotonic(), False
        pending = sorted(self._order.get("press_at_s", []))
        while time.monotonic() - began_s < self._order["seconds"]:
            while given * _ARRIVAL_S < time.monotonic() - began_s:
                at = given * step % len(sound)
                self._feed.offer(sound[at : at + step])
                given += 1
            if pending and time.monotonic() - began_s > pending[0]:
                del pending[0]
                self._presses_s.append(time.monotonic())
                self._client.playout.close()
            self._look()
            if not is_up and self._played.has_begun:
                is_up = True
                print("up", flush=True)
            await asyncio.sleep(_ARRIVAL_S / 2)

    def report(self) -> dict[str, Any]:
        return {
            "played_gaps_s": self._played.gaps_s,
            "heard_gaps_s": self._heard.gaps_s,
            "said": self._said,
            "lists": self._lists,
            "processes": self._processes,
            "presses_s": self._presses_s,
        }

    def close(self) -> None:
        self._microphone.close()

    def _look(self) -> None:
        self._played.look(self._client.counters.writes)
        self._heard.look(self._microphone.blocks)
        pid = self._client.pid
        if pid is not None and pid not in self._processes:
            self._processes.append(pid)

    def _take_failure(self, error: AppError) -> None:
        self._say(error.code)

    def _take_return(self) -> None:
        self._say("returned")

    def _say(self, word: str) -> None:
        self._said.append(word)
        print(word, flush=True)

    def _take_devices(self) -> None:
        self._lists.append(len(self._client.devices.speakers()))


async def talk(client: SoundClient) -> None:
    talker = Talker(client, json.loads(sys.argv[1]))
    await talker.talk()
    talker.close()
    print(json.dumps(talker.report()))


if __name__ == "__main__":
    run(talk)
