"""A program that calibrates with the real speaker and microphone, and says what it found.

``python -m tests.desk.calibrator '{"microphone": true, "seconds": 14}'``; it prints one JSON object.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from PySide6.QtCore import QObject, Slot

from atlas_desktop.errors import AppError
from atlas_desktop.media.beep_finder import BeepMeasurement
from atlas_desktop.sound_client.calibration_run import CalibrationDevices, CalibrationRun
from atlas_desktop.sound_client.sound_client import SoundClient
from tests.desk.sound_program import run


class Watcher(QObject):
    """Keeps what the calibration tells."""

    def __init__(self, calibration: CalibrationRun) -> None:
        super().__init__()
        self.finished = asyncio.Event()
        self.report: dict[str, Any] = {"flashes": 0, "heard": None, "errors": [], "seconds": None}
        self._began_s = time.monotonic()
        calibration.flashed.connect(self.take_flash)
        calibration.finished.connect(self.take_end)
        calibration.failed.connect(self.take_error)

    @Slot()
    def take_flash(self) -> None:
        self.report["flashes"] += 1

    @Slot(object)
    def take_end(self, heard: BeepMeasurement | None) -> None:
        self.report["heard"] = None if heard is None else asdict(heard)
        self.report["seconds"] = time.monotonic() - self._began_s
        self.finished.set()

    @Slot(object)
    def take_error(self, error: AppError) -> None:
        self.report["errors"].append(error.code)


async def calibrate(client: SoundClient) -> None:
    order = json.loads(sys.argv[1])
    devices, owner = CalibrationDevices(client), QObject()
    async with asyncio.timeout(10):
        while not client.devices.speakers():
            await asyncio.sleep(0.01)
    calibration = devices.make(20.0, owner, listens=order["microphone"])
    watcher = Watcher(calibration)
    calibration.start()
    with suppress(TimeoutError):
        async with asyncio.timeout(order["seconds"]):
            await watcher.finished.wait()
    before_s = time.monotonic()
    calibration.stop()
    watcher.report["stop_s"] = time.monotonic() - before_s
    print(json.dumps(watcher.report))


if __name__ == "__main__":
    run(calibrate)
