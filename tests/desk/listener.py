"""A program that listens through the real microphone, and says what it heard and when.

``python -m tests.desk.listener '{"seconds": 3}'``; it prints one JSON object.
"""

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QTimer

from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import Block
from atlas_desktop.media.level import SPEECH_DBFS, rms_dbfs
from atlas_desktop.sound_client.microphone import Microphone, MicrophoneReader
from atlas_desktop.sound_client.sound_client import SoundClient
from tests.desk.sound_program import run

if TYPE_CHECKING:
    from atlas_desktop.media.processing import EchoCanceller as _Base
else:
    # Not the real one, which loads the SDK's native part.
    _Base = object


class NoCanceller(_Base):
    """Changes nothing: what comes is what the device heard."""

    def set_delay_ms(self, delay_ms: int) -> None: ...

    def process_render(self, block: Block) -> None: ...

    def process_capture(self, block: Block) -> Block:
        return block


class Listener:
    """Unmutes at once, mutes for the last third."""

    def __init__(self, client: SoundClient, order: dict[str, Any]) -> None:
        self.microphone = Microphone(client, None if order.get("canceller") else NoCanceller)
        self.microphone.failed.connect(self.failed)
        self.microphone.opened.connect(self.opened)
        self.report: dict[str, Any] = {"failures": [], "opened": [], "first_sound_s": None, "read": 0}
        self.report |= {"read_while_muted": 0, "meter_muted_dbfs": -100.0, "open_before": False}
        self.report |= {"loudest_dbfs": -100.0, "peak_share": 0.0}
        self.heard: list[Block] = []
        self.reader: MicrophoneReader | None = None
        self.muted = False
        self.turned_s = time.monotonic()
        self.report["main_longest_ms"] = 0.0

    def failed(self, error: AppError) -> None:
        self.report["failures"].append(error.code)

    def opened(self, name: str) -> None:
        self.report["opened"].append(name)

    def unmute(self) -> None:
        self.report["open_before"] = self.microphone.is_open
        self.reader = self.microphone.reader()

    def mute(self) -> None:
        assert self.reader is not None
        self.reader.close()
        self.muted = True

    def poll(self) -> None:
        before_s, self.turned_s = self.turned_s, time.monotonic()
        waited_ms = (self.turned_s - before_s) * 1000
        self.report["main_longest_ms"] = max(self.report["main_longest_ms"], waited_ms)
        while self.reader is not None and (block := self.reader.read()) is not None:
            level_dbfs = rms_dbfs(block)
            self.heard.append(block)
            self.report["read_while_muted" if self.muted else "read"] += 1
            self.report["loudest_dbfs"] = max(self.report["loudest_dbfs"], level_dbfs)
            if self.report["first_sound_s"] is None and level_dbfs > SPEECH_DBFS:
                self.report["first_sound_s"] = time.monotonic()
        if self.muted:
            level_dbfs = self.microphone.level_dbfs
            self.report["meter_muted_dbfs"] = max(self.report["meter_muted_dbfs"], level_dbfs)


async def listen(client: SoundClient) -> None:
    order = json.loads(sys.argv[1])
    listener = Listener(client, order)
    client.choose_microphone(order.get("microphone", ""))
    poller = QTimer()
    poller.timeout.connect(listener.poll)
    poller.start(5)
    ms = round(order["seconds"] * 1000)
    QTimer.singleShot(100, listener.unmute)
    QTimer.singleShot(ms * 2 // 3, listener.mute)
    await asyncio.sleep(order["seconds"])
    poller.stop()
    listener.report["blocks"] = listener.microphone.blocks
    started_s = time.monotonic()
    listener.microphone.close()
    listener.report["close_s"] = time.monotonic() - started_s
    if listener.heard:
        sound = np.concatenate(listener.heard).ravel().astype(np.float64)
        power = np.abs(np.fft.rfft(sound)) ** 2
        listener.report["peak_hz"] = float(np.argmax(power) * 48_000 / len(sound))
    print(json.dumps(listener.report))


if __name__ == "__main__":
    run(listen)
