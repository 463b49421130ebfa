"""The program, its main thread standing still now and then: ``python -m tests.bench.versus.stalled …``.

It is started like ``atlas-desktop`` itself, and takes the same arguments.
"""

import sys
import time

from PySide6.QtCore import QTimer

from atlas_desktop import __main__, qtloop

EVERY_MS, STALL_S = 3_000, 0.5


def main() -> int:
    """Opens the program, its event loop stalled by a timer."""
    make = qtloop.make_application

    def with_stalls() -> object:
        application = make()
        timer = QTimer(application)
        timer.setInterval(EVERY_MS)
        timer.timeout.connect(_stall)
        timer.start()
        return application

    qtloop.make_application = with_stalls  # type: ignore[assignment]
    return __main__.main()


def _stall() -> None:
    time.sleep(STALL_S)


if __name__ == "__main__":
    sys.exit(main())
