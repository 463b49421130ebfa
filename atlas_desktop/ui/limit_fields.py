"""The limits as fields: for the settings, and for the first paid start."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from atlas_desktop.storage.settings import RANGES, Settings
from atlas_desktop.ui.look.amount_field import AmountField, RefusalLine, Unit
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme

_ROW_GAP_PX = 8


class LimitFields(QWidget):
    """One row a limit: what it means, and how much.

    Signals:
        changed(str, float): The setting of that name shall have this value.
    """

    changed = Signal(str, float)

    def __init__(self, theme: Theme, *, whole: bool = True, parent: QWidget | None = None) -> None:
        """Makes the rows; with ``whole`` also the one that few need."""
        super().__init__(parent)
        dollars = Unit(is_money=True)
        minutes = Unit(suffix=self.tr(" min"), worth=60.0)
        rows = [
            ("limit_session_usd", self.tr("A session costs at most"), dollars),
            ("limit_session_s", self.tr("A session lasts at most"), minutes),
            ("limit_day_usd", self.tr("A day costs at most"), dollars),
            ("limit_idle_s", self.tr("It ends when nobody is there for"), minutes),
        ]
        if whole:
            seconds = Unit(suffix=self.tr(" s"))
            rows.append(("limit_hang_s", self.tr("It ends when the program hangs for"), seconds))
        self._amounts = {name: AmountField(theme, RANGES[name], words, unit) for name, words, unit in rows}
        self._refusal = RefusalLine(*self._amounts.values())
        self._lay_out([words for _name, words, _unit in rows])

    def show_settings(self, settings: Settings) -> None:
        """Shows what holds, without asking for it."""
        for name, amount in self._amounts.items():
            amount.show_amount(getattr(settings, name))

    def values(self) -> dict[str, float]:
        """What was changed since it was shown, by the names of the settings."""
        for amount in self._amounts.values():
            # Where a press on a button does not take the focus, what was typed is not read yet.
            amount.interpretText()
        return {name: amount.amount for name, amount in self._amounts.items() if amount.is_changed}

    def take_refusal(self) -> bool:
        """Whether something that was typed was not taken since this was last asked."""
        return self._refusal.take()

    def _lay_out(self, captions: list[str]) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        grid = QGridLayout()
        column.addLayout(grid)
        column.addWidget(self._refusal)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(_ROW_GAP_PX)
        grid.setColumnStretch(0, 1)
        for row, (words, (name, amount)) in enumerate(zip(captions, self._amounts.items(), strict=True)):
            caption = make_label(words, tone="dim", wraps=True)
            caption.setBuddy(amount)
            grid.addWidget(caption, row, 0, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(amount, row, 1)
            amount.valueChanged.connect(partial(self._tell, name))

    def _tell(self, name: str, _shown: float) -> None:
        amount = self._amounts[name]
        if amount.is_changed:
            self.changed.emit(name, amount.amount)
