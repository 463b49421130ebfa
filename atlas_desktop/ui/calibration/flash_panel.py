"""A panel that flashes: what the eye compares with the beep."""

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import DARK, OVERLAY_TEXT, RADIUS_CARD_PX

FLASH_MS = 80
_HEIGHT_PX = 104
_LEAST_HEIGHT_PX = 48


class FlashPanel(QWidget):
    """Dark, and for a moment bright. Once a second: far below what can harm who is sensitive to flashes."""

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
        """Bright now: painted before this returns."""
        self._lit = True
        self.repaint()
        self._timer.start()

    def sizeHint(self) -> QSize:
        """A good part of the dialog."""
        return QSize(280, _HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        """In a low window less."""
        return QSize(120, _LEAST_HEIGHT_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A box, dark in both looks, so that its light stands out."""
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
