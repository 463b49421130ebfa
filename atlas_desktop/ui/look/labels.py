"""Labels in the few tones and sizes that the style sheet knows."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget


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
    """Gives a label another tone."""
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
