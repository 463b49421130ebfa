"""A choice as a card: a radio button that says what it does, and what it costs where it does."""

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QRadioButton, QSizePolicy, QWidget

from atlas_desktop.ui.look.focus import FocusRingMixin, draw_focus_ring
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import RADIUS_CARD_PX, mix

_PADDING_PX = 16
_LINE_GAP_PX = 4
_TEXT_FLAGS = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop)


class ChoiceCard(FocusRingMixin, QRadioButton):
    """One choice: its name, its price if it has one, one sentence. Selected by click, arrow keys or space."""

    def __init__(self, theme: Theme, title: str, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._theme = theme
        self._sentence = sentence
        self._price = ""
        self.setFont(theme.font(strong=True))
        self.setAccessibleName(title)
        self.setAccessibleDescription(sentence)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_price(self, price: str) -> None:
        """Set the price, for example ``$10 per hour``."""
        self._price = price
        self.setAccessibleDescription(f"{self._sentence} {price}".strip())
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size in a form of 440 px."""
        return QSize(440, self.heightForWidth(440))

    def minimumSizeHint(self) -> QSize:
        """The sentence may wrap, name and price stand side by side."""
        metrics = QFontMetrics(self.font())
        width = metrics.horizontalAdvance(self.text() + "  " + self._price) + 2 * _PADDING_PX
        return QSize(width, self.heightForWidth(max(width, 240)))

    def hasHeightForWidth(self) -> bool:
        """The sentence wraps."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height with the sentence wrapped to ``width``."""
        sentence = self._sentence_box(width).height()
        return 2 * _PADDING_PX + QFontMetrics(self.font()).height() + _LINE_GAP_PX + sentence

    def hitButton(self, position: QPoint) -> bool:
        """The whole card counts."""
        return self.rect().contains(position)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint card, border, name, price and sentence."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        self._draw_body(painter)
        tokens = self._theme.tokens
        top = self.rect().adjusted(_PADDING_PX, _PADDING_PX, -_PADDING_PX, 0)
        top.setHeight(QFontMetrics(self.font()).height())
        painter.setFont(self.font())
        painter.setPen(QColor(tokens.text))
        painter.drawText(top, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), self.text())
        painter.setFont(self._theme.font())
        painter.setPen(QColor(tokens.dim))
        painter.drawText(top, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self._price)
        below = top.adjusted(0, top.height() + _LINE_GAP_PX, 0, self.height())
        painter.drawText(below, _TEXT_FLAGS, self._sentence)
        painter.end()

    def _draw_body(self, painter: QPainter) -> None:
        tokens = self._theme.tokens
        body = QRectF(self.rect())
        radius = RADIUS_CARD_PX
        if self.shows_ring:
            body = draw_focus_ring(painter, body, radius, QColor(tokens.accent))
            radius -= 3
        width = 2 if self.isChecked() else 1
        hover = mix(tokens.dim, tokens.line, 0.55) if self.underMouse() else tokens.line
        painter.setPen(QPen(QColor(tokens.accent if self.isChecked() else hover), width))
        painter.setBrush(QColor(tokens.surface))
        half = width / 2
        painter.drawRoundedRect(body.adjusted(half, half, -half, -half), radius - half, radius - half)

    def _sentence_box(self, width: int) -> QRect:
        room = QRect(0, 0, max(1, width - 2 * _PADDING_PX), 10_000)
        return QFontMetrics(self._theme.font()).boundingRect(room, _TEXT_FLAGS, self._sentence)
