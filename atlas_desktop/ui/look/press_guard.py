"""Guards against accidental spending: a press counts only if it can have been meant."""

import math
import time
from collections.abc import Callable
from typing import ClassVar

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from shiboken6 import isValid

from atlas_desktop.ui.look.plain_widgets import show_remark

KEY_AFTER_S = 2.0
"""Keys go where the focus is, unseen: who types on while the page changes must have time to see it."""

KEY_HELD_S = 0.3
"""A key that comes again so soon is held: on X11 Qt takes some repeats of a held key for presses (6.11)."""

CLICK_AFTER_S = 0.5
"""Pointing is deliberate but for the second click of two, and one already on its way. Whose desktop waits
longer for the second click is waited for as long."""

_PRESS_KEYS = frozenset({Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Select})
_CLICKS = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick)
_KEYS = (QEvent.Type.KeyPress, QEvent.Type.Shortcut)
_PLACED = (QEvent.Type.Move, QEvent.Type.Resize)


class PressPolicy:
    """When a press of a control counts. Pure: it knows no Qt.

    Attributes:
        clock_s: The clock of all of them, in s; tests have one that they move.
        is_held: The last press of a key was one of a key that is held.
    """

    clock_s: ClassVar[Callable[[], float]] = time.monotonic

    def __init__(self) -> None:
        self._appeared_s = self._placed_s = PressPolicy.clock_s()
        self._pressed_s = -math.inf
        self.is_held = False

    def appear(self) -> None:
        """The control came to be seen, or can be pressed from now on."""
        self._appeared_s = self._placed_s = PressPolicy.clock_s()

    def place(self) -> None:
        """The control moved: something else was where it is now."""
        self._placed_s = PressPolicy.clock_s()

    def takes_key(self, *, repeated: bool = False) -> bool:
        """Whether a key pressed now counts. ``repeated``: it was down before."""
        now_s = PressPolicy.clock_s()
        self.is_held = repeated or now_s - self._pressed_s < KEY_HELD_S
        self._pressed_s = now_s
        return not self.is_held and now_s - self._appeared_s >= KEY_AFTER_S

    def takes_click(self, double_click_s: float = CLICK_AFTER_S) -> bool:
        """Whether a click made now counts. ``double_click_s``: so far apart may the two clicks of one be."""
        return PressPolicy.clock_s() - self._placed_s >= max(CLICK_AFTER_S, double_click_s)


class PressGuard(QObject):
    """Filters keys and clicks that can't have been meant for a button, and shows that beside it.

    What a screen reader does to the button names it, and always counts.
    """

    def __init__(self, button: QAbstractButton) -> None:
        super().__init__(button)
        self._button = button
        self._policy = PressPolicy()
        self._above: list[QWidget] = []
        self._place = QPoint()
        self._is_click_refused = False
        button.installEventFilter(self)

    def takes_key(self, *, repeated: bool = False) -> bool:
        """Whether a key pressed now counts; if not, it says why beside the button."""
        taken = self._policy.takes_key(repeated=repeated)
        # A held key shows it once, not with each repetition.
        if not (taken or self._policy.is_held):
            self._explain()
        return taken

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Filter a press that came too early."""
        kind = event.type()
        if kind in _PLACED:
            self._follow()
        if watched is not self._button:
            return False
        if kind is QEvent.Type.Show:
            self._policy.appear()
            self._watch_above()
        elif kind is QEvent.Type.Hide:
            # Removed while hidden: each event of the ancestors would pass through here.
            self._leave_above()
        elif kind is QEvent.Type.EnabledChange:
            self._policy.appear()
        elif kind in _KEYS:
            return self._refuses_key(event)
        elif kind in _CLICKS:
            return self._refuses_click(event)
        elif kind is QEvent.Type.MouseButtonRelease and self._is_click_refused:
            self._is_click_refused = False
            # On release, as Qt hides a tool tip when a mouse button is released.
            self._explain()
            return True
        return False

    def _refuses_key(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent):
            return event.key() in _PRESS_KEYS and not self.takes_key(repeated=event.isAutoRepeat())
        return not self.takes_key()

    def _refuses_click(self, event: QEvent) -> bool:
        if not isinstance(event, QMouseEvent) or event.button() is not Qt.MouseButton.LeftButton:
            return False
        if self._policy.takes_click(QApplication.doubleClickInterval() / 1000):
            return False
        self._is_click_refused = True
        return True

    def _follow(self) -> None:
        place = self._button.mapToGlobal(QPoint())
        if place != self._place:
            self._place = place
            self._policy.place()

    def _watch_above(self) -> None:
        """Watch the ancestors of the button: a notice moves a page, and the button with it."""
        self._leave_above()
        above = self._button.parentWidget()
        while above is not None and not above.isWindow():
            above.installEventFilter(self)
            self._above.append(above)
            above = above.parentWidget()

    def _leave_above(self) -> None:
        for widget in self._above:
            if isValid(widget):
                widget.removeEventFilter(self)
        self._above = []

    def _explain(self) -> None:
        show_remark(self._button, self.tr("This has only just appeared: press it once more"))
