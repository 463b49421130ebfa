"""A number with its unit, as a field: typed, or changed by arrow keys."""

from dataclasses import dataclass

from PySide6.QtCore import QLocale, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QLabel, QSizePolicy

from atlas_desktop.ui.look.amounts import fill, money, money_affixes, number, numbers
from atlas_desktop.ui.look.plain_widgets import set_tone
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import RADIUS_CONTROL_PX
from atlas_desktop.ui.look.typed_numbers import Ambiguous, InputRefusal, read_number

_FIELD_PX = 104
_FIELD_HEIGHT_PX = 36
_GAP_PX = 8


@dataclass(frozen=True, slots=True)
class Unit:
    """How a number is written: 5 ``suffix``, one of it being ``worth`` in the settings; or as money."""

    suffix: str = ""
    worth: float = 1.0
    is_money: bool = False


class AmountField(QDoubleSpinBox):
    """A number with its unit, typed or changed by arrow keys, in the locale's format.

    Ambiguous input is refused: the last number is restored.

    Signals:
        refused(str): Why typed text was refused; empty when that is over.
    """

    refused = Signal(str)

    def __init__(self, theme: Theme, limits: tuple[float, float], words: str, unit: Unit) -> None:
        """Create the field.

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
        self._held: float | None = None
        self.setDecimals(2)
        self.setRange(lowest / unit.worth, highest / unit.worth)
        before, after = money_affixes() if unit.is_money else ("", unit.suffix)
        self.setPrefix(before)
        self.setSuffix(after)
        self.setAccessibleName(words)
        self.setFont(theme.font())
        self._make_see_through()
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        # Else typing "12" sets a limit of 1 for a moment.
        self.setKeyboardTracking(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(_FIELD_PX, _FIELD_HEIGHT_PX)
        self.lineEdit().textEdited.connect(self._forget_refusal)

    @property
    def amount(self) -> float:
        """The value, in the unit of the settings."""
        return round(self.value() * self._unit.worth, 2)

    @property
    def is_changed(self) -> bool:
        """Whether it is another than the one that was shown."""
        return self.value() != self._shown

    def show_amount(self, amount: float) -> None:
        """Show a value of the settings; typed text stays while the value is the same as before."""
        if amount == self._held:
            return
        self._held = amount
        blocked = self.blockSignals(True)
        self.setValue(amount / self._unit.worth)
        self._shown = self.value()
        self.blockSignals(blocked)

    def textFromValue(self, value: float) -> str:
        """Format money with cents, minutes without needless decimals; no digit groups: they are ambiguous."""
        place = numbers()
        place.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
        exact = f"{value:.2f}".rstrip("0")
        decimals = 2 if self._unit.is_money else len(exact.partition(".")[2])
        return place.toString(value, "f", decimals)

    def valueFromText(self, text: str) -> float:
        """Return the number meant; if ambiguous, the current value."""
        found = self._read(text)
        return found if isinstance(found, float) else self.value()

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Allow any typing; accept only an unambiguous number in range."""
        found = self._read(text)
        is_good = isinstance(found, float) and self.minimum() <= found <= self.maximum()
        state = QValidator.State.Acceptable if is_good else QValidator.State.Intermediate
        return state, text, position

    def fixup(self, text: str) -> str:
        """Report why ``text`` is refused; Qt then restores the last value."""
        words = self._refusal(text)
        if words:
            self.refused.emit(words)
        return text

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

    def _typed(self, text: str) -> str:
        """Return the text without Qt's own affixes."""
        return text.strip().removeprefix(self.prefix()).removesuffix(self.suffix()).strip()

    def _read(self, text: str) -> float | InputRefusal | Ambiguous:
        found = read_number(self._typed(text), decimal_point=numbers().decimalPoint(), unit=self._unit.suffix)
        return round(found, self.decimals()) if isinstance(found, float) else found

    def _refusal(self, text: str) -> str:
        typed = self._typed(text)
        match self._read(text):
            case InputRefusal.EMPTY:
                return ""
            case InputRefusal.NO_NUMBER:
                return fill(self.tr("“{typed}” is no number that can be read."), typed=typed)
            case Ambiguous(smaller, larger):
                words = self.tr("“{typed}” can be read as {smaller} and as {larger}: type one of these.")
                return fill(words, typed=typed, smaller=number(smaller, 2), larger=number(larger, 2))
            case float() as found if found < self.minimum():
                return fill(
                    self.tr("“{typed}” is too little: at least {limit}."),
                    typed=typed,
                    limit=self._said(self.minimum()),
                )
            case float() as found if found > self.maximum():
                return fill(
                    self.tr("“{typed}” is too much: at most {limit}."),
                    typed=typed,
                    limit=self._said(self.maximum()),
                )
        return ""

    def _said(self, value: float) -> str:
        return money(value) if self._unit.is_money else self.textFromValue(value) + self._unit.suffix

    @Slot()
    def _forget_refusal(self) -> None:
        self.refused.emit("")

    def _make_see_through(self) -> None:
        self.setFrame(False)
        field = self.lineEdit()
        field.setStyleSheet("background: transparent; border: 0; padding: 0px 10px; min-height: 0px;")
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step on arrow keys; leave Page Up and Page Down to the page."""
        if event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel scrolls the page: over a field that still has the focus, too, it would change a limit."""
        event.ignore()


class RefusalLine(QLabel):
    """The line below fields that shows why input was refused; screen readers announce it."""

    def __init__(self, *fields: AmountField) -> None:
        super().__init__()
        self._is_new = False
        # Typed text is shown literally.
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setContentsMargins(0, _GAP_PX, 0, 0)
        set_tone(self, "danger")
        self.hide()
        for field in fields:
            field.refused.connect(self._show_text)

    def take(self) -> bool:
        """Return whether something was refused since the last call."""
        is_new, self._is_new = self._is_new, False
        return is_new

    @Slot(str)
    def _show_text(self, words: str) -> None:
        self._is_new = bool(words)
        self.setText(words)
        self.setAccessibleName(words)
        self.setVisible(bool(words))
        if words:
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
