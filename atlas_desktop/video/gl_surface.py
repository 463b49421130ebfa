"""Surface of the window on which OpenGL draws the picture."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget

from atlas_desktop.media.frames import I420Frame
from atlas_desktop.video.gl_driver import GlError
from atlas_desktop.video.gl_program import YuvProgram
from atlas_desktop.video.scene import Scene


class GlSurface(QOpenGLWidget):
    """Widget that draws a scene's frame by OpenGL; Qt composes what is above it, as with any widget.

    A window should hold it before it is shown: otherwise Qt recreates the native window.
    Only the frame that is drawn is uploaded, once.

    Signals:
        drawn(): The newest frame is on the screen.
        failed(str): OpenGL failed; the reason, for the log. Once; nothing is drawn from then on.
    """

    drawn = Signal()
    failed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Scene | None = None
        self._program: YuvProgram | None = None
        self._uploaded: I420Frame | None = None
        self._has_news = False
        self._has_failed = False
        self.frameSwapped.connect(self._take_swap)
        self.hide()

    def attach(self, scene: Scene) -> None:
        """Draw ``scene`` from now on."""
        self._scene = scene

    def initializeGL(self) -> None:
        """Compile the shader: called by Qt for each new context, the first and those after a lost one."""
        self._uploaded = None
        context = self.context()
        context.aboutToBeDestroyed.connect(self.release)
        try:
            self._program = YuvProgram(context)
        except GlError as error:
            self._fail(str(error))

    def paintGL(self) -> None:
        """Upload the frame if it is a new one, and draw it."""
        scene, program = self._scene, self._program
        if scene is None or program is None or self._has_failed:
            return
        try:
            if scene.frame is not None and scene.frame is not self._uploaded:
                program.upload(scene.frame, scene.place)
                self._uploaded, self._has_news = scene.frame, True
            program.draw(scene.space, scene.place, scene.bars)
        except GlError as error:
            self._fail(str(error))

    @Slot()
    def _take_swap(self) -> None:
        if self._has_news and not self._has_failed:
            self._has_news = False
            self.drawn.emit()

    @Slot()
    def release(self) -> None:
        """Release what the driver holds, while the context still exists."""
        program, self._program, self._uploaded = self._program, None, None
        if program is not None:
            self.makeCurrent()
            program.close()
            self.doneCurrent()

    def _fail(self, why: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            self.failed.emit(why)
