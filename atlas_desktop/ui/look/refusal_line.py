"""The line below fields that says why what was typed in one of them was not taken."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QLabel

from atlas_desktop.ui.look.amount_field import AmountField
from atlas_desktop.ui.look.labels import set_tone

_GAP_PX = 8


class RefusalLine(QLabel):
    """Hidden while all is well. Screen readers say it when it comes up."""

    def __init__(self, *fields: AmountField) -> None:
        super().__init__()
        self._is_new = False
        # What was typed is shown as it is.
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setContentsMargins(0, _GAP_PX, 0, 0)
        set_tone(self, "danger")
        self.hide()
        for field in fields:
            field.refused.connect(self._say)

    def take(self) -> bool:
        """Whether something was refused since this was last asked."""
        is_new, self._is_new = self._is_new, False
        return is_new

    @Slot(str)
    def _say(self, words: str) -> None:
        self._is_new = bool(words)
        self.setText(words)
        self.setAccessibleName(words)
        self.setVisible(bool(words))
        if words:
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
