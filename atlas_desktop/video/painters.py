"""Who brings the picture to the screen: the seam between the view and its painters, and the raster one."""

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QWidget

from atlas_desktop.media.frames import I420Frame
from atlas_desktop.media.picture import PictureScaler, Placement
from atlas_desktop.video.scene import Scene

Shown = Callable[[], None]
"""Called on the main thread when what ``show`` was asked for is on the screen."""


class Painter(Protocol):
    """Draws a ``Scene``. Thread: main."""

    @property
    def name(self) -> str:
        """What it is, in a word."""
        ...

    def show(self, area: QRect) -> None:
        """Brings the scene's frame to the screen at once, or as soon as the window system takes it.

        Args:
            area: What has changed, in the view's own coordinates.
        """
        ...

    def paint(self, painter: QPainter, asked: QRegion) -> None:
        """Paints what the view itself shows of ``asked``: in its ``paintEvent``."""
        ...

    def refresh(self) -> None:
        """Another poster, another colour, no frame any more: soon, not at once."""
        ...

    def close(self) -> None:
        """Shows nothing any more."""
        ...


class RasterPainter:
    """One conversion by the processor, straight to device pixels, painted at once."""

    name = "raster"

    def __init__(self, view: QWidget, scene: Scene, shown: Shown) -> None:
        """Paints on ``view`` itself."""
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
        """Paints the picture, and the bars where more than it is asked for."""
        scene = self._scene
        if not scene.covered.contains(asked.boundingRect()):
            painter.setClipRegion(asked.subtracted(QRegion(scene.covered)))
            painter.fillRect(QRect(0, 0, scene.width, scene.height), scene.bars)
            painter.setClipping(False)
        place = scene.place
        image = self._image_for(place)
        if image is not None:
            if scene.ratio != 1.0:
                # In device pixels, which the image already has: nothing is scaled here.
                painter.scale(1 / scene.ratio, 1 / scene.ratio)
            painter.drawImage(place.x, place.y, image)

    def refresh(self) -> None:
        self._view.update()

    def close(self) -> None:
        self._image = self._of = None

    def _image_for(self, place: Placement) -> QImage | None:
        """The picture, or the poster, in the pixels of its place; kept until one of them changes."""
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
            # The QImage keeps the buffer, and so the pixels, alive. Not copied.
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
