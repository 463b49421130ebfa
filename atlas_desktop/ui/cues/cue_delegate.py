"""Draws a cue: a small box with its state, its outline, its name, its length and cost."""

from typing import cast

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from atlas_desktop.cues.queue import Cue, CueState
from atlas_desktop.ui.cues.cue_model import CueModel, CueRole
from atlas_desktop.ui.look.focus import draw_focus_ring
from atlas_desktop.ui.look.icons import draw_icon
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import RADIUS_CONTROL_PX

CUE_HEIGHT_PX = 36
_PAD_PX = 10
_GAP_PX = 8
_ICON_PX = 16
_BARS = 22
_BAR_PX = 3
_WAVE_PX = 20
_NAME_AT_MOST_PX = 180
_ICONS = {
    CueState.PLAYING: "play",
    CueState.PAUSED: "pause",
    CueState.DONE: "check",
    CueState.FAILED: "error",
    CueState.MISSING: "error",
}

_BROKEN = (CueState.FAILED, CueState.MISSING)


class CueDelegate(QStyledItemDelegate):
    """Paints and measures cues; each keeps a gap to the next.

    Attributes:
        shows_focus: Whether the ring is drawn: it is for those who came by keyboard.
        shows_outline: Whether there is room for the waveform besides the words.
    """

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.shows_focus = False
        self.shows_outline = True
        self._sizes: dict[int, tuple[Cue, tuple[float | None, bool], QSize]] = {}
        self._strong = theme.font(13, strong=True)
        self._plain = theme.font(13)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return the size of all parts; long names are elided."""
        cue: Cue = index.data(CueRole.CUE)
        # Called for every cue whenever one has changed.
        depends = (cast(CueModel, index.model()).price_per_hour_usd, self.shows_outline)
        known = self._sizes.get(cue.id)
        if known is None or known[0] is not cue or known[1] != depends:
            known = self._sizes[cue.id] = cue, depends, self._measure(cue, index)
        return known[2]

    def _measure(self, cue: Cue, index: QModelIndex | QPersistentModelIndex) -> QSize:
        widths = [self._name_px(index.data())]
        detail = index.data(CueRole.DETAIL)
        if detail:
            widths.append(_words_px(self._plain, detail))
        if cue.state in _ICONS:
            widths.append(_ICON_PX)
        if cue.peaks and self.shows_outline:
            widths.append(_BARS * _BAR_PX)
        return QSize(2 * _PAD_PX + sum(widths) + _GAP_PX * len(widths), CUE_HEIGHT_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint box, progress, then the parts in reading direction."""
        cue: Cue = index.data(CueRole.CUE)
        row: QRect = option.rect
        state = option.state
        direction = option.direction
        box = QStyle.visualRect(direction, row, row.adjusted(0, 0, -_GAP_PX, 0))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_box(painter, box, cue, state, direction)
        left = box.left() + _PAD_PX

        def next_place(width_px: int) -> QRect:
            nonlocal left
            place = QRect(left, box.top(), width_px, box.height())
            left += width_px + _GAP_PX
            return QStyle.visualRect(direction, box, place)

        if cue.state in _ICONS:
            spot = QRectF(0, 0, _ICON_PX, _ICON_PX)
            spot.moveCenter(QRectF(next_place(_ICON_PX)).center())
            draw_icon(painter, _ICONS[cue.state], spot, self._ink(cue))
        if cue.peaks and self.shows_outline:
            self._draw_outline(painter, next_place(_BARS * _BAR_PX), cue, direction)
        name = index.data()
        self._draw_words(painter, next_place(self._name_px(name)), name, self._strong, self._name_color(cue))
        detail = index.data(CueRole.DETAIL)
        if detail:
            place = next_place(_words_px(self._plain, detail))
            self._draw_words(painter, place, detail, self._plain, self._theme.color("dim"))
        painter.restore()

    def _draw_box(
        self, painter: QPainter, box: QRect, cue: Cue, state: QStyle.StateFlag, direction: Qt.LayoutDirection
    ) -> None:
        tokens = self._theme.tokens
        outer = QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = self.shows_focus and bool(state & QStyle.StateFlag.State_HasFocus)
        if focused:
            outer = draw_focus_ring(painter, QRectF(box), RADIUS_CONTROL_PX, self._theme.color("accent"))
        radius = RADIUS_CONTROL_PX - (box.height() - outer.height()) / 4
        path = QPainterPath()
        path.addRoundedRect(outer, radius, radius)
        painter.fillPath(path, QColor(tokens.raised if selected else tokens.bg))
        share = progress(cue)
        if share > 0:
            painter.save()
            painter.setClipPath(path)
            spoken = QRect(box.left(), box.top(), round(box.width() * share), box.height())
            painter.fillRect(QStyle.visualRect(direction, box, spoken), QColor(tokens.accent_soft))
            painter.restore()
        current = cue.state is CueState.PLAYING or share > 0
        broken = cue.state in _BROKEN
        line = (
            tokens.accent if current else tokens.danger if broken else tokens.dim if selected else tokens.line
        )
        if not focused:
            painter.setPen(QPen(QColor(line), 1))
            painter.drawPath(path)

    def _draw_outline(self, painter: QPainter, place: QRect, cue: Cue, direction: Qt.LayoutDirection) -> None:
        share = progress(cue)
        rest = self._theme.color("danger" if cue.state in _BROKEN else "dim")
        painter.setPen(Qt.PenStyle.NoPen)
        for number, peak in enumerate(fewer_bars(cue.peaks, _BARS)):
            height = 3 + (_WAVE_PX - 3) * peak / 100
            bar = QRect(place.left() + number * _BAR_PX, place.top(), _BAR_PX, place.height())
            seen = QStyle.visualRect(direction, place, bar)
            spoken = share > 0 and (number + 0.5) / _BARS <= share
            painter.setBrush(self._theme.color("accent") if spoken else rest)
            painter.drawRoundedRect(
                QRectF(seen.left(), place.center().y() + 0.5 - height / 2, _BAR_PX - 1, height), 1, 1
            )

    def _draw_words(self, painter: QPainter, place: QRect, words: str, font: QFont, color: QColor) -> None:
        painter.setFont(font)
        painter.setPen(color)
        cut = QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideMiddle, place.width())
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine | Qt.TextFlag.TextDontClip
        painter.drawText(place, int(flags), cut)

    def _name_px(self, name: str) -> int:
        return min(_NAME_AT_MOST_PX, _words_px(self._strong, name))

    def _name_color(self, cue: Cue) -> QColor:
        if cue.state in _BROKEN:
            return self._theme.color("danger")
        return self._theme.color("dim" if cue.state is CueState.DONE else "text")

    def _ink(self, cue: Cue) -> QColor:
        """The colour of icon and outline."""
        match cue.state:
            case CueState.PLAYING:
                return self._theme.color("text")
            case CueState.FAILED | CueState.MISSING:
                return self._theme.color("danger")
            case _:
                return self._theme.color("dim")


def _words_px(font: QFont, words: str) -> int:
    # Rounded up: glyphs have fractional widths, and the last one would be cut.
    return QFontMetrics(font).horizontalAdvance(words) + 2


def progress(cue: Cue) -> float:
    """Return the share of a current cue that was spoken, 0 to 1."""
    if cue.state not in (CueState.PLAYING, CueState.PAUSED) or not cue.duration_s:
        return 0.0
    return max(0.0, min(1.0, cue.position_s / cue.duration_s))


def fewer_bars(peaks: tuple[int, ...], count: int) -> list[int]:
    """Reduce ``peaks`` to ``count`` bars, each the maximum of those it replaces."""
    if not peaks:
        return []
    size = len(peaks)
    return [
        max(peaks[number * size // count : max(number * size // count + 1, (number + 1) * size // count)])
        for number in range(count)
    ]
