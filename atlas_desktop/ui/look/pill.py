"""A short piece of state on dark glass over the picture, and a button that lies on it."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from atlas_desktop.ui.look.focus import FocusRingMixin, draw_focus_ring
from atlas_desktop.ui.look.paint_cache import PaintCache
from atlas_desktop.ui.look.plain_widgets import set_tip
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import DARK, OVERLAY_ALPHA, OVERLAY_BASE, OVERLAY_DIM, OVERLAY_TEXT

_HEIGHT_PX = 32
_PADDING_PX = 12
_DOT_PX = 8
_GAP_PX = 8
_HOVER_ALPHA = 34


class Pill(QLabel):
    """``● Live 00:42``: a dot, strong words, words and faint words; each may be missing.

    Its accessible name is set by its user: it carries the value, for example ``Cost: $0.08``.
    """

    def __init__(self, theme: Theme, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strong_font = theme.font(13, strong=True)
        self._plain_font = theme.font(13)
        self._cache = PaintCache()
        self._dot = ""
        self._parts: tuple[tuple[str, bool, str], ...] = ()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_parts(
        self, *, strong: str = "", plain: str = "", faint: str = "", dot: str = "", alarm: bool = False
    ) -> None:
        """Set the text.

        Args:
            strong: Demi-bold, first.
            plain: Normal weight.
            faint: Dimmed, last.
            dot: Name of a token ("live", "warn", "danger", "accent", "dim"); empty for no dot.
            alarm: The strong and the faint words in the colour of warnings.
        """
        strong_color, faint_color = (DARK.warn, DARK.warn) if alarm else (OVERLAY_TEXT, OVERLAY_DIM)
        wanted = ((strong, True, strong_color), (plain, False, OVERLAY_TEXT), (faint, False, faint_color))
        parts = tuple(part for part in wanted if part[0])
        if (parts, dot) == (self._parts, self._dot):
            return
        wider = self.sizeHint()
        self._parts, self._dot = parts, dot
        if self.sizeHint() != wider:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of all parts."""
        widths = [QFontMetrics(self._font(bold)).horizontalAdvance(text) for text, bold, _ in self._parts]
        if self._dot:
            widths.append(_DOT_PX)
        return QSize(2 * _PADDING_PX + sum(widths) + _GAP_PX * max(0, len(widths) - 1), _HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        """Return the full size: a value is never cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint glass, dot and text, in reading direction."""
        self._cache.paint(self, (self._parts, self._dot), self._draw)

    def _draw(self, painter: QPainter) -> None:
        glass = QColor(OVERLAY_BASE)
        glass.setAlpha(OVERLAY_ALPHA)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(glass)
        painter.drawRoundedRect(QRectF(self.rect()), self.height() / 2, self.height() / 2)
        right_to_left = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        left = _PADDING_PX
        if self._dot:
            painter.setBrush(QColor(getattr(DARK, self._dot)))
            x = self.width() - left - _DOT_PX if right_to_left else left
            painter.drawEllipse(QRectF(x, (self.height() - _DOT_PX) / 2, _DOT_PX, _DOT_PX))
            left += _DOT_PX + _GAP_PX
        for text, bold, color in self._parts:
            painter.setFont(self._font(bold))
            painter.setPen(QColor(color))
            width = painter.fontMetrics().horizontalAdvance(text)
            x = self.width() - left - width if right_to_left else left
            painter.drawText(QRectF(x, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, text)
            left += width + _GAP_PX

    def _font(self, bold: bool) -> QFont:
        return self._strong_font if bold else self._plain_font


class PillButton(FocusRingMixin, QPushButton):
    """See-through, with a sheen under the pointer and a ring for the keyboard.

    It is visible only while its pill is (``offer``), also when the overlay fades in.
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
        """Show it only while it is offered, too."""
        self._wanted = visible
        super().setVisible(visible and self._offered)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint sheen and ring only; at rest nothing, as the picture below is repainted often."""
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
