"""A button that lies on a pill: the pill shows the value, this takes the press."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QWidget

from atlas_desktop.ui.look.focus_ring import Lively, draw_focus_ring
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tips import set_tip

_HOVER_ALPHA = 34


class PillButton(Lively, QPushButton):
    """See-through, with a sheen under the pointer and a ring for the keyboard.

    It is there while its pill is (``offer``); whoever fades it in and out need not know of that.
    """

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._offered = False
        self._wanted = True
        self.setAccessibleName(name)
        set_tip(self, name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAutoDefault(False)
        super().setVisible(False)

    def offer(self, offered: bool) -> None:
        """Whether there is a pill to press."""
        if offered != self._offered:
            self._offered = offered
            super().setVisible(offered and self._wanted)

    def setVisible(self, visible: bool) -> None:
        """To be seen when there is a pill, too."""
        self._wanted = visible
        super().setVisible(visible and self._offered)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Sheen and ring only; at rest nothing, as it lies on a picture that is painted again and again."""
        if not (self.underMouse() or self.isDown() or self.hasFocus()):
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect())
        if self.shows_ring:
            body = draw_focus_ring(painter, body, body.height() / 2, self._theme.color("accent"))
        if self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(255, 255, 255, _HOVER_ALPHA))
            painter.drawRoundedRect(body, body.height() / 2, body.height() / 2)
        painter.end()
