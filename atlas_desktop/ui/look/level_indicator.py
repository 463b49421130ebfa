"""Six bars that show how loud the microphone hears."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from atlas_desktop.ui.look.theme import Theme

_BARS = 6
_BAR_PX = 4
_GAP_PX = 2
_HEIGHT_PX = 14
_FLOOR_DBFS, _STEP_DB = -54.0, 8.0
_LOUD_DBFS = -8.0


class LevelIndicator(QWidget):
    """Shows a level in steps of 8 dB. Grey while nothing is sent."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lit = 0
        self._loud = False
        self._sends = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the size of six bars."""
        return QSize(_BARS * (_BAR_PX + _GAP_PX) - _GAP_PX, _HEIGHT_PX)

    @property
    def lit(self) -> int:
        """The number of bars that are lit, 0 to 6."""
        return self._lit

    def set_level(self, dbfs: float) -> None:
        """Show ``dbfs``; repaint only when the number of lit bars changes."""
        lit = round(max(0.0, min(float(_BARS), (dbfs - _FLOOR_DBFS) / _STEP_DB)))
        loud = dbfs > _LOUD_DBFS
        if (lit, loud) != (self._lit, self._loud):
            self._lit, self._loud = lit, loud
            self.update()

    def set_sends(self, sends: bool) -> None:
        """Set whether the sound is sent."""
        if sends != self._sends:
            self._sends = sends
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bars, in reading direction."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        tokens = self._theme.tokens
        on = tokens.dim if not self._sends else tokens.warn if self._loud else tokens.live
        right_to_left = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        for number in range(_BARS):
            painter.setBrush(QColor(on if number < self._lit else tokens.line))
            place = _BARS - 1 - number if right_to_left else number
            painter.drawRoundedRect(QRectF(place * (_BAR_PX + _GAP_PX), 1, _BAR_PX, _HEIGHT_PX - 2), 2, 2)
        painter.end()
