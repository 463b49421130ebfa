"""Widget of the avatar's picture: each frame is converted once and painted when it is due."""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent, QWindow
from PySide6.QtWidgets import QWidget

from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.media.frames import I420Frame
from atlas_desktop.media.lipsync import LipSync
from atlas_desktop.media.picture import SMALLEST_PX, upright_size
from atlas_desktop.video.coverage import Coverage
from atlas_desktop.video.painters import Painter, RasterPainter
from atlas_desktop.video.scene import Scene

if TYPE_CHECKING:
    from atlas_desktop.video.gl_surface import GlSurface

log = logging.getLogger(__name__)

_MINIMUM_PX = 64
_SMOOTHING = 0.1
_MOST_EARLY_MS = 10.0
"""Bound of the lead by the cost of painting: the first frame loads libraries, a stalled one is no measure."""
_SLOWEST_HZ, _FASTEST_HZ, _USUAL_HZ = 24.0, 500.0, 60.0
_REFRESH_SHARE = 0.7
"""Of a refresh, the least time between two paintings: frames at the screen's rate arrive with some jitter."""


@dataclass(slots=True)
class PaintCounters:
    """Counters of the frames since the last ``clear``. Thread: main.

    Attributes:
        painted: Frames that reached the screen.
        unseen: Frames that came while the picture was hidden, or had no area.
        first_painted_us: CLOCK_MONOTONIC; ``None`` before the first.
        last_painted_us: CLOCK_MONOTONIC of the newest.
        last_delay_us: From the newest frame's arrival in the SDK's thread to its painting.
        cost_ms: Conversion and painting of one frame, smoothed.
    """

    painted: int = 0
    unseen: int = 0
    first_painted_us: int | None = None
    last_painted_us: int | None = None
    last_delay_us: int = 0
    cost_ms: float = 0.0


class _Showing(NamedTuple):
    """A frame on its way to the screen."""

    frame: I420Frame
    base_us: int
    started_s: float


class PictureView(QWidget):
    """View of ``feed``, aspect kept, sharp on any screen; a poster before the first frame.

    A frame that is due is painted at once and alone; the bars beside it are painted when the widget is
    resized or exposed. A timer wakes it when a waiting frame is due, not each arrival: one wake-up a frame.
    While it is not visible nothing is converted, held or painted.

    Signals:
        arrived(): A frame can be taken; carries nothing. Emitted in a native thread.
        gl_failed(str): OpenGL failed, the processor paints from now on; the reason, for the log.
    """

    arrived = Signal()
    gl_failed = Signal(str)

    def __init__(
        self,
        feed: VideoFeed,
        lip_sync: LipSync | None = None,
        parent: QWidget | None = None,
        surface: "GlSurface | None" = None,
    ) -> None:
        """Show ``feed``.

        Args:
            feed: Source of the frames.
            lip_sync: Determines how long a frame is held; without it none is.
            parent: The widget's parent.
            surface: Draws by OpenGL; becomes the view's own. Without it the processor paints.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(_MINIMUM_PX, _MINIMUM_PX)
        self.counters = PaintCounters()
        self._feed = feed
        self._lip_sync = lip_sync
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._show_due)
        self._coverage = Coverage(self)
        self._scene = Scene()
        self._painted_us = 0
        self._showing: _Showing | None = None
        self._painter: Painter = RasterPainter(self, self._scene, self._reached)
        if surface is not None:
            self._use(surface)
        self.arrived.connect(self._show_due, Qt.ConnectionType.QueuedConnection)
        feed.on_arrival(self._wake)

    def sizeHint(self) -> QSize:
        """Return the size in which Atlas sends."""
        return QSize(512, 512)

    @property
    def painter(self) -> str:
        """Name of the painter, in a word."""
        return self._painter.name

    @property
    def picture_rect(self) -> QRect:
        """Place of the picture or the poster, in the widget's own coordinates."""
        self._measure()
        return self._scene.around

    def set_poster(self, poster: QImage | None) -> None:
        """Set what is shown before the first frame: the chosen face. ``None``: the bars' colour alone."""
        self._scene.poster = poster
        if self._scene.frame is None:
            self._painter.refresh()

    def set_bars(self, color: QColor) -> None:
        """Set the colour beside the picture."""
        self._scene.bars = color
        self._painter.refresh()

    def clear(self) -> None:
        """Show the poster and reset the counters: another session begins."""
        self._scene.frame = self._showing = None
        self.counters = PaintCounters()
        self._painter.refresh()

    def detach(self) -> None:
        """Release feed, painter and X connection: the window closes."""
        self._timer.stop()
        self._feed.on_arrival(None)
        self._coverage.close()
        self._painter.close()

    def _use(self, surface: "GlSurface") -> None:
        from atlas_desktop.video.gl_painter import GlPainter

        self._painter = GlPainter(self, surface, self._scene, self._reached)
        # Queued: a painter must not be replaced while it paints.
        surface.failed.connect(self._fall_back, Qt.ConnectionType.QueuedConnection)

    @Slot(str)
    def _fall_back(self, why: str) -> None:
        log.warning("the picture goes on without OpenGL: %s", why)
        self._painter.close()
        self._painter, self._showing = RasterPainter(self, self._scene, self._reached), None
        self.update()
        self.gl_failed.emit(why)

    def _wake(self) -> None:
        # The widget may be deleted while a last frame is in flight; a native callback must not raise.
        with suppress(RuntimeError):
            self.arrived.emit()

    @Slot()
    def _show_due(self) -> None:
        early_us = self._painted_us + self._refresh_interval_us() - monotonic_us()
        if early_us > 0:
            # The screen can't show it sooner, and a newer one may arrive until then.
            self._timer.start(-(-early_us // 1000))
            return
        # Painting begins earlier by its own cost, to be done when the frame is due.
        cost_us = round(min(self.counters.cost_ms, _MOST_EARLY_MS) * 1000)
        is_seen = self._is_seen()
        due = self._feed.due(monotonic_us() + cost_us, self._hold_us(is_seen))
        if due.frame is not None:
            self._show(due.frame, due.base_us, is_seen)
        if due.again_us is not None:
            self._timer.start(max(0, due.again_us - cost_us - monotonic_us()) // 1000)

    def _refresh_interval_us(self) -> int:
        """Return the least time between two paintings."""
        rate_hz = self.screen().refreshRate()
        if not _SLOWEST_HZ <= rate_hz <= _FASTEST_HZ:
            rate_hz = _USUAL_HZ
        return round(_REFRESH_SHARE * 1_000_000 / rate_hz)

    def _hold_us(self, is_seen: bool) -> int | None:
        return self._lip_sync.hold_us if self._lip_sync is not None and is_seen else None

    def _is_seen(self) -> bool:
        """Return whether it is visible on the screen, as far as the window system says."""
        window: QWindow | None = self.window().windowHandle()
        if window is None or not window.isExposed() or self._coverage.covers(window):
            return False
        return self.isVisible() and not self.window().isMinimized()

    def _show(self, frame: I420Frame, base_us: int, is_seen: bool) -> None:
        if min(frame.width, frame.height) < SMALLEST_PX:
            return
        scene = self._scene
        is_other_shape = scene.frame is None or upright_size(frame) != upright_size(scene.frame)
        scene.frame = frame
        self._measure()
        if not is_seen or scene.place.width == 0:
            self.counters.unseen += 1
            return
        self._showing, self._painted_us = _Showing(frame, base_us, time.perf_counter()), monotonic_us()
        self._painter.show(self.rect() if is_other_shape else scene.around)

    def _reached(self) -> None:
        """Count the frame that is on the screen now."""
        showing, self._showing = self._showing, None
        if showing is None:
            return
        self._count(showing.frame, (time.perf_counter() - showing.started_s) * 1000)
        if self._lip_sync is not None:
            self._lip_sync.shown(showing.base_us, monotonic_us())

    def _count(self, frame: I420Frame, cost_ms: float) -> None:
        counters, now_us = self.counters, monotonic_us()
        counters.painted += 1
        counters.last_painted_us = now_us
        counters.last_delay_us = now_us - frame.received_us
        if counters.first_painted_us is None:
            counters.first_painted_us, counters.cost_ms = now_us, cost_ms
        counters.cost_ms += (cost_ms - counters.cost_ms) * _SMOOTHING

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, and the bars where the event asks for more."""
        self._measure()
        painter = QPainter(self)
        self._painter.paint(painter, event.region())
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Schedule a repaint at the new size."""
        super().resizeEvent(event)
        self._measure()
        self._painter.refresh()

    def _measure(self) -> None:
        scene = self._scene
        scene.width, scene.height, scene.ratio = self.width(), self.height(), self.devicePixelRatioF()
