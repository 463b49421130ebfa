"""Drawing of I420 in one pass of OpenGL: three textures, one shader. Runs on OpenGL 2.1 and ES 2."""

import math
from typing import cast

import numpy as np
from PySide6.QtGui import QColor, QMatrix4x4, QOpenGLContext, QOpenGLFunctions, QVector2D, QVector4D
from PySide6.QtOpenGL import (
    QOpenGLBuffer,
    QOpenGLPixelTransferOptions,
    QOpenGLShader,
    QOpenGLShaderProgram,
    QOpenGLTexture,
    QOpenGLVertexArrayObject,
)

from atlas_desktop.media.frames import ColourMatrix, I420Frame, Plane
from atlas_desktop.media.picture import Placement, colour_matrix
from atlas_desktop.video.gl_driver import GlError

_COLOR_BIT, _FLOAT, _STRIP = 0x4000, 0x1406, 0x0005
_BLEND, _DEPTH_TEST, _SCISSOR_TEST, _CULL_FACE = 0x0BE2, 0x0B71, 0x0C11, 0x0B44
_MAX_TEXTURE_SIZE, _MOST_ERRORS = 0x0D33, 8
_SHRUNK = 0.5
"""Below it a pixel covers more than the four texels of linear filtering: mipmaps avoid flicker."""

_COLOURS = {kind: QMatrix4x4(*colour_matrix(kind).ravel()) for kind in ColourMatrix}

_VERTEX = """
attribute highp vec2 corner;
uniform highp vec4 turn;
uniform highp vec2 chroma_share;
varying highp vec2 at_luma;
varying highp vec2 at_chroma;
void main() {
    highp vec2 upright = vec2(corner.x, 1.0 - corner.y) - 0.5;
    at_luma = vec2(dot(turn.xy, upright), dot(turn.zw, upright)) + 0.5;
    at_chroma = at_luma * chroma_share;
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
"""
_FRAGMENT = """
#ifdef GL_ES
precision highp float;
#endif
uniform sampler2D luma;
uniform sampler2D blue;
uniform sampler2D red;
uniform mat4 colours;
varying highp vec2 at_luma;
varying highp vec2 at_chroma;
void main() {
    vec4 parts = vec4(texture2D(luma, at_luma).r, texture2D(blue, at_chroma).r,
                      texture2D(red, at_chroma).r, 1.0);
    gl_FragColor = vec4((colours * parts).rgb, 1.0);
}
"""


class YuvProgram:
    """Shader and textures that draw one I420 frame. Every call needs the context in which it was made.

    Raises:
        GlError: The shader does not compile.
    """

    def __init__(self, context: QOpenGLContext) -> None:
        self._gl: QOpenGLFunctions = context.functions()
        self._is_shrunk = False
        self._planes: list[_PlaneTexture] = []
        self._shape: tuple[int, int] | None = None
        self._turn = _turn_of(0)
        self._matrix = ColourMatrix.BT601
        self._share = QVector2D(1, 1)
        self._luminance = _needs_luminance(context)
        self._most_px = cast(int, self._gl.glGetIntegerv(_MAX_TEXTURE_SIZE))
        self._program = self._built()
        self._corners, self._array = self._made_corners()

    def upload(self, frame: I420Frame, place: Placement) -> None:
        """Copy ``frame`` to the card, for drawing at about the size of ``place``.

        Raises:
            GlError: It is larger than this driver's largest texture.
        """
        if max(frame.width, frame.height) > self._most_px:
            raise GlError(f"{frame!r} is larger than the largest texture, {self._most_px} pixels")
        longest = max(place.width, place.height)
        is_shrunk = longest < max(frame.width, frame.height) * _SHRUNK
        if (frame.width, frame.height) != self._shape or is_shrunk != self._is_shrunk:
            self._make_planes(frame, is_shrunk)
        for texture, plane in zip(self._planes, (frame.y, frame.u, frame.v), strict=True):
            texture.take(plane)
        self._turn, self._matrix = _turn_of(frame.rotation_deg), frame.matrix
        # The planes of an odd size are rounded up: their last column is half outside the picture.
        chroma = frame.u.shape
        self._share = QVector2D(frame.width / (2 * chroma[1]), frame.height / (2 * chroma[0]))

    def draw(self, space: tuple[int, int], place: Placement, bars: QColor) -> None:
        """Draw the uploaded frame at ``place`` in a target of the size ``space``, and the bars beside it.

        Raises:
            GlError: The driver reports an error, or the context is lost.
        """
        gl, program = self._gl, self._program
        for capability in (_BLEND, _DEPTH_TEST, _SCISSOR_TEST, _CULL_FACE):
            gl.glDisable(capability)
        gl.glViewport(0, 0, *space)
        gl.glClearColor(bars.redF(), bars.greenF(), bars.blueF(), 1.0)
        gl.glClear(_COLOR_BIT)
        if self._planes:
            gl.glViewport(place.x, space[1] - place.y - place.height, place.width, place.height)
            program.bind()
            program.setUniformValue(self._at_colours, _COLOURS[self._matrix])
            program.setUniformValue(self._at_turn, self._turn)
            program.setUniformValue(self._at_share, self._share)
            for unit, texture in enumerate(self._planes):
                texture.bind(unit)
            self._draw_corners()
            program.release()
        self._check_errors()

    def close(self) -> None:
        """Release textures, buffers and shaders."""
        for texture in self._planes:
            texture.close()
        self._planes = []
        self._corners.destroy()
        self._array.destroy()
        self._program.removeAllShaders()

    def _check_errors(self) -> None:
        # Bounded: a lost context returns errors without end.
        errors: list[str] = []
        while len(errors) < _MOST_ERRORS and (error := self._gl.glGetError()):
            errors.append(f"{error:#06x}")
        if errors:
            raise GlError(f"OpenGL errors: {', '.join(errors)}")

    def _built(self) -> QOpenGLShaderProgram:
        program = QOpenGLShaderProgram()
        kinds = QOpenGLShader.ShaderTypeBit
        parts = ((kinds.Vertex, _VERTEX), (kinds.Fragment, _FRAGMENT))
        if not all(program.addShaderFromSourceCode(kind, text) for kind, text in parts):
            raise GlError(f"the shader does not compile: {program.log().strip()}")
        program.bindAttributeLocation("corner", 0)
        if not program.link():
            raise GlError(f"the shader does not link: {program.log().strip()}")
        program.bind()
        for unit, name in enumerate(("luma", "blue", "red")):
            program.setUniformValue1i(program.uniformLocation(name), unit)
        self._at_colours = program.uniformLocation("colours")
        self._at_turn = program.uniformLocation("turn")
        self._at_share = program.uniformLocation("chroma_share")
        program.release()
        return program

    def _made_corners(self) -> tuple[QOpenGLBuffer, QOpenGLVertexArrayObject]:
        corners = np.array([0, 0, 1, 0, 0, 1, 1, 1], np.float32).tobytes()
        array = QOpenGLVertexArrayObject()
        array.create()
        buffer = QOpenGLBuffer(QOpenGLBuffer.Type.VertexBuffer)
        buffer.create()
        buffer.bind()
        buffer.allocate(corners, len(corners))
        buffer.release()
        return buffer, array

    def _draw_corners(self) -> None:
        if self._array.isCreated():
            self._array.bind()
        self._corners.bind()
        self._program.enableAttributeArray(0)
        self._program.setAttributeBuffer(0, _FLOAT, 0, 2, 0)
        self._gl.glDrawArrays(_STRIP, 0, 4)
        self._program.disableAttributeArray(0)
        self._corners.release()
        if self._array.isCreated():
            self._array.release()

    def _make_planes(self, frame: I420Frame, is_shrunk: bool) -> None:
        for texture in self._planes:
            texture.close()
        planes = (frame.y, frame.u, frame.v)
        self._planes = [_PlaneTexture(plane, is_shrunk, self._luminance) for plane in planes]
        self._shape, self._is_shrunk = (frame.width, frame.height), is_shrunk


class _PlaneTexture:
    """Texture of one plane of 8 bits."""

    def __init__(self, plane: Plane, is_shrunk: bool, luminance: bool) -> None:
        kinds, filters = QOpenGLTexture, QOpenGLTexture.Filter
        self._pixels = kinds.PixelFormat.Luminance if luminance else kinds.PixelFormat.Red
        self._is_shrunk = is_shrunk
        self._texture = kinds(kinds.Target.Target2D)
        formats = kinds.TextureFormat
        self._texture.setFormat(formats.LuminanceFormat if luminance else formats.R8_UNorm)
        self._texture.setSize(plane.shape[1], plane.shape[0])
        self._texture.setAutoMipMapGenerationEnabled(False)
        self._texture.setMipLevels(self._texture.maximumMipLevels() if is_shrunk else 1)
        self._texture.allocateStorage(self._pixels, kinds.PixelType.UInt8)
        least = filters.LinearMipMapLinear if is_shrunk else filters.Linear
        self._texture.setMinMagFilters(least, filters.Linear)
        self._texture.setWrapMode(kinds.WrapMode.ClampToEdge)
        self._options = QOpenGLPixelTransferOptions()
        self._options.setAlignment(1)

    def take(self, plane: Plane) -> None:
        # Straight from the SDK's memory: the driver's copy is the only one.
        memory = cast(int, plane)  # PySide takes a buffer where its types say an address.
        self._texture.setData(self._pixels, QOpenGLTexture.PixelType.UInt8, memory, self._options)
        if self._is_shrunk:
            self._texture.generateMipMaps()

    def bind(self, unit: int) -> None:
        self._texture.bind(unit)

    def close(self) -> None:
        self._texture.destroy()


def _needs_luminance(context: QOpenGLContext) -> bool:
    """Return whether single-channel textures are missing: before OpenGL 3 and ES 3."""
    return context.format().majorVersion() < 3 and not context.hasExtension(b"GL_ARB_texture_rg")


def _turn_of(rotation_deg: int) -> QVector4D:
    """Return the rows of the matrix from the upright picture back to the one that was sent."""
    angle = math.radians(rotation_deg % 360)
    cosine, sine = round(math.cos(angle)), round(math.sin(angle))
    return QVector4D(cosine, sine, -sine, cosine)
