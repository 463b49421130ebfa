"""Painting by the graphics card, which converts and scales."""

from PySide6.QtCore import QObject, QRect, Slot
from PySide6.QtGui import QPainter, QRegion
from PySide6.QtWidgets import QWidget

from atlas_desktop.video.gl_surface import GlSurface
from atlas_desktop.video.painters import RasterPainter, Shown
from atlas_desktop.video.scene import Scene


class GlPainter(QObject):
    """Painter of frames on a ``GlSurface`` above the view; the poster is painted on the view itself.

    ``show`` draws at once unless the window was composed within the last refresh of the screen: then Qt draws
    with the next one, the newest frame only.
    """

    name = "OpenGL"

    def __init__(self, view: QWidget, surface: GlSurface, scene: Scene, shown: Shown) -> None:
        super().__init__(view)
        self._view = view
        self._scene = scene
        self._shown = shown
        self._poster = RasterPainter(view, scene, shown)
        self._surface = surface
        surface.attach(scene)
        surface.setParent(view)
        surface.lower()
        surface.drawn.connect(self._drawn)

    def show(self, area: QRect) -> None:
        self._fit()
        if self._surface.isHidden():
            self._surface.show()
        self._surface.repaint()

    def paint(self, painter: QPainter, asked: QRegion) -> None:
        """Paint the poster; under a frame, which covers it all, the bars' colour alone."""
        if self._surface.isHidden():
            self._poster.paint(painter, asked)
        else:
            painter.fillRect(asked.boundingRect(), self._scene.bars)

    def refresh(self) -> None:
        self._fit()
        if self._scene.frame is None:
            self._surface.hide()
        if self._surface.isHidden():
            self._view.update()
        else:
            self._surface.update()

    def close(self) -> None:
        self._surface.drawn.disconnect(self._drawn)
        self._surface.hide()
        self._surface.release()
        self._surface.deleteLater()

    def _fit(self) -> None:
        if self._surface.size() != self._view.size():
            self._surface.setGeometry(self._view.rect())

    @Slot()
    def _drawn(self) -> None:
        self._shown()
