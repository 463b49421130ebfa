"""Where the keys go, and whether somebody types there: from a person who types the focus is never taken."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget


def is_typing(widget: QWidget) -> bool:
    """Whether the keys go into a field that takes text, in the window of ``widget``."""
    focused: QWidget | None = widget.window().focusWidget()
    # Qt sets it for every such field, and takes it back while the field is read-only.
    return focused is not None and focused.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)


def is_elsewhere(widget: QWidget) -> bool:
    """Whether another window of the program has the keys: a dialog."""
    active: QWidget | None = QApplication.activeWindow()
    return active is not None and active is not widget.window()


def holds_focus(part: QWidget) -> bool:
    """Whether the keys go to something within ``part``, or would if its window had them."""
    focused: QWidget | None = part.window().focusWidget()
    return focused is not None and part.isAncestorOf(focused)
