"""Painters of the picture: what the view expects of one, and the one that uses the processor."""

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QWidget

from atlas_desktop.media.frames import I420Frame
from atlas_desktop.media.picture import PictureScaler, Placement
from atlas_desktop.video.scene import Scene

Shown = Callable[[], None]
"""Called on the main thread when the frame of the last ``show`` is on the screen."""


class Painter(Protocol):
    """Draws a ``Scene``: with the processor or by OpenGL. Thread: main."""

    @property
    def name(self) -> str:
        """Name in a word, for the statistics."""
        ...

    def show(self, area: QRect) -> None:
        """Bring the scene's frame to the screen at once, or as soon as the window system takes it.

        Args:
            area: What has changed, in the view's own coordinates.
        """
        ...

    def paint(self, painter: QPainter, asked: QRegion) -> None:
        """Paint what the view itself shows of ``asked``, in its ``paintEvent``."""
        ...

    def refresh(self) -> None:
        """Schedule a repaint after a change of poster, colour or size, or when there is no frame any more."""
        ...

    def close(self) -> None:
        """Release surfaces and buffers."""
        ...


class RasterPainter:
    """Painter by the processor: one conversion straight to device pixels, painted at once."""

    name = "raster"

    def __init__(self, view: QWidget, scene: Scene, shown: Shown) -> None:
        """Paint on ``view`` itself; call ``shown`` after each frame."""
        self._view = view
        self._scene = scene
        self._shown = shown
        self._scaler: PictureScaler | None = None
        self._image: QImage | None = None
        self._of: tuple[I420Frame | None, QImage | None, Placement] | None = None

    def show(self, area: QRect) -> None:
        self._view.repaint(area)
        self._shown()

    def paint(self, painter: QPainter, asked: QRegion) -> None:
        """Paint the picture, and the bars where ``asked`` exceeds it."""
        scene = self._scene
        if not scene.covered.contains(asked.boundingRect()):
            painter.setClipRegion(asked.subtracted(QRegion(scene.covered)))
            painter.fillRect(QRect(0, 0, scene.width, scene.height), scene.bars)
            painter.setClipping(False)
        place = scene.place
        image = self._image_for(place)
        if image is not None:
            if scene.ratio != 1.0:
                # The image is in device pixels already: nothing is scaled here.
                painter.scale(1 / scene.ratio, 1 / scene.ratio)
            painter.drawImage(place.x, place.y, image)

    def refresh(self) -> None:
        self._view.update()

    def close(self) -> None:
        self._image = self._of = None

    def _image_for(self, place: Placement) -> QImage | None:
        """Return frame or poster in the pixels of its place; cached until one of them changes."""
        frame, poster, of = self._scene.frame, self._scene.poster, self._of
        if of is None or of[0] is not frame or of[1] is not poster or of[2] != place:
            self._of = (frame, poster, place)
            self._image = self._converted(place) if place.width > 0 else None
        return self._image

    def _converted(self, place: Placement) -> QImage | None:
        frame, poster = self._scene.frame, self._scene.poster
        if frame is not None:
            if self._scaler is None:
                self._scaler = PictureScaler()
            pixels = self._scaler.scale(frame, place.width, place.height)
            # Without a copy: the QImage keeps the buffer alive.
            return QImage(
                pixels.data, place.width, place.height, pixels.strides[0], QImage.Format.Format_RGB32
            )
        if poster is None:
            return None
        return poster.scaled(
            place.width,
            place.height,
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
