"""Tab goes round inside what lies over the window: nothing that is covered takes the keys."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def tab_within(part: QWidget, *, forward: bool) -> bool:
    """Moves the focus to the next control inside ``part``; False when there is none."""
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
    # One that hands its focus on would be met twice.
    stops = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and widget.focusProxy() is None
    return stops and widget.isVisible() and widget.isEnabled()
