"""Full screen: controls appear with the pointer or a key and hide after 3 s."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, QVariantAnimation, Slot
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QGraphicsOpacityEffect, QWidget

from atlas_desktop.ui.look.popover import Popover
from atlas_desktop.ui.look.theme import Theme

HIDE_AFTER_MS = 3000
_FADE_MS = 160
_WAKING = (QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress, QEvent.Type.Wheel)


class AutoHideControls(QObject):
    """Fades ``chrome`` out and back in while enabled; the pointer over ``stage`` is hidden with it.

    Nothing hides while the pointer rests on it or a card is open.
    """

    def __init__(self, theme: Theme, stage: QWidget, chrome: Sequence[QWidget]) -> None:
        super().__init__(stage)
        self._theme = theme
        self._stage = stage
        self._chrome = tuple(chrome)
        self._pointer = QCursor.pos()
        self._shown = True
        self._on = False
        self._fade = QVariantAnimation(self)
        self._fade.setStartValue(0.0)
        self._fade.setEndValue(1.0)
        self._fade.valueChanged.connect(self._set_opacity)
        self._fade.finished.connect(self._remove_effects)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(HIDE_AFTER_MS)
        self._timer.timeout.connect(self._hide)

    @property
    def is_shown(self) -> bool:
        """Whether the chrome is to be seen."""
        return self._shown

    def set_on(self, on: bool) -> None:
        """Start hiding the controls when idle, or show them for good."""
        if on == self._on:
            return
        self._on = on
        application = QApplication.instance()
        assert application is not None
        if on:
            application.installEventFilter(self)
            self._timer.start()
        else:
            application.removeEventFilter(self)
            self._timer.stop()
            self._reveal()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Observe only; consume nothing."""
        if event.type() in _WAKING and self._is_real(event):
            self._timer.start()
            self._reveal()
        return False

    def _is_real(self, event: QEvent) -> bool:
        # Qt sends a move of its own when widgets under a resting pointer change.
        if event.type() is not QEvent.Type.MouseMove:
            return True
        before, self._pointer = self._pointer, QCursor.pos()
        return before != self._pointer

    @Slot()
    def _hide(self) -> None:
        if self._is_in_use():
            self._timer.start()
            return
        self._set_shown(False)
        self._stage.setCursor(Qt.CursorShape.BlankCursor)

    def _reveal(self) -> None:
        self._set_shown(True)
        self._stage.unsetCursor()

    def _is_in_use(self) -> bool:
        window = self._stage.window()
        cards = any(card.isVisible() for card in window.findChildren(Popover))
        rests = self._is_on_chrome(QApplication.widgetAt(QCursor.pos()))
        return cards or rests or QApplication.activeModalWidget() is not None

    def _is_on_chrome(self, widget: QWidget | None) -> bool:
        return widget is not None and any(
            part is widget or part.isAncestorOf(widget) for part in self._chrome
        )

    def _set_shown(self, shown: bool) -> None:
        if shown == self._shown:
            return
        self._shown = shown
        if not shown and self._is_on_chrome(QApplication.focusWidget()):
            self._stage.setFocus(Qt.FocusReason.OtherFocusReason)
        for part in self._chrome:
            part.setGraphicsEffect(QGraphicsOpacityEffect(part))
            part.show()
        direction = QVariantAnimation.Direction
        self._fade.setDirection(direction.Forward if shown else direction.Backward)
        self._fade.setDuration(self._theme.motion_ms(_FADE_MS))
        self._fade.start()

    @Slot(object)
    def _set_opacity(self, opacity: float) -> None:
        for part in self._chrome:
            effect = part.graphicsEffect()
            if isinstance(effect, QGraphicsOpacityEffect):
                effect.setOpacity(opacity)

    @Slot()
    def _remove_effects(self) -> None:
        # An effect costs time with each frame of the picture below it.
        for part in self._chrome:
            part.setGraphicsEffect(None)  # type: ignore[arg-type]
            part.setVisible(self._shown)
