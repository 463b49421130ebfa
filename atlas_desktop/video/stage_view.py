"""The avatar's picture on the screen: each frame is converted once and painted when it is due."""

import time
from contextlib import suppress
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QRegion, QWindow
from PySide6.QtWidgets import QWidget

from atlas_desktop.media.feeds import VideoFeed, monotonic_us
from atlas_desktop.media.frames import I420Frame
from atlas_desktop.media.lipsync import LipSync
from atlas_desktop.media.picture import SMALLEST_PX, PictureScaler, Placement, fit, upright_size

_MINIMUM_PX = 64
_SMOOTHING = 0.1
_MOST_EARLY_MS = 10.0
"""The first painting loads what it needs, and a stalled one says nothing of the next."""


@dataclass(slots=True)
class PaintCounters:
    """What was painted since the last ``clear``. Thread: main.

    Attributes:
        painted: Frames that reached the screen.
        unseen: Frames that came while the picture was hidden, or had no area.
        first_painted_us: CLOCK_MONOTONIC; ``None`` before the first.
        last_painted_us: CLOCK_MONOTONIC of the newest.
        last_delay_us: From our taking of the newest frame in the SDK's thread to its being painted.
        cost_ms: Conversion and painting of one frame, smoothed.
    """

    painted: int = 0
    unseen: int = 0
    first_painted_us: int | None = None
    last_painted_us: int | None = None
    last_delay_us: int = 0
    cost_ms: float = 0.0


class PictureView(QWidget):
    """Shows ``feed``, aspect kept, sharp on any screen; a poster before the first frame.

    A frame that is due repaints the picture's own rectangle at once and nothing else; the bars beside it
    are painted only when the widget is resized or exposed. Who waits is woken by a timer, not by the
    arrival: one wake-up a frame. While nobody can see it nothing is converted, held or painted.

    Signals:
        arrived(): There is a frame to take; carries nothing. Emitted in a native thread.
    """

    arrived = Signal()

    def __init__(
        self, feed: VideoFeed, lip_sync: LipSync | None = None, parent: QWidget | None = None
    ) -> None:
        """Makes the view; ``lip_sync`` says how long a frame waits, without it none does."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(_MINIMUM_PX, _MINIMUM_PX)
        self.counters = PaintCounters()
        self._feed = feed
        self._lip_sync = lip_sync
        self._alarm = QTimer(self)
        self._alarm.setSingleShot(True)
        self._alarm.setTimerType(Qt.TimerType.PreciseTimer)
        self._alarm.timeout.connect(self._show_due)
        self._scaler: PictureScaler | None = None
        self._frame: I420Frame | None = None
        self._image: QImage | None = None
        self._placement = Placement(0, 0, 0, 0)
        self._poster: QImage | None = None
        self._bars = QColor(Qt.GlobalColor.black)
        self.arrived.connect(self._show_due, Qt.ConnectionType.QueuedConnection)
        feed.on_arrival(self._wake)

    def sizeHint(self) -> QSize:
        """The size in which Atlas sends."""
        return QSize(512, 512)

    @property
    def painter(self) -> str:
        """How frames reach the screen, in a word."""
        return "raster"

    @property
    def has_picture(self) -> bool:
        """Whether a frame is shown, and not the poster."""
        return self._frame is not None

    @property
    def picture_rect(self) -> QRect:
        """Where the picture or the poster is, in the widget's own coordinates."""
        ratio = self.devicePixelRatioF()
        place = self._place()
        left, top = int(place.x / ratio), int(place.y / ratio)
        right, bottom = -int(-(place.x + place.width) // ratio), -int(-(place.y + place.height) // ratio)
        return QRect(left, top, right - left, bottom - top)

    def set_poster(self, poster: QImage | None) -> None:
        """Sets what is shown before the first frame: the chosen face. ``None``: the bars' colour alone."""
        self._poster = poster
        if self._frame is None:
            self._invalidate()

    def set_bars(self, color: QColor) -> None:
        """Sets the colour beside the picture."""
        self._bars = color
        self.update()

    def clear(self) -> None:
        """Back to the poster, counters at zero: another session begins."""
        self._frame = None
        self.counters = PaintCounters()
        self._invalidate()

    def detach(self) -> None:
        """Takes no more frames: the window goes."""
        self._alarm.stop()
        self._feed.on_arrival(None)

    def _wake(self) -> None:
        # The window may be gone while a last frame is in flight; a native callback must not raise.
        with suppress(RuntimeError):
            self.arrived.emit()

    @Slot()
    def _show_due(self) -> None:
        # Painting takes its time: begun so much earlier, the picture is there when it is due.
        cost_us = round(min(self.counters.cost_ms, _MOST_EARLY_MS) * 1000)
        turn = self._feed.turn(monotonic_us() + cost_us, self._hold_us())
        if turn.frame is not None:
            self._show(turn.frame, turn.base_us)
        if turn.again_us is not None:
            self._alarm.start(max(0, turn.again_us - cost_us - monotonic_us()) // 1000)

    def _hold_us(self) -> int | None:
        return self._lip_sync.hold_us if self._lip_sync is not None and self._is_seen() else None

    def _is_seen(self) -> bool:
        """Whether the screen shows it, as far as the window system says."""
        window: QWindow | None = self.window().windowHandle()
        if window is None or not window.isExposed():
            return False
        return self.isVisible() and not self.window().isMinimized()

    def _show(self, frame: I420Frame, base_us: int) -> None:
        if min(frame.width, frame.height) < SMALLEST_PX:
            return
        is_other_shape = self._frame is None or upright_size(frame) != upright_size(self._frame)
        self._frame, self._image = frame, None
        if not self._is_seen() or self._place().width == 0:
            self.counters.unseen += 1
            return
        started_s = time.perf_counter()
        self.repaint(self.rect() if is_other_shape else self.picture_rect)
        self._count(frame, (time.perf_counter() - started_s) * 1000)
        if self._lip_sync is not None:
            self._lip_sync.shown(base_us, monotonic_us())

    def _count(self, frame: I420Frame, cost_ms: float) -> None:
        counters, now_us = self.counters, monotonic_us()
        counters.painted += 1
        counters.last_painted_us = now_us
        counters.last_delay_us = now_us - frame.received_us
        if counters.first_painted_us is None:
            counters.first_painted_us, counters.cost_ms = now_us, cost_ms
        counters.cost_ms += (cost_ms - counters.cost_ms) * _SMOOTHING

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paints the picture, and the bars where the event asks for more than it."""
        painter = QPainter(self)
        outside = event.region().subtracted(QRegion(self._covered()))
        if not outside.isEmpty():
            painter.setClipRegion(outside)
            painter.fillRect(self.rect(), self._bars)
            painter.setClipping(False)
        image = self._shown_image()
        if image is not None:
            # In device pixels, which the image already has: nothing is scaled here.
            ratio = self.devicePixelRatioF()
            painter.scale(1 / ratio, 1 / ratio)
            painter.drawImage(self._placement.x, self._placement.y, image)
        painter.end()

    def _covered(self) -> QRect:
        """What the picture surely covers: whole logical pixels only."""
        ratio, place = self.devicePixelRatioF(), self._place()
        left, top = -int(-place.x // ratio), -int(-place.y // ratio)
        right, bottom = int((place.x + place.width) / ratio), int((place.y + place.height) / ratio)
        return QRect(left, top, right - left, bottom - top)

    def _shown_image(self) -> QImage | None:
        """The picture, or the poster, in the pixels of its place; kept until one of them changes."""
        place = self._place()
        if place != self._placement:
            self._placement, self._image = place, None
        if self._image is None and place.width > 0:
            self._image = self._converted(place)
        return self._image

    def _converted(self, place: Placement) -> QImage | None:
        if self._frame is not None:
            if self._scaler is None:
                self._scaler = PictureScaler()
            pixels = self._scaler.scale(self._frame, place.width, place.height)
            # The QImage keeps the buffer, and so the pixels, alive. Not copied.
            return QImage(
                pixels.data, place.width, place.height, pixels.strides[0], QImage.Format.Format_RGB32
            )
        if self._poster is None:
            return None
        return self._poster.scaled(
            place.width,
            place.height,
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )

    def _place(self) -> Placement:
        """The place of what is shown, in device pixels."""
        if self._frame is not None:
            width, height = upright_size(self._frame)
        elif self._poster is not None:
            width, height = self._poster.width(), self._poster.height()
        else:
            width = height = 0
        ratio = self.devicePixelRatioF()
        return fit(width, height, round(self.width() * ratio), round(self.height() * ratio))

    def _invalidate(self) -> None:
        self._image = None
        self.update()
