"""Draws a message: speaker and time in small letters, the text below."""

from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QFontMetricsF, QPainter, QPen, QTextLayout, QTextOption
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from atlas_desktop.session.transcript import Message
from atlas_desktop.ui.look.focus import draw_focus_ring
from atlas_desktop.ui.look.plain_text import is_right_to_left
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.talk.transcript_model import TranscriptRole

SIDE_PX = 16
_PAD_PX = 7
_GAP_PX = 3
_BOX_INSET_PX = 8
_BOX_RADIUS_PX = 8
_LINE_SHARE = 1.25
_KEPT = 256
# A laid out character takes a hundred times its own size.
_KEPT_CHARACTERS = 100_000


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


@dataclass(frozen=True, slots=True)
class LaidOut:
    """Laid out lines; ``height_px`` is the height of all."""

    paragraphs: tuple[QTextLayout, ...]
    height_px: int

    def draw(self, painter: QPainter, left_px: float, top_px: float) -> None:
        """Draw in the painter's pen."""
        for paragraph in self.paragraphs:
            paragraph.draw(painter, QPointF(left_px, top_px))


class MessageLayouts:
    """Lays text out, and caches the latest layouts: visible rows are repainted often."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, bool], LaidOut] = OrderedDict()
        self._characters = 0
        self._font = QFont()

    def lay_out(self, words: str, font: QFont, width_px: int, right_to_left: bool) -> LaidOut:
        """The lines of ``words`` in ``width_px``.

        Args:
            words: Plain; a line break begins a paragraph.
            font: For all of it.
            width_px: Room for a line.
            right_to_left: Where paragraphs go that have no direction of their own.
        """
        # Compared as it is: `QFont.key` builds a string, which costs more than drawing a row.
        if font != self._font:
            self._kept.clear()
            self._characters = 0
            self._font = font
        key = (words, width_px, right_to_left)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = _laid_out(words, font, width_px, right_to_left)
            self._characters += len(words)
            while len(self._kept) > _KEPT or (self._characters > _KEPT_CHARACTERS and len(self._kept) > 1):
                (oldest, _width_px, _direction), _laid = self._kept.popitem(last=False)
                self._characters -= len(oldest)
        else:
            self._kept.move_to_end(key)
        return found


def _laid_out(words: str, font: QFont, width_px: int, right_to_left: bool) -> LaidOut:
    line_px = line_height_px(font)
    y = 0.0
    paragraphs = []
    for text in words.split("\n"):
        layout = QTextLayout(text, font)
        layout.setTextOption(_option(is_right_to_left(text, right_to_left)))
        layout.setCacheEnabled(True)
        layout.beginLayout()
        line = layout.createLine()
        if not line.isValid():
            y += line_px
        while line.isValid():
            line.setLineWidth(width_px)
            # Glyphs of other scripts may be taller than the line.
            height_px = max(line_px, line.height())
            line.setPosition(QPointF(0, y + (height_px - line.height()) / 2))
            y += height_px
            line = layout.createLine()
        layout.endLayout()
        paragraphs.append(layout)
    return LaidOut(tuple(paragraphs), round(y))


def line_height_px(font: QFont) -> float:
    """The distance of two lines, airy enough to read."""
    metrics = QFontMetricsF(font)
    return max(metrics.height(), round(font.pixelSize() * 1.16 * _LINE_SHARE))


def _option(right_to_left: bool) -> QTextOption:
    option = QTextOption(Qt.AlignmentFlag.AlignRight if right_to_left else Qt.AlignmentFlag.AlignLeft)
    option.setTextDirection(
        Qt.LayoutDirection.RightToLeft if right_to_left else Qt.LayoutDirection.LeftToRight
    )
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    return option
