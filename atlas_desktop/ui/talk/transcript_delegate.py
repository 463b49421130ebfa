"""Draws a message: speaker and time in small letters, the text below."""

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from atlas_desktop.session.transcript import Message
from atlas_desktop.ui.look.focus import draw_focus_ring
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.talk.message_layout import MessageLayouts, line_height_px
from atlas_desktop.ui.talk.transcript_model import TranscriptRole

SIDE_PX = 16
_PAD_PX = 7
_GAP_PX = 3
_BOX_INSET_PX = 8
_BOX_RADIUS_PX = 8


class TranscriptDelegate(QStyledItemDelegate):
    """Paints and measures rows."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._layouts = MessageLayouts()
        self._text_font = theme.font()
        self._small_font = theme.font(12)
        self._small_px = QFontMetrics(self._small_font).height()
        self._line_px = line_height_px(self._text_font)
        self._letter_px = QFontMetrics(self._text_font).averageCharWidth()

    def height_px(self, words: str, width_px: int, right_to_left: bool) -> int:
        """Return the height of a row of ``words`` in a list of ``width_px``."""
        laid = self._layouts.lay_out(words, self._text_font, _text_width(width_px), right_to_left)
        return laid.height_px + self._frame_px()

    def guess_px(self, length: int, width_px: int) -> int:
        """Estimate the height of a row of ``length`` letters."""
        lines = 1 + length * self._letter_px // _text_width(width_px)
        return round(lines * self._line_px) + self._frame_px()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return the row's height at the option's width."""
        width = option.rect.width()
        return QSize(width, self.height_px(index.data(), width, False))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint selection or focus, head, text."""
        box: QRect = option.rect
        state = option.state
        direction = option.direction
        message: Message = index.data(TranscriptRole.MESSAGE)
        painter.save()
        painter.setClipRect(box)
        self._draw_marks(painter, QRectF(box), state)
        inner = box.adjusted(SIDE_PX, _PAD_PX, -SIDE_PX, -_PAD_PX)
        self._draw_head(painter, inner, index, message.role == "user", direction)
        right_to_left = direction == Qt.LayoutDirection.RightToLeft
        laid = self._layouts.lay_out(index.data(), self._text_font, inner.width(), right_to_left)
        painter.setPen(self._theme.color("text" if message.final else "dim"))
        laid.draw(painter, inner.left(), inner.top() + self._small_px + _GAP_PX)
        painter.restore()

    def _draw_marks(self, painter: QPainter, row: QRectF, state: QStyle.StateFlag) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = row.adjusted(_BOX_INSET_PX, 1, -_BOX_INSET_PX, -1)
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.tokens.raised))
            painter.drawRoundedRect(body, _BOX_RADIUS_PX, _BOX_RADIUS_PX)
        if state & QStyle.StateFlag.State_HasFocus:
            draw_focus_ring(painter, body, _BOX_RADIUS_PX, self._theme.color("accent"))

    def _draw_head(
        self,
        painter: QPainter,
        inner: QRect,
        index: QModelIndex | QPersistentModelIndex,
        own: bool,
        direction: Qt.LayoutDirection,
    ) -> None:
        line = QRect(inner.left(), inner.top(), inner.width(), self._small_px)
        painter.setFont(self._small_font)
        painter.setPen(QPen(self._theme.color("accent" if own else "dim")))
        leading = QStyle.visualAlignment(direction, Qt.AlignmentFlag.AlignLeft)
        speaker: str = index.data(TranscriptRole.SPEAKER)
        painter.drawText(line, int(leading), speaker)
        mark: str = index.data(TranscriptRole.MARK)
        if mark:
            painter.setPen(QPen(self._theme.color("warn")))
            after_px = QFontMetrics(self._small_font).horizontalAdvance(speaker + " ")
            rest = QRect(line.left() + after_px, line.top(), line.width() - after_px, line.height())
            painter.drawText(QStyle.visualRect(direction, line, rest), int(leading), f"· {mark}")
        painter.setPen(QPen(self._theme.color("dim")))
        trailing = QStyle.visualAlignment(direction, Qt.AlignmentFlag.AlignRight)
        painter.drawText(line, int(trailing), index.data(TranscriptRole.TIME))

    def _frame_px(self) -> int:
        return 2 * _PAD_PX + self._small_px + _GAP_PX


def _text_width(width_px: int) -> int:
    return max(40, width_px - 2 * SIDE_PX)
