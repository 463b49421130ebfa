"""A check box drawn as a switch with its text beside it."""

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QStyle, QWidget

from atlas_desktop.ui.look.focus import FocusRingMixin, draw_focus_ring
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import mix

_TRACK = QSize(36, 20)
_KNOB_PX = 14
_GAP_PX = 10
_RING_ROOM_PX = 4


class ToggleSwitch(FocusRingMixin, QCheckBox):
    """A check box that looks like a switch. Its text wraps where there is little room."""

    def __init__(self, theme: Theme, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._theme = theme
        self.setAccessibleName(text)
        self.setFont(theme.font())
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def sizeHint(self) -> QSize:
        """Return the size with one line of text."""
        metrics = QFontMetrics(self.font())
        return QSize(
            self._text_left() + metrics.horizontalAdvance(self.text()) + 2, max(28, metrics.height())
        )

    def minimumSizeHint(self) -> QSize:
        """Return the least size, with wrapped text."""
        return QSize(self._text_left() + 80, self.sizeHint().height())

    def hasHeightForWidth(self) -> bool:
        """Return True: text wraps."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of the text wrapped to ``width``."""
        room = QRect(0, 0, max(1, width - self._text_left()), 10_000)
        wrapped = QFontMetrics(self.font()).boundingRect(room, int(Qt.TextFlag.TextWordWrap), self.text())
        return max(self.sizeHint().height(), wrapped.height() + 4)

    def hitButton(self, position: QPoint) -> bool:
        """Return True for the text, too."""
        return self.rect().contains(position)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint track, knob and text, in reading direction."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        tokens = self._theme.tokens
        track = self._visual(QRect(QPoint(_RING_ROOM_PX, (self.height() - _TRACK.height()) // 2), _TRACK))
        if self.shows_ring:
            room = QRectF(track).adjusted(-_RING_ROOM_PX, -_RING_ROOM_PX, _RING_ROOM_PX, _RING_ROOM_PX)
            draw_focus_ring(painter, room, room.height() / 2, self._theme.color("accent"))
        off = mix(tokens.dim, tokens.surface, 0.75 if self.underMouse() else 0.6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.accent if self.isChecked() else off))
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        painter.setBrush(QColor(tokens.on_accent if self.isChecked() else tokens.surface))
        painter.drawEllipse(self._knob(track))
        painter.setPen(QColor(tokens.text))
        painter.setFont(self.font())
        words = self._visual(self.rect().adjusted(self._text_left(), 0, 0, 0))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(words, int(flags), self.text())
        painter.end()

    def _text_left(self) -> int:
        return _RING_ROOM_PX + _TRACK.width() + _GAP_PX

    def _visual(self, box: QRect) -> QRect:
        return QStyle.visualRect(self.layoutDirection(), self.rect(), box)

    def _knob(self, track: QRect) -> QRectF:
        edge = (track.height() - _KNOB_PX) / 2
        right_to_left = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        at_end = self.isChecked() != right_to_left
        left = track.right() + 1 - edge - _KNOB_PX if at_end else track.left() + edge
        return QRectF(left, track.top() + edge, _KNOB_PX, _KNOB_PX)
