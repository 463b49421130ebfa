"""Measures both ways to paint, in a process of its own: a driver that crashes takes nobody with it."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QOpenGLContext, QPainter
from PySide6.QtOpenGL import QOpenGLFramebufferObject

from atlas_desktop.media.frames import I420Frame, i420_size
from atlas_desktop.media.picture import PictureScaler, Placement
from atlas_desktop.video.gl_driver import GlError, driver_of, offscreen_context
from atlas_desktop.video.gl_program import YuvProgram

_FRAME_PX = 512
_SHARE_OF_SCREEN = 0.8
_TIMES, _WARM_UP = 25, 5
_NICENESS = 10


def main() -> int:
    """Prints what was found as one line of JSON, and ends at end-of-file."""
    with suppress(OSError, AttributeError):
        os.nice(_NICENESS)
    application = QGuiApplication(sys.argv[:1])
    sys.stdout.write(json.dumps(measure(application)) + "\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    return 0


def measure(application: QGuiApplication, *, even_software: bool = False) -> dict[str, object]:
    """``driver``, ``is_software``, and in ms a picture ``raster_ms`` and ``gl_ms``, else ``error``.

    Args:
        application: Says how large the screen is.
        even_software: Measure where it is known what comes out of it, too.
    """
    screen = application.primaryScreen()
    side = round(min(screen.size().toTuple()) * screen.devicePixelRatio() * _SHARE_OF_SCREEN)
    place = Placement(0, 0, side, side)
    try:
        with offscreen_context() as context:
            driver = driver_of(context)
            found: dict[str, object] = {"driver": driver.name, "is_software": driver.is_software}
            if even_software or not driver.is_software:
                found |= {"gl_ms": _by_gl(context, place), "raster_ms": _by_processor(place)}
            return found
    except GlError as error:
        return {"driver": "", "is_software": False, "error": str(error)}


def _by_processor(place: Placement) -> float:
    """Conversion, painting into the window's buffer, and the copy of it that goes to the screen."""
    scaler = PictureScaler()
    window = QImage(place.width, place.height, QImage.Format.Format_RGB32)
    window.fill(Qt.GlobalColor.black)

    def paint(frame: I420Frame) -> None:
        pixels = scaler.scale(frame, place.width, place.height)
        image = QImage(pixels.data, place.width, place.height, pixels.strides[0], QImage.Format.Format_RGB32)
        painter = QPainter(window)
        painter.drawImage(0, 0, image)
        painter.end()
        window.copy()

    return _timed(paint)


def _by_gl(context: QOpenGLContext, place: Placement) -> float:
    """Upload and drawing, until the card has done it."""
    program, gl = YuvProgram(context), context.functions()
    target = QOpenGLFramebufferObject(place.width, place.height)
    target.bind()

    def paint(frame: I420Frame) -> None:
        program.upload(frame, place)
        program.draw((place.width, place.height), place, QColor(Qt.GlobalColor.black))
        gl.glFinish()

    try:
        return _timed(paint)
    finally:
        target.release()
        program.close()


def _timed(paint: Callable[[I420Frame], None]) -> float:
    base = np.random.default_rng(1).integers(16, 236, i420_size(_FRAME_PX, _FRAME_PX), np.uint8)
    taken_ms = []
    for number in range(_WARM_UP + _TIMES):
        frame = I420Frame(np.roll(base, number * 4), _FRAME_PX, _FRAME_PX)
        started_s = time.perf_counter()
        paint(frame)
        taken_ms.append((time.perf_counter() - started_s) * 1000)
    return round(statistics.median(taken_ms[_WARM_UP:]), 3)
