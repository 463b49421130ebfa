"""The layout of a message's text in lines, each paragraph in its own direction."""

from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QTextLayout, QTextOption

from atlas_desktop.ui.talk.plain_text import is_right_to_left

_LINE_SHARE = 1.25
_KEPT = 256
# A laid out character takes a hundred times its own size.
_KEPT_CHARACTERS = 100_000


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
