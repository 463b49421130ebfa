"""Notices that somebody is there: the mouse, a key, the wheel, a drop, anywhere in the program's windows."""

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWindow
from PySide6.QtWidgets import QWidget

_EVERY_S = 0.5
_SIGNS = frozenset(
    {
        QEvent.Type.MouseMove,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.KeyPress,
        # What a shortcut takes is told by its release only.
        QEvent.Type.KeyRelease,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
        QEvent.Type.TouchUpdate,
        QEvent.Type.TabletMove,
        QEvent.Type.DragMove,
        QEvent.Type.Drop,
    }
)


class Presence(QObject):
    """Looks on at the window and at each dialog that gets the focus; takes nothing.

    It watches native windows, not the application: those see input only, not the thousands of timers and
    paints a second that a session makes.

    Signals:
        seen(): Somebody did something; at most once in half a second.
    """

    seen = Signal()

    def __init__(self, window: QWidget, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(window)
        self._now_s = now_s
        self._told_at_s = -_EVERY_S
        window.winId()
        handle = window.windowHandle()
        if handle is not None:
            handle.installEventFilter(self)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.focusWindowChanged.connect(self._watch)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Looks on."""
        # A key that is held repeats for as long as something lies on it.
        repeats = isinstance(event, QKeyEvent) and event.isAutoRepeat()
        if event.type() in _SIGNS and not repeats:
            now_s = self._now_s()
            if now_s - self._told_at_s >= _EVERY_S:
                self._told_at_s = now_s
                self.seen.emit()
        return False

    @Slot(QWindow)
    def _watch(self, window: QWindow | None) -> None:
        if window is not None:
            # Once more is once: Qt moves a filter that it has to the front.
            window.installEventFilter(self)
