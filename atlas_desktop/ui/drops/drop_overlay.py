"""What a drop would do, over the whole window, while something is dragged over it."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from atlas_desktop.ui.controllers.notices import said
from atlas_desktop.ui.drops.drop_texts import DropText
from atlas_desktop.ui.look.icons import draw_icon
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme

_EDGE_PX = 16
_ICON_PX = 44
_RADIUS_PX = 20


class DropOverlay(QWidget):
    """A veil with a dashed frame, an icon and one or two lines. The pointer goes through it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon = "speak"
        self._headline = make_label(size="title", wraps=True)
        self._detail = make_label(tone="dim", wraps=True)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        column = QVBoxLayout(self)
        column.setContentsMargins(40, 40 + _ICON_PX, 40, 40)
        column.setSpacing(6)
        column.addStretch(1)
        for label in (self._headline, self._detail):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch(1)
        self.hide()

    @property
    def headline(self) -> str:
        """The line that says what would happen."""
        return self._headline.text()

    def show_words(self, words: DropText) -> None:
        """Cover the window and show ``words``."""
        self._icon = words.icon
        _set(self._headline, said(words.headline, **words.params))
        _set(self._detail, said(words.detail, **words.params) if words.detail else "")
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint veil, frame and icon."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        veil = QColor(tokens.bg)
        veil.setAlpha(248)
        painter.fillRect(self.rect(), veil)
        refuses = self._icon == "blocked"
        color = QColor(tokens.danger if refuses else tokens.accent)
        pen = QPen(color, 2, Qt.PenStyle.SolidLine if refuses else Qt.PenStyle.DashLine)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        edge = QRectF(self.rect()).adjusted(_EDGE_PX, _EDGE_PX, -_EDGE_PX, -_EDGE_PX)
        painter.drawRoundedRect(edge, _RADIUS_PX, _RADIUS_PX)
        top = self._headline.geometry().top() - _ICON_PX - 12
        draw_icon(painter, self._icon, QRectF((self.width() - _ICON_PX) / 2, top, _ICON_PX, _ICON_PX), color)
        painter.end()


def _set(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
