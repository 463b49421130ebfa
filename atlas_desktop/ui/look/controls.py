"""Buttons: one class, five kinds, painted the same on all platforms."""

from enum import StrEnum

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyle, QWidget

from atlas_desktop.ui.look.focus import FocusRingMixin, draw_focus_ring
from atlas_desktop.ui.look.icons import ICON_PX, draw_icon
from atlas_desktop.ui.look.paint_cache import PaintCache
from atlas_desktop.ui.look.plain_widgets import set_tip
from atlas_desktop.ui.look.press_guard import PressGuard
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import (
    CONTROL_HEIGHT_PX,
    OVERLAY_ALPHA,
    OVERLAY_BASE,
    OVERLAY_TEXT,
    RADIUS_CONTROL_PX,
)

_ICON_GAP_PX = 8


class ButtonKind(StrEnum):
    """What a button looks like.

    PRIMARY: the one thing to do here. PLAIN: everything else. DANGER: ends or loses something.
    ROUND: icon only, 44 px; its text is the accessible name and the tool tip.
    OVERLAY: as ROUND, 36 px, dark glass, for on top of the picture. LINK: accent text, no body.
    QUIET: as ROUND, 40 px, without a body until the pointer is over it.
    """

    PRIMARY = "primary"
    PLAIN = "plain"
    DANGER = "danger"
    ROUND = "round"
    OVERLAY = "overlay"
    LINK = "link"
    QUIET = "quiet"


_ICON_ONLY = (ButtonKind.ROUND, ButtonKind.OVERLAY, ButtonKind.QUIET)
_HEIGHTS_PX = {ButtonKind.ROUND: 44, ButtonKind.OVERLAY: 36, ButtonKind.LINK: 24}
_PADDINGS_PX = {ButtonKind.PRIMARY: 16, ButtonKind.LINK: 0}


class Button(FocusRingMixin, QPushButton):
    """A push button of one of our kinds; checkable ones show that they are on in the accent colour.

    Signals:
        toggle_requested(bool): A checkable one was switched on or off by pointer, key or screen reader,
            which toggles and never clicks. Not emitted by ``show_checked``.
    """

    toggle_requested = Signal(bool)

    def __init__(
        self,
        theme: Theme,
        text: str,
        kind: ButtonKind = ButtonKind.PLAIN,
        *,
        icon: str = "",
        name: str = "",
        costs: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """Create the button.

        Args:
            theme: Colours and fonts.
            text: What it says; for ROUND and OVERLAY its accessible name and tool tip.
            kind: What it looks like.
            icon: Name of an icon, before the text.
            name: Accessible name where it differs from the text.
            costs: Its press spends money: one that can't have been meant for it does not count.
            parent: Owner.
        """
        super().__init__(_unmarked(text), parent)
        self._theme = theme
        self._kind = kind
        self._icon_name = icon
        # Only buttons on the picture are repainted often.
        self._cache = PaintCache() if kind is ButtonKind.OVERLAY else None
        self._compact = False
        self._is_shown_checked = False
        self._height_px = _HEIGHTS_PX.get(kind, CONTROL_HEIGHT_PX)
        self._padding_px = _PADDINGS_PX.get(kind, 12)
        self.setAccessibleName(name or text)
        self.setFont(theme.font(13 if kind is ButtonKind.LINK else 14, strong=self._is_strong()))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAutoDefault(False)
        if kind in _ICON_ONLY:
            set_tip(self, text)
        self.toggled.connect(self._request)
        self._guard = PressGuard(self) if costs else None

    def press_by_key(self, *, repeated: bool = False) -> None:
        """Press it for a key of the window; ``repeated``: the key was held down."""
        if self._guard is None or self._guard.takes_key(repeated=repeated):
            self.click()

    def setText(self, text: str) -> None:
        """Show ``text`` literally: an ampersand marks no mnemonic."""
        super().setText(_unmarked(text))

    def show_checked(self, checked: bool) -> None:
        """Show on or off without emitting ``toggle_requested``."""
        self._is_shown_checked = checked
        self.setChecked(checked)

    def set_icon_name(self, name: str) -> None:
        """Set the icon."""
        if name != self._icon_name:
            self._icon_name = name
            self.update()

    def set_height(self, height_px: int, padding_px: int | None = None) -> None:
        """Set the height, and the padding at the sides."""
        self._height_px = height_px
        self._padding_px = self._padding_px if padding_px is None else padding_px
        self.updateGeometry()

    def set_compact(self, compact: bool) -> None:
        """Show the icon alone; the text becomes the tool tip."""
        if compact != self._compact:
            self._compact = compact
            set_tip(self, self._clean_text() if compact else "")
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """Return the size of padding, icon and text; a square for icon-only kinds."""
        if self._shows_icon_only():
            return QSize(self._height_px, self._height_px)
        metrics = QFontMetrics(self.font())
        width_px = 2 * self._padding_px
        if self.text():
            width_px += metrics.horizontalAdvance(self._clean_text())
        if self._icon_name:
            width_px += ICON_PX + (_ICON_GAP_PX if self.text() else 0)
        return QSize(width_px, max(self._height_px, metrics.height() + 4))

    def minimumSizeHint(self) -> QSize:
        """A button never hides a part of its words."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint body, focus ring, icon and text."""
        if self._cache is not None:
            self._cache.paint(self, self._looks(), self._draw)
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw(painter)
        painter.end()

    def _looks(self) -> object:
        hover = self.underMouse() or self.isDown()
        state = (self.isEnabled(), self.isChecked(), hover, self.shows_ring)
        return (*state, self._icon_name, self._theme.tokens)

    def _draw(self, painter: QPainter) -> None:
        if not self.isEnabled():
            painter.setOpacity(0.45)
        body = QRectF(self.rect())
        if self.shows_ring:
            body = draw_focus_ring(painter, body, self._radius(body), self._theme.color(self._ring_token()))
        background = self._background()
        if background is not None:
            self._draw_body(painter, body, background)
        self._draw_content(painter)

    @Slot(bool)
    def _request(self, checked: bool) -> None:
        if checked != self._is_shown_checked:
            self.toggle_requested.emit(checked)

    def _draw_body(self, painter: QPainter, body: QRectF, background: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        plain = self._kind in (ButtonKind.PLAIN, ButtonKind.ROUND) and not self.isChecked()
        if plain and not self._theme.tokens.is_dark:
            # On the light theme a plain body is hardly darker than the page: it gets a border.
            painter.setPen(QPen(self._theme.color("line"), 1))
            body = body.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(background)
        painter.drawRoundedRect(body, self._radius(body), self._radius(body))

    def _is_strong(self) -> bool:
        return self._kind in (ButtonKind.PRIMARY, ButtonKind.DANGER)

    def _clean_text(self) -> str:
        return self.text().replace("&&", "&")

    def _ring_token(self) -> str:
        return "danger" if self._kind is ButtonKind.DANGER else "accent"

    def _radius(self, body: QRectF) -> float:
        if self._kind in _ICON_ONLY:
            return body.height() / 2
        return 6 if self._kind is ButtonKind.LINK else RADIUS_CONTROL_PX - (self.height() - body.height()) / 4

    def _background(self) -> QColor | None:
        tokens = self._theme.tokens
        hover = self.underMouse() and self.isEnabled()
        match self._kind:
            case ButtonKind.PRIMARY:
                return QColor(tokens.accent_hover if hover or self.isDown() else tokens.accent)
            case ButtonKind.DANGER:
                return QColor(tokens.danger_pressed if hover or self.isDown() else tokens.danger_soft)
            case ButtonKind.LINK:
                return None
            case ButtonKind.OVERLAY:
                glass = QColor(tokens.accent if self.isChecked() else OVERLAY_BASE)
                glass.setAlpha(235 if hover or self.isDown() or self.isChecked() else OVERLAY_ALPHA)
                return glass
            case ButtonKind.QUIET if not (hover or self.isChecked()):
                return None
            case _:
                if self.isChecked():
                    return QColor(tokens.accent_soft)
                return QColor(tokens.pressed if self.isDown() else tokens.hover if hover else tokens.raised)

    def _foreground(self) -> QColor:
        tokens = self._theme.tokens
        match self._kind:
            case ButtonKind.PRIMARY:
                return QColor(tokens.on_accent)
            case ButtonKind.DANGER:
                return QColor(tokens.danger)
            case ButtonKind.LINK:
                return QColor(tokens.accent)
            case ButtonKind.OVERLAY:
                return QColor(tokens.on_accent if self.isChecked() else OVERLAY_TEXT)
            case ButtonKind.QUIET if not (self.underMouse() or self.isChecked()):
                return QColor(tokens.dim)
            case _:
                return QColor(tokens.accent if self.isChecked() else tokens.text)

    def _shows_icon_only(self) -> bool:
        return self._kind in _ICON_ONLY or self._compact

    def _draw_content(self, painter: QPainter) -> None:
        color = self._foreground()
        if self._shows_icon_only():
            box = QRectF(0, 0, ICON_PX, ICON_PX)
            box.moveCenter(QRectF(self.rect()).center())
            draw_icon(painter, self._icon_name, box, color)
            return
        metrics = QFontMetrics(self.font())
        text_px = metrics.horizontalAdvance(self._clean_text())
        icon_px = ICON_PX + (_ICON_GAP_PX if self.text() else 0) if self._icon_name else 0
        left = (self.width() - text_px - icon_px) // 2
        direction = self.layoutDirection()
        if self._icon_name:
            spot = QRectF(left, (self.height() - ICON_PX) / 2, ICON_PX, ICON_PX).toRect()
            visual = QStyle.visualRect(direction, self.rect(), spot)
            draw_icon(painter, self._icon_name, QRectF(visual), color)
        words = self.rect().adjusted(left + icon_px, 0, 0, 0)
        words.setWidth(text_px)
        painter.setPen(QPen(color))
        font = self.font()
        font.setUnderline(self._kind is ButtonKind.LINK and self.underMouse())
        painter.setFont(font)
        place = QStyle.visualRect(direction, self.rect(), words)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip
        painter.drawText(place, int(flags), self._clean_text())


def _unmarked(text: str) -> str:
    return text.replace("&", "&&")
