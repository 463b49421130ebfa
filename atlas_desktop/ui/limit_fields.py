"""The limits as fields: for the settings, and for the first paid start."""

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QGridLayout, QSizePolicy, QWidget

from atlas_desktop.storage.settings import RANGES, Settings
from atlas_desktop.ui.look.labels import make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import RADIUS_CONTROL_PX

_FIELD_PX = 104
_FIELD_HEIGHT_PX = 36
_ROW_GAP_PX = 8


@dataclass(frozen=True, slots=True)
class _Unit:
    """How a number is written: ``prefix`` 5.00 ``suffix``, one of it being ``worth`` in the settings."""

    prefix: str = ""
    suffix: str = ""
    worth: float = 1.0
    decimals: int = 0


class LimitFields(QWidget):
    """One row a limit: what it means, and how much.

    Signals:
        changed(str, float): The setting of that name shall have this value.
    """

    changed = Signal(str, float)

    def __init__(self, theme: Theme, *, whole: bool = True, parent: QWidget | None = None) -> None:
        """Makes the rows; with ``whole`` also the one that few need."""
        super().__init__(parent)
        dollars = _Unit(prefix="$", decimals=2)
        minutes = _Unit(suffix=self.tr(" min"), worth=60.0)
        rows = [
            ("limit_session_usd", self.tr("A session costs at most"), dollars),
            ("limit_session_s", self.tr("A session lasts at most"), minutes),
            ("limit_day_usd", self.tr("A day costs at most"), dollars),
            ("limit_idle_s", self.tr("It ends when nobody is there for"), minutes),
        ]
        if whole:
            seconds = _Unit(suffix=self.tr(" s"))
            rows.append(("limit_hang_s", self.tr("It ends when the program hangs for"), seconds))
        self._amounts = {name: _Amount(theme, name, words, unit) for name, words, unit in rows}
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

    def _lay_out(self, captions: list[str]) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
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


class _Amount(QDoubleSpinBox):
    """A number with its unit: typed, or changed by arrow keys."""

    def __init__(self, theme: Theme, setting: str, words: str, unit: _Unit) -> None:
        super().__init__()
        lowest, highest = RANGES[setting]
        self._theme = theme
        self._unit = unit
        self._shown = 0.0
        self.setDecimals(2)
        self.setRange(lowest / unit.worth, highest / unit.worth)
        self.setPrefix(unit.prefix)
        self.setSuffix(unit.suffix)
        self.setAccessibleName(words)
        self.setFont(theme.font())
        self._make_see_through()
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        # Else "12" is a limit of 1 for a moment.
        self.setKeyboardTracking(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(_FIELD_PX, _FIELD_HEIGHT_PX)

    @property
    def amount(self) -> float:
        """In the unit of the settings."""
        return round(self.value() * self._unit.worth, 2)

    @property
    def is_changed(self) -> bool:
        return self.value() != self._shown

    def show_amount(self, amount: float) -> None:
        """Shows a value of the settings."""
        if amount == self.amount and not self.is_changed:
            return
        blocked = self.blockSignals(True)
        self.setValue(amount / self._unit.worth)
        self._shown = self.value()
        self.blockSignals(blocked)

    def textFromValue(self, value: float) -> str:
        """Money with cents, minutes without what they do not have."""
        text = f"{value:.2f}"
        return text if self._unit.decimals else text.rstrip("0").rstrip(".")

    def paintEvent(self, event: QPaintEvent) -> None:
        """A body like that of other fields: a style sheet would put the field within out of place."""
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = tokens.accent if self.hasFocus() else tokens.dim if self.underMouse() else tokens.line
        width = 2 if self.hasFocus() else 1
        painter.setPen(QPen(QColor(edge), width))
        painter.setBrush(QColor(tokens.surface))
        half = width / 2
        body = QRectF(self.rect()).adjusted(half, half, -half, -half)
        painter.drawRoundedRect(body, RADIUS_CONTROL_PX - half, RADIUS_CONTROL_PX - half)
        painter.end()

    def _make_see_through(self) -> None:
        self.setFrame(False)
        field = self.lineEdit()
        field.setStyleSheet("background: transparent; border: 0; padding: 0px 10px; min-height: 0px;")
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel scrolls the page unless the field has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
