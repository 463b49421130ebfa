"""Labels, rules, cards and tool tips in the look of the program."""

from PySide6 import QtGui
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QToolTip, QWidget

from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import RADIUS_CARD_PX

_REMARK_MS = 4000


def make_label(
    text: str = "",
    *,
    tone: str = "",
    size: str = "",
    strong: bool = False,
    wraps: bool = False,
    parent: QWidget | None = None,
) -> QLabel:
    """A label of plain text.

    Args:
        text: Shown as it is: never read as HTML.
        tone: "", "dim", "warn" or "danger".
        size: "", "small" or "title".
        strong: Demi-bold.
        wraps: Breaks into lines where there is little room.
        parent: Owner.
    """
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wraps)
    if tone:
        label.setProperty("tone", tone)
    if size:
        # Not "size": every widget has a property of that name.
        label.setProperty("scale", size)
    if strong:
        label.setProperty("weight", "strong")
    if wraps:
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        label.setSizePolicy(policy)
    return label


def set_tone(label: QLabel, tone: str) -> None:
    """Set the tone of a label."""
    if label.property("tone") != tone:
        label.setProperty("tone", tone)
        label.style().unpolish(label)
        label.style().polish(label)


def make_rule(parent: QWidget | None = None) -> QFrame:
    """A thin horizontal line in the colour of lines."""
    rule = QFrame(parent)
    rule.setObjectName("rule")
    rule.setFixedHeight(1)
    return rule


class CardFrame(QFrame):
    """A box with surface and border around any layout."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the box."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.tokens.line), 1))
        painter.setBrush(QColor(self._theme.tokens.surface))
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(box, RADIUS_CARD_PX, RADIUS_CARD_PX)
        painter.end()


def tip_text(text: str) -> str:
    """Escape ``text`` so that Qt shows it literally; for the ``ToolTipRole`` of a model, too."""
    # PySide6 has these in the Qt namespace of QtGui, not in that of QtCore.
    namespace = QtGui.Qt
    return namespace.convertFromPlainText(text) if namespace.mightBeRichText(text) else text


def set_tip(widget: QWidget, text: str) -> None:
    """Set a tool tip; every tool tip of this program is set here."""
    tip = tip_text(text)
    widget.setToolTip(tip)
    if tip != text and not widget.accessibleDescription():
        # Without one a screen reader would read the escaped tip, with its tags.
        widget.setAccessibleDescription(text)


def show_remark(widget: QWidget, words: str) -> None:
    """Show and announce ``words`` below ``widget`` for a moment: why a press did nothing."""
    below = widget.mapToGlobal(QPoint(0, widget.height()))
    QToolTip.showText(below, tip_text(words), widget, widget.rect(), _REMARK_MS)
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, words))
