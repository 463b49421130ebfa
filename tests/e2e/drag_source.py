"""A second program: a small window from which files, text or an address can be dragged by XDND.

``python -m tests.e2e.drag_source X Y KIND VALUE…`` with KIND ``files``, ``text`` or ``url``. It prints
``ready`` when it can be grabbed and ``dropped`` or ``refused`` when the drag is over, and ends with it.
"""

import sys
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QTimer, QUrl
from PySide6.QtGui import QDrag, QMouseEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QLabel

SIZE_PX = 60


class DragSource(QLabel):
    """The thing that is dragged: a square above every other window."""

    def __init__(self, content: QMimeData) -> None:
        super().__init__("drag")
        self._content = content
        self.setWindowFlags(
            Qt.WindowType.FramelessWindowHint
            | Qt.WindowType.WindowStaysOnTopHint
            | Qt.WindowType.BypassWindowManagerHint
        )
        self.setFixedSize(SIZE_PX, SIZE_PX)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(200, lambda: print("ready", flush=True))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        drag = QDrag(self)
        drag.setMimeData(self._content)
        taken = drag.exec(Qt.DropAction.CopyAction)
        print("refused" if taken == Qt.DropAction.IgnoreAction else "dropped", flush=True)
        QApplication.quit()


def content(kind: str, values: list[str]) -> QMimeData:
    mime = QMimeData()
    if kind == "files":
        mime.setUrls([QUrl.fromLocalFile(str(Path(value).absolute())) for value in values])
    elif kind == "url":
        mime.setUrls([QUrl(value) for value in values])
    else:
        mime.setText("\n".join(values))
    return mime


def main() -> None:
    x, y, kind, *values = sys.argv[1:]
    application = QApplication(sys.argv[:1])
    source = DragSource(content(kind, values))
    source.move(int(x), int(y))
    source.show()
    application.exec()


if __name__ == "__main__":
    main()
