"""How many of the beeps were played: a row of dots that fill."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from atlas_desktop.ui.look.amounts import fill
from atlas_desktop.ui.look.theme import Theme

_DOT_PX = 18
_GAP_PX = 14


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
        """Shows that so many were played."""
        self._played = min(played, self._total)
        name = fill(self.tr("Beep {number} of {total}"), number=self._played, total=self._total)
        self.setAccessibleName(name)
        self.update()

    def sizeHint(self) -> QSize:
        """All dots in a line."""
        return QSize(self._total * _DOT_PX + (self._total - 1) * _GAP_PX, _DOT_PX + 2)

    def minimumSizeHint(self) -> QSize:
        """No dot is cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The dots, in reading direction, centred."""
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
