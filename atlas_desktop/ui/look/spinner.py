"""The mark before a step: to do, in progress, or done."""

from enum import StrEnum

from PySide6.QtCore import QRectF, QSize, Qt, QTimerEvent
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from atlas_desktop.ui.look.icons import draw_icon
from atlas_desktop.ui.look.theme import Theme

_SIDE_PX = 20
_PEN_PX = 2.0
_TURN_EVERY_MS = 40
_TURN_DEG = 14
_ARC_DEG = 100


class StepState(StrEnum):
    """How far a step is."""

    TO_DO = "to do"
    GOING_ON = "going on"
    DONE = "done"


class StepMark(QWidget):
    """A ring, a turning arc, or a check mark. Animated only while visible and motion is allowed."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state = StepState.TO_DO
        self._turned_deg = 0
        self._timer_id = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return a small square."""
        return QSize(_SIDE_PX, _SIDE_PX)

    def set_state(self, state: StepState) -> None:
        """Set the state of the step."""
        if state is not self._state:
            self._state = state
            self._turn_or_rest()
            self.update()

    def showEvent(self, event: QShowEvent) -> None:
        """Start the animation."""
        super().showEvent(event)
        self._turn_or_rest()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop the animation."""
        super().hideEvent(event)
        self._turn_or_rest()

    def timerEvent(self, event: QTimerEvent) -> None:
        """Advance the animation."""
        self._turned_deg = (self._turned_deg + _TURN_DEG) % 360
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint ring, arc or check mark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        if self._state is StepState.DONE:
            draw_icon(painter, "check", QRectF(self.rect()), QColor(tokens.live))
            painter.end()
            return
        ring = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        painter.setPen(QPen(QColor(tokens.line), _PEN_PX))
        painter.drawEllipse(ring)
        if self._state is StepState.GOING_ON:
            painter.setPen(
                QPen(QColor(tokens.accent), _PEN_PX, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
            )
            # Qt counts in sixteenths of a degree, counter-clockwise.
            painter.drawArc(ring, -self._turned_deg * 16, -_ARC_DEG * 16)
        painter.end()

    def _turn_or_rest(self) -> None:
        may_turn = self.isVisible() and self._theme.motion_ms(_TURN_EVERY_MS) > 0
        turns = may_turn and self._state is StepState.GOING_ON
        if turns and not self._timer_id:
            self._timer_id = self.startTimer(_TURN_EVERY_MS)
        elif not turns and self._timer_id:
            self.killTimer(self._timer_id)
            self._timer_id = 0
