"""The controls of the rows of the settings table: a switch, a choice, amounts."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QVBoxLayout, QWidget

from atlas_desktop.storage.settings import RANGES, Settings
from atlas_desktop.ui.controllers.notices import translated
from atlas_desktop.ui.look.amount_field import AmountField, RefusalLine
from atlas_desktop.ui.look.controls import Button
from atlas_desktop.ui.look.layouts import FlowLayout, make_column
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.toggle_switch import ToggleSwitch
from atlas_desktop.ui.settings_table import Amount, Choice, Toggle

_ROW_GAP_PX = 8


class SettingField(QWidget):
    """The controls of one or more settings. Base of all of them.

    Signals:
        change_requested(object): New values of fields of ``Settings``, as a dict.
    """

    change_requested = Signal(object)

    def show_settings(self, settings: Settings) -> None:
        """Show the current values without requesting a change."""

    def take_refusal(self) -> bool:
        """Return whether typed input was refused since the last call."""
        return False


class ToggleField(SettingField):
    """A switch."""

    def __init__(self, theme: Theme, row: Toggle, settings: Settings) -> None:
        super().__init__()
        self._name = row.name
        self._switch = ToggleSwitch(theme, translated(row.label))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._switch)
        self.show_settings(settings)
        self._switch.toggled.connect(self._change)

    def show_settings(self, settings: Settings) -> None:
        """Show the current value."""
        self._switch.setChecked(getattr(settings, self._name))

    @Slot(bool)
    def _change(self, on: bool) -> None:
        self.change_requested.emit({self._name: on})


class ChoiceField(SettingField):
    """One of several: checkable and exclusive buttons, radio buttons to a screen reader."""

    def __init__(self, theme: Theme, row: Choice, settings: Settings) -> None:
        super().__init__()
        self._name = row.name
        self._values = tuple(row.labels)
        self._value: object = None
        self._group = QButtonGroup(self)
        flow = FlowLayout(self, gap_px=6)
        for number, template in enumerate(row.labels.values()):
            label = translated(template)
            button = Button(theme, label, name=translated(row.button_name, choice=label))
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.set_height(36)
            self._group.addButton(button, number)
            flow.addWidget(button)
        self.show_settings(settings)
        self._group.idToggled.connect(self._choose)

    def show_settings(self, settings: Settings) -> None:
        """Show the current value."""
        self._value = getattr(settings, self._name)
        self._group.button(self._values.index(self._value)).setChecked(True)

    @Slot(int, bool)
    def _choose(self, number: int, chosen: bool) -> None:
        if chosen and self._values[number] != self._value:
            self._value = self._values[number]
            self.change_requested.emit({self._name: self._value})


class AmountFields(SettingField):
    """One line per amount: its label, and the number with its unit."""

    def __init__(
        self, theme: Theme, rows: Sequence[Amount], settings: Settings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._amounts = {
            row.name: AmountField(
                theme,
                RANGES[row.name],
                translated(row.label),
                replace(row.unit, suffix=translated(row.unit.suffix)),
            )
            for row in rows
        }
        self._refusal = RefusalLine(*self._amounts.values())
        self._lay_out([translated(row.label) for row in rows])
        self.show_settings(settings)

    def show_settings(self, settings: Settings) -> None:
        """Show the current values."""
        for name, amount in self._amounts.items():
            amount.show_amount(getattr(settings, name))

    def values(self) -> dict[str, float]:
        """Return what was changed since it was shown, by the names of the settings."""
        self._read_typed()
        return {name: amount.amount for name, amount in self._amounts.items() if amount.is_changed}

    def take_refusal(self) -> bool:
        """Return whether a typed amount was refused since the last call."""
        self._read_typed()
        return self._refusal.take()

    def _read_typed(self) -> None:
        # Where pressing a button does not move the focus, typed text is not read yet.
        for amount in self._amounts.values():
            amount.interpretText()

    def _lay_out(self, labels: Sequence[str]) -> None:
        column = make_column(self)
        grid = QGridLayout()
        column.addLayout(grid)
        column.addWidget(self._refusal)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(_ROW_GAP_PX)
        grid.setColumnStretch(0, 1)
        for row, (label, (name, amount)) in enumerate(zip(labels, self._amounts.items(), strict=True)):
            caption = make_label(label, tone="dim", wraps=True)
            caption.setBuddy(amount)
            grid.addWidget(caption, row, 0, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(amount, row, 1)
            amount.valueChanged.connect(partial(self._change, name))

    def _change(self, name: str, _shown: float) -> None:
        amount = self._amounts[name]
        if amount.is_changed:
            self.change_requested.emit({name: amount.amount})
