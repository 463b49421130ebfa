"""The stage: the picture, and the widgets over it."""

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Parked
from atlas_desktop.ui.live.overlay import Overlay
from atlas_desktop.ui.live.stage_cards import AvatarGoneCard, ConnectingCard, ParkedCard
from atlas_desktop.ui.look.focus import is_keyboard_focus
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel

_MARGIN_PX = 12
_RING_PX = 2
_STEPS_BELOW = 0.5
_VEIL_ALPHA = 150


class LiveStage(QWidget):
    """Shows the avatar as large as possible, the overlay in the corners, cards in the middle.

    While focused, Space is push to talk. A double click toggles full screen.

    Signals:
        full_screen_requested(bool): From the toggle or a double click.
    """

    full_screen_requested = Signal(bool)

    def __init__(
        self, model: AppModel, theme: Theme, picture: QWidget, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._picture = picture
        self._by_keyboard = False
        self._talking = False
        picture.setParent(self)
        self._veil = _Veil(self)
        self._ring = _FocusRing(theme, self)
        self.overlay = Overlay(theme, self)
        self.steps = ConnectingCard(model, theme, self)
        self.parked = ParkedCard(model, theme, self)
        self.gone = AvatarGoneCard(model, theme, self)
        self.cards: tuple[QWidget, ...] = (self.steps, self.parked, self.gone)
        self.overlay.full_screen_requested.connect(self.full_screen_requested)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Stage"))
        self.setAccessibleDescription(self.tr("Hold Space to talk"))

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Show the snapshot in overlay and cards."""
        self.overlay.show_snapshot(snapshot)
        self.steps.show_snapshot(snapshot)
        self.parked.show_snapshot(snapshot)
        self.gone.show_snapshot(snapshot)
        self._veil.setVisible(isinstance(snapshot.state, Parked) or snapshot.avatar_gone)
        self._place_cards()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out the parts."""
        super().resizeEvent(event)
        self._picture.setGeometry(self.rect())
        self._ring.setGeometry(self.rect())
        self._veil.setGeometry(self.rect())
        self.overlay.place()
        self._place_cards()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Start push to talk on Space."""
        if event.key() != Qt.Key.Key_Space or event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self._talk(True)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Stop push to talk when Space is released."""
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat():
            self._talk(False)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the ring for keyboard focus only."""
        self._by_keyboard = is_keyboard_focus(event.reason(), self._by_keyboard)
        self._ring.setVisible(self._by_keyboard)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Losing the focus releases push to talk."""
        self._ring.hide()
        self._talk(False)
        super().focusOutEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Toggle full screen."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.full_screen_requested.emit(not self.window().isFullScreen())

    def _talk(self, talking: bool) -> None:
        if talking != self._talking:
            self._talking = talking
            self._model.set_talking(talking)

    def _place_cards(self) -> None:
        for card in self.cards:
            self._place_card(card)

    def _place_card(self, card: QWidget) -> None:
        width = min(card.sizeHint().width(), self.width() - 2 * _MARGIN_PX)
        height = min(max(card.heightForWidth(width), card.minimumSizeHint().height()), self.height())
        top = round((self.height() - height) * _STEPS_BELOW)
        card.setGeometry(QRect((self.width() - width) // 2, top, width, height))


class _Veil(QWidget):
    """Darkens the last picture of a parked session; the pointer goes through it."""

    def __init__(self, stage: QWidget) -> None:
        super().__init__(stage)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(0, 0, 0, _VEIL_ALPHA))
        painter.end()


class _FocusRing(QWidget):
    """The ring of the stage, over the picture; the pointer goes through it."""

    def __init__(self, theme: Theme, stage: QWidget) -> None:
        super().__init__(stage)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        color = QColor(self._theme.tokens.accent)
        for edge in _edges(self.rect()):
            painter.fillRect(edge, color)
        painter.end()


def _edges(box: QRect) -> tuple[QRect, ...]:
    width, height = box.width(), box.height()
    return (
        QRect(0, 0, width, _RING_PX),
        QRect(0, height - _RING_PX, width, _RING_PX),
        QRect(0, 0, _RING_PX, height),
        QRect(width - _RING_PX, 0, _RING_PX, height),
    )
