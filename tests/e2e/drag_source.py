"""A second program: a small square from which files, text or an address can be dragged by XDND.

``python -m tests.e2e.drag_source X Y`` shows it at a place of the screen whenever a line of JSON comes
in, ``{"kind": "files" | "text" | "url", "values": […]}``. It prints ``ready`` when it can be grabbed and
``dropped`` or ``refused`` when it was let go; like any other program it lives on after a drop, for the
target may ask it for what was dropped only then. ``{"kind": "copy", "values": [TEXT]}`` puts a text on
the clipboard instead and prints ``copied``.
"""

import json
import sys
from pathlib import Path

from PySide6.QtCore import QMimeData, QSocketNotifier, Qt, QTimer, QUrl
from PySide6.QtGui import QDrag, QMouseEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QLabel

SIZE_PX = 60


class DragSource(QLabel):
    """The thing that is dragged: a square above every other window."""

    def __init__(self) -> None:
        super().__init__("drag")
        self._content: QMimeData | None = None
        self.setWindowFlags(
            Qt.WindowType.FramelessWindowHint
            | Qt.WindowType.WindowStaysOnTopHint
            | Qt.WindowType.BypassWindowManagerHint
        )
        self.setFixedSize(SIZE_PX, SIZE_PX)

    def offer(self, content: QMimeData) -> None:
        self._content = content
        self.show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(150, lambda: print("ready", flush=True))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        content, self._content = self._content, None
        if content is None:
            return
        drag = QDrag(self)
        drag.setMimeData(content)
        taken = drag.exec(Qt.DropAction.CopyAction)
        self.hide()
        print("refused" if taken == Qt.DropAction.IgnoreAction else "dropped", flush=True)


def content_of(kind: str, values: list[str]) -> QMimeData:
    mime = QMimeData()
    if kind == "files":
        mime.setUrls([QUrl.fromLocalFile(str(Path(value).absolute())) for value in values])
    elif kind == "url":
        mime.setUrls([QUrl(value) for value in values])
    else:
        mime.setText("\n".join(values))
    return mime


def main() -> None:
    x, y = map(int, sys.argv[1:])
    application = QApplication(sys.argv[:1])
    source = DragSource()
    source.move(x, y)
    orders = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)

    def obey() -> None:
        line = sys.stdin.readline()
        if not line:
            application.quit()
            return
        order = json.loads(line)
        if order["kind"] == "copy":
            application.clipboard().setText(order["values"][0])
            print("copied", flush=True)
        else:
            source.offer(content_of(**order))

    orders.activated.connect(obey)
    application.setQuitOnLastWindowClosed(False)
    application.exec()


if __name__ == "__main__":
    main()
