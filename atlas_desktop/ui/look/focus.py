"""Keyboard focus: the ring, where the focus is, and Tab kept inside what lies over the window."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QEnterEvent, QFocusEvent, QPainter, QPen
from PySide6.QtWidgets import QApplication, QWidget

_RING_PX = 2
_GAP_PX = 2
_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


if TYPE_CHECKING:
    _Base = QWidget
else:
    # Mixed into Qt's own buttons: a class can have one Qt base only.
    _Base = object


class FocusRingMixin(_Base):
    """Repaints a control under the pointer, and knows whether it shows a focus ring. First base class."""

    _by_keyboard = False

    @property
    def shows_ring(self) -> bool:
        """Whether it has the focus, and got it by keyboard."""
        return self.hasFocus() and self._by_keyboard

    def enterEvent(self, event: QEnterEvent) -> None:
        """Repaint as hovered."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Repaint without hover."""
        super().leaveEvent(event)
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the ring for keyboard focus only."""
        self._by_keyboard = is_keyboard_focus(event.reason(), self._by_keyboard)
        super().focusInEvent(event)


def is_keyboard_focus(reason: Qt.FocusReason, before: bool) -> bool:
    """Whether focus that came for ``reason`` needs a ring; a window coming back keeps what was."""
    if reason in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
        return before
    return reason in _KEYBOARD


def draw_focus_ring(painter: QPainter, outer: QRectF, radius_px: float, color: QColor) -> QRectF:
    """Draw the ring at the edge of ``outer`` and return the box left for the body."""
    edge = outer.adjusted(_RING_PX / 2, _RING_PX / 2, -_RING_PX / 2, -_RING_PX / 2)
    painter.setPen(QPen(color, _RING_PX))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(edge, radius_px, radius_px)
    inset = _RING_PX + _GAP_PX
    return outer.adjusted(inset, inset, -inset, -inset)


def is_typing(widget: QWidget) -> bool:
    """Whether the keys go into a field that takes text, in the window of ``widget``."""
    focused: QWidget | None = widget.window().focusWidget()
    # Qt sets it for every such field, except while it is read-only.
    return focused is not None and focused.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)


def is_elsewhere(widget: QWidget) -> bool:
    """Whether another window of the program has the keys: a dialog."""
    active: QWidget | None = QApplication.activeWindow()
    return active is not None and active is not widget.window()


def holds_focus(part: QWidget) -> bool:
    """Whether the keys go to something within ``part``, or would if its window had them."""
    focused: QWidget | None = part.window().focusWidget()
    return focused is not None and part.isAncestorOf(focused)


def tab_within(part: QWidget, *, forward: bool) -> bool:
    """Move the focus to the next control inside ``part``; False when there is none."""
    focused: QWidget | None = part.window().focusWidget()
    current = focused if focused is not None else part
    candidate = _beside(current, forward)
    while candidate is not None and candidate is not current:
        if part.isAncestorOf(candidate) and _takes_tab(candidate):
            reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
            candidate.setFocus(reason)
            return True
        candidate = _beside(candidate, forward)
    return False


def _beside(widget: QWidget, forward: bool) -> QWidget | None:
    return widget.nextInFocusChain() if forward else widget.previousInFocusChain()


def _takes_tab(widget: QWidget) -> bool:
    # One with a focus proxy would be visited twice.
    stops = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and widget.focusProxy() is None
    return stops and widget.isVisible() and widget.isEnabled()
