"""A number with its unit, as a field: typed, or changed by arrow keys."""

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSizePolicy

from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import RADIUS_CONTROL_PX

_FIELD_PX = 104
_FIELD_HEIGHT_PX = 36


@dataclass(frozen=True, slots=True)
class Unit:
    """How a number is written: ``prefix`` 5.00 ``suffix``, one of it being ``worth`` in the settings."""

    prefix: str = ""
    suffix: str = ""
    worth: float = 1.0
    decimals: int = 0


class AmountField(QDoubleSpinBox):
    """A number with its unit: typed, or changed by arrow keys."""

    def __init__(self, theme: Theme, limits: tuple[float, float], words: str, unit: Unit) -> None:
        """Makes the field.

        Args:
            theme: Colours and fonts.
            limits: The lowest and the highest value, in the unit of the settings.
            words: Its accessible name.
            unit: How it is written.
        """
        super().__init__()
        lowest, highest = limits
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
        """Whether it is another than the one that was shown."""
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
        if not self.isEnabled():
            painter.setOpacity(0.5)
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
