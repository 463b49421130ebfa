"""What the calibration shows: dots that count beeps, and a flash with the slider that moves it."""

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QWidget

from atlas_desktop.ui.look.amounts import fill
from atlas_desktop.ui.look.layouts import make_column
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import DARK, OVERLAY_TEXT, RADIUS_CARD_PX

_STEP_MS, _PAGE_MS = 2, 20
FLASH_MS = 80
_HEIGHT_PX = 104
_LEAST_HEIGHT_PX = 48
_DOT_PX = 18
_GAP_PX = 14


class EyePane(QWidget):
    """Flash, slider and figure.

    Signals:
        moved(int): Milliseconds from the beep at the sound server to the flash.
    """

    moved = Signal(int)

    def __init__(self, theme: Theme, longest_ms: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = FlashPanel(theme)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, longest_ms)
        self._slider.setSingleStep(_STEP_MS)
        self._slider.setPageStep(_PAGE_MS)
        self._slider.setMinimumHeight(28)
        self._slider.setAccessibleName(self.tr("Speaker delay"))
        self._figure = make_label()
        self._figure.setFont(theme.font(strong=True))
        self._figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        widest = self._figure.fontMetrics().horizontalAdvance(self._words(longest_ms))
        self._figure.setMinimumWidth(widest + 4)
        self._build()
        self.setFocusProxy(self._slider)
        self._slider.valueChanged.connect(self._emit_moved)
        self._show(self._slider.value())

    @property
    def value_ms(self) -> int:
        """The position of the slider."""
        return self._slider.value()

    def show_value(self, value_ms: float) -> None:
        """Move the slider."""
        self._slider.setValue(round(value_ms))

    def _build(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(self._slider, 1)
        line.addWidget(self._figure)
        column = make_column(self, spacing_px=10)
        column.addWidget(self.panel, 1)
        column.addLayout(line)

    @Slot(int)
    def _emit_moved(self, value_ms: int) -> None:
        self._show(value_ms)
        self.moved.emit(value_ms)

    def _show(self, value_ms: int) -> None:
        self._figure.setText(self._words(value_ms))
        self._slider.setAccessibleDescription(self._words(value_ms))

    def _words(self, value_ms: int) -> str:
        return fill(self.tr("{count} ms"), count=value_ms)


class FlashPanel(QWidget):
    """A dark panel that lights up once a second: far below the rate that can harm photosensitive users."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lit = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FLASH_MS)
        self._timer.timeout.connect(self._go_dark)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Flash"))

    @property
    def is_lit(self) -> bool:
        """Whether it is bright now."""
        return self._lit

    @Slot()
    def flash(self) -> None:
        """Light up; painted before this returns."""
        self._lit = True
        self.repaint()
        self._timer.start()

    def sizeHint(self) -> QSize:
        """Return the preferred size."""
        return QSize(280, _HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        """Return the least height, for a low window."""
        return QSize(120, _LEAST_HEIGHT_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a box that is dark in both themes, so that its light stands out."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.tokens.line), 1))
        painter.setBrush(QColor(OVERLAY_TEXT if self._lit else DARK.stage))
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(box, RADIUS_CARD_PX, RADIUS_CARD_PX)
        painter.end()

    @Slot()
    def _go_dark(self) -> None:
        self._lit = False
        self.update()


class BeepDots(QLabel):
    """Its accessible name carries the count: ``Beep 3 of 8``."""

    def __init__(self, theme: Theme, total: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._total = total
        self._played = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.show_played(0)

    def show_played(self, played: int) -> None:
        """Show how many beeps were played."""
        self._played = min(played, self._total)
        name = fill(self.tr("Beep {number} of {total}"), number=self._played, total=self._total)
        self.setAccessibleName(name)
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of all dots in a line."""
        return QSize(self._total * _DOT_PX + (self._total - 1) * _GAP_PX, _DOT_PX + 2)

    def minimumSizeHint(self) -> QSize:
        """Return the size of all dots: none is cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the dots, in reading direction, centred."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        step = _DOT_PX + _GAP_PX
        left, top = (self.width() - self.sizeHint().width()) / 2, (self.height() - _DOT_PX) / 2
        right_to_left = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        for number in range(self._total):
            is_played = number < self._played
            painter.setPen(QPen(QColor(tokens.accent if is_played else tokens.dim), 1.5))
            painter.setBrush(QColor(tokens.accent) if is_played else Qt.BrushStyle.NoBrush)
            place = self._total - 1 - number if right_to_left else number
            painter.drawEllipse(QRectF(left + place * step + 1, top + 1, _DOT_PX - 2, _DOT_PX - 2))
        painter.end()
