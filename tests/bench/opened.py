"""Opens a window, prints when it was painted first, and goes: ``python -m tests.bench.opened ours|bare``.

``bare`` is the peer: a Qt main window with one label and nothing else, in the same interpreter.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory


def _tell(painted_us: int) -> None:
    from atlas_desktop.check.usage import launched_s

    since_paint_s = time.monotonic() - painted_us / 1e6
    print((launched_s() - since_paint_s) * 1000, flush=True)


def ours() -> int:
    """The program, as a user starts it."""
    # What the command line imports belongs to the start.
    import atlas_desktop.__main__  # noqa: F401
    from atlas_desktop import app
    from atlas_desktop.options import WindowOptions

    async def script(program: app.Program) -> int:
        _tell(program.first_paint_us)
        return 0

    with TemporaryDirectory(prefix="bench-") as folder:
        return app.run(WindowOptions(profile=Path(folder)), script)


def bare() -> int:
    """The least that PySide6 can open."""
    from PySide6.QtCore import QEvent, QObject, QTimer
    from PySide6.QtWidgets import QApplication, QLabel, QMainWindow

    class Watch(QObject):
        painted_us = 0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and not self.painted_us:
                self.painted_us = time.monotonic_ns() // 1000
                QTimer.singleShot(0, application.quit)
            return False

    application, watch = QApplication(sys.argv[:1]), Watch()
    window = QMainWindow()
    window.setCentralWidget(QLabel("A label"))
    window.installEventFilter(watch)
    window.resize(1040, 680)
    window.show()
    status = application.exec()
    _tell(watch.painted_us)
    return status


if __name__ == "__main__":
    sys.exit({"ours": ours, "bare": bare}[sys.argv[1]]())
