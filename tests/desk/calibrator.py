"""A program that calibrates with the real speaker and microphone, and says what it found.

``python -m tests.desk.calibrator '{"microphone": true, "seconds": 14}'``; it prints one JSON object.
"""

import json
import sys
import time
from dataclasses import asdict
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Slot

from atlas_desktop.audio.calibration import Calibration
from atlas_desktop.audio.calibration_devices import CalibrationDevices
from atlas_desktop.errors import AppError
from atlas_desktop.media.calibration import Heard


class Watcher(QObject):
    """Keeps what the calibration tells."""

    def __init__(self, calibration: Calibration) -> None:
        super().__init__()
        self.report: dict[str, Any] = {"flashes": 0, "heard": None, "errors": [], "seconds": None}
        self._began_s = time.monotonic()
        calibration.flashed.connect(self.take_flash)
        calibration.finished.connect(self.take_end)
        calibration.failed.connect(self.take_error)

    @Slot()
    def take_flash(self) -> None:
        self.report["flashes"] += 1

    @Slot(object)
    def take_end(self, heard: Heard | None) -> None:
        self.report["heard"] = None if heard is None else asdict(heard)
        self.report["seconds"] = time.monotonic() - self._began_s
        QCoreApplication.quit()

    @Slot(object)
    def take_error(self, error: AppError) -> None:
        self.report["errors"].append(error.code)


def main() -> None:
    order = json.loads(sys.argv[1])
    application = QCoreApplication(sys.argv[:1])
    devices = CalibrationDevices()
    calibration = devices.make(20.0, application, listens=order["microphone"])
    watcher = Watcher(calibration)
    QTimer.singleShot(0, calibration.start)
    QTimer.singleShot(round(order["seconds"] * 1000), application.quit)
    application.exec()
    before_s = time.monotonic()
    calibration.stop()
    watcher.report["stop_s"] = time.monotonic() - before_s
    print(json.dumps(watcher.report))


if __name__ == "__main__":
    main()
