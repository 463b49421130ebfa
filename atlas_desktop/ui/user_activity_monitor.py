"""Detects that the user is present, by input events in any window of the program."""

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
        # Of a shortcut only the release arrives.
        QEvent.Type.KeyRelease,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
        QEvent.Type.TouchUpdate,
        QEvent.Type.TabletMove,
        QEvent.Type.DragMove,
        QEvent.Type.Drop,
    }
)


class UserActivityMonitor(QObject):
    """Observes the window and each dialog that gets the focus; consumes nothing.

    It watches native windows, not the application: those see input only, not the thousands of timers and
    paints a second that a session makes.

    Signals:
        seen(): Input arrived; at most once in half a second.
    """

    seen = Signal()

    def __init__(self, window: QWidget, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(window)
        self._now_s = now_s
        self._emitted_at_s = -_EVERY_S
        window.winId()
        handle = window.windowHandle()
        if handle is not None:
            handle.installEventFilter(self)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.focusWindowChanged.connect(self._watch)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Observe only."""
        # A held key repeats for as long as something lies on it.
        repeats = isinstance(event, QKeyEvent) and event.isAutoRepeat()
        if event.type() in _SIGNS and not repeats:
            now_s = self._now_s()
            if now_s - self._emitted_at_s >= _EVERY_S:
                self._emitted_at_s = now_s
                self.seen.emit()
        return False

    @Slot(QWindow)
    def _watch(self, window: QWindow | None) -> None:
        if window is not None:
            # Installing a filter again has no effect but its order.
            window.installEventFilter(self)
