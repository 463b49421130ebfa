"""Tool tips of plain text: Qt reads one that looks like HTML as HTML, pictures and links included."""

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, Qt
from PySide6.QtWidgets import QToolTip, QWidget

_REMARK_MS = 4000


def tip_text(text: str) -> str:
    """``text`` so that Qt shows it as it stands; for the ``ToolTipRole`` of a model, too."""
    return Qt.convertFromPlainText(text) if Qt.mightBeRichText(text) else text


def set_tip(widget: QWidget, text: str) -> None:
    """Gives ``widget`` a tool tip; the one way in which this program does."""
    tip = tip_text(text)
    widget.setToolTip(tip)
    if tip != text and not widget.accessibleDescription():
        # Without one a screen reader is given the tip, which would now be read with its tags.
        widget.setAccessibleDescription(text)


def show_remark(widget: QWidget, words: str) -> None:
    """Shows ``words`` below ``widget`` for a moment, and announces them: why a press of it did nothing."""
    below = widget.mapToGlobal(QPoint(0, widget.height()))
    QToolTip.showText(below, tip_text(words), widget, widget.rect(), _REMARK_MS)
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, words))
