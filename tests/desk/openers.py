"""A program that opens speaker and microphone at the same moment, each in a thread of its own.

``python -m tests.desk.openers``; it prints "opened" and ends with 0.
"""

import threading
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QThread
from PySide6.QtMultimedia import QMediaDevices

from atlas_desktop.audio.device_streams import InputStream, OutputStream

_TIMES = 3


class Opener(QThread):
    """Waits for the other one, opens, and closes again."""

    def __init__(self, start_line: threading.Barrier, make: Callable[[], InputStream | OutputStream]) -> None:
        super().__init__()
        self._start_line, self._make = start_line, make

    def run(self) -> None:
        self._start_line.wait(10)
        self._make().close()


def main() -> None:
    application = QCoreApplication([])
    speaker, microphone = QMediaDevices.defaultAudioOutput(), QMediaDevices.defaultAudioInput()
    for _ in range(_TIMES):
        start_line = threading.Barrier(2)
        openers = [
            Opener(start_line, lambda: InputStream(microphone)),
            Opener(start_line, lambda: OutputStream(speaker)),
        ]
        for opener in openers:
            opener.start()
        for opener in openers:
            opener.wait()
    del application
    print("opened")


if __name__ == "__main__":
    main()
