"""The position of the current cue: a thin slider over the strip."""

from PySide6.QtCore import QPoint, QRectF, QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSlider, QToolTip, QWidget

from atlas_desktop.cues.queue import Cue
from atlas_desktop.ui.look.amounts import short_clock
from atlas_desktop.ui.look.focus import FocusRingMixin, draw_focus_ring
from atlas_desktop.ui.look.theme import Theme

SEEK_BAR_PX = 10
_STEP_MS = 5000
_PAGE_MS = 30_000
_THIN_PX = 3
_THICK_PX = 5
_KNOB_PX = 9


class SeekBar(FocusRingMixin, QSlider):
    """A slider in milliseconds; hidden where nothing is spoken, or its length is unknown.

    Left and Right move 5 s, Page up and Page down 30 s, Home goes to the start. A drag counts on release.

    Signals:
        seek_requested(float): To this position, in seconds.
    """

    seek_requested = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self._shown_ms = 0
        self._cue_id: int | None = None
        self.setTracking(False)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSingleStep(_STEP_MS)
        self.setPageStep(_PAGE_MS)
        self.setAccessibleName(self.tr("Position"))
        self.valueChanged.connect(self._request)
        self.hide()

    def sizeHint(self) -> QSize:
        """Return a size that expands sideways."""
        return QSize(200, SEEK_BAR_PX)

    def show_cue(self, cue: Cue | None) -> None:
        """Show the current cue, except during a drag; another cue ends a drag."""
        duration_s = cue.duration_s if cue is not None else None
        if cue is None or not duration_s:
            self._cue_id = None
            self.setSliderDown(False)
            self.hide()
            return
        if cue.id != self._cue_id:
            self._cue_id, self._shown_ms = cue.id, self.sliderPosition()
            self.setSliderDown(False)
        if not self.isSliderDown():
            self._follow(round(cue.position_s * 1000), round(duration_s * 1000))
            self._describe()
        self.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step in visual direction; ignore End, which would only end the cue."""
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        forwards = Qt.Key.Key_Left if mirrored else Qt.Key.Key_Right
        backwards = Qt.Key.Key_Right if mirrored else Qt.Key.Key_Left
        steps = {
            forwards: _STEP_MS,
            backwards: -_STEP_MS,
            Qt.Key.Key_PageUp: _PAGE_MS,
            Qt.Key.Key_PageDown: -_PAGE_MS,
            Qt.Key.Key_Home: -self.maximum(),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            event.ignore()
            return
        self._by_keyboard = True
        self.setValue(self.value() + step)
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel scrolls the cues, not the sound."""
        event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start a drag under the pointer."""
        if event.button() is not Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.setSliderDown(True)
        self._point_at(event.position().toPoint())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag; without a button show the hovered position."""
        place = event.position().toPoint()
        if self.isSliderDown():
            self._point_at(place)
        QToolTip.showText(
            self.mapToGlobal(QPoint(place.x(), -28)), short_clock(self._ms_at(place) / 1000), self
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag and request the position."""
        self.setSliderDown(False)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line; thicker and with a knob while it is of interest."""
        lively = self.underMouse() or self.isSliderDown() or self.hasFocus()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.shows_ring:
            draw_focus_ring(painter, QRectF(self.rect()), 4, self._theme.color("accent"))
        height = _THICK_PX if lively else _THIN_PX
        top = (self.height() - height) / 2 if lively else 0
        done = self.width() * self.sliderPosition() / max(1, self.maximum())
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        painter.fillRect(QRectF(0, top, self.width(), height), self._theme.color("line"))
        spoken = QRectF(self.width() - done if mirrored else 0, top, done, height)
        painter.fillRect(spoken, self._theme.color("accent"))
        if lively:
            at = min(
                max((self.width() - done if mirrored else done), _KNOB_PX / 2), self.width() - _KNOB_PX / 2
            )
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("accent"))
            painter.drawEllipse(QRectF(at - _KNOB_PX / 2, (self.height() - _KNOB_PX) / 2, _KNOB_PX, _KNOB_PX))
        painter.end()

    def _point_at(self, place: QPoint) -> None:
        self.setSliderPosition(self._ms_at(place))
        self.update()

    def _ms_at(self, place: QPoint) -> int:
        share = min(1.0, max(0.0, place.x() / max(1, self.width())))
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        return round((1 - share if mirrored else share) * self.maximum())

    def _follow(self, position_ms: int, duration_ms: int) -> None:
        # Only what the user moves is requested: a new range also moves a value outside it.
        with QSignalBlocker(self):
            self.setRange(0, duration_ms)
            self.setValue(position_ms)
        self._shown_ms = self.value()

    def _describe(self) -> None:
        position, length = short_clock(self.value() / 1000), short_clock(self.maximum() / 1000)
        words = self.tr("{position} of {length}").format(position=position, length=length)
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)

    @Slot(int)
    def _request(self, position_ms: int) -> None:
        if position_ms != self._shown_ms:
            self._shown_ms = position_ms
            self._describe()
            self.seek_requested.emit(position_ms / 1000)
