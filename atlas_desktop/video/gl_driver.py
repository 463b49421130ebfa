"""Which OpenGL there is, before anything is shown with it."""

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QOpenGLContext

_VENDOR, _RENDERER, _VERSION = 0x1F00, 0x1F01, 0x1F02
_SOFTWARE = (
    "llvmpipe",
    "softpipe",
    "swrast",
    "swiftshader",
    "software rasterizer",
    "software renderer",
    "basic render",
    "gdi generic",
)


class GlError(RuntimeError):
    """OpenGL can't do it here; the text says what, for the log."""


@dataclass(frozen=True, slots=True)
class GlDriver:
    """OpenGL's own names.

    Attributes:
        name: Card, driver and version in one line: another one is another driver.
    """

    name: str

    @property
    def is_software(self) -> bool:
        """Whether it is the processor that draws: then our own conversion is several times cheaper."""
        name = self.name.lower()
        return any(word in name for word in _SOFTWARE)


@contextmanager
def offscreen_context() -> "Iterator[QOpenGLContext]":
    """A context without a window, current during the block.

    Raises:
        GlError: There is no OpenGL here.
    """
    from PySide6.QtGui import QOffscreenSurface, QOpenGLContext

    surface, context = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    if not context.create() or not surface.isValid() or not context.makeCurrent(surface):
        surface.destroy()
        raise GlError("no OpenGL context can be made")
    try:
        yield context
    finally:
        context.doneCurrent()
        surface.destroy()


def driver_of(context: "QOpenGLContext") -> GlDriver:
    """The driver behind a context that is current."""
    gl = context.functions()
    names = (gl.glGetString(name) for name in (_RENDERER, _VERSION, _VENDOR))
    return GlDriver(" · ".join(name for name in names if name))


def ask_driver() -> GlDriver:
    """Makes a context, builds the picture's shader in it, and says whose it is.

    Raises:
        GlError: There is no OpenGL, or it is none that can draw the picture.
    """
    from atlas_desktop.video.gl_program import YuvProgram

    with offscreen_context() as context:
        YuvProgram(context).close()
        return driver_of(context)


def machine(drm: Path = Path("/sys/class/drm"), nvidia: Path = Path("/proc/driver/nvidia/version")) -> str:
    """The graphics hardware as the system names it, without a look at OpenGL: a matter of microseconds."""
    parts = [platform.system(), platform.release() if sys.platform != "linux" else ""]
    for device in sorted(drm.glob("card[0-9]*/device/uevent")):
        parts += [line for line in _text(device).splitlines() if line.startswith(("DRIVER=", "PCI_ID="))]
    parts += _text(nvidia).splitlines()[:1]
    return " · ".join(part for part in parts if part)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
