"""Renders a face in motion: every pixel of a frame is sampled from a displaced position of the fine planes.

Positions are displaced by a sum of smooth fields (head, middle of the face, jaw, brows, shoulders), so that a
head turns and nods without visible edges, in steps of a quarter of a pixel.
"""

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.local_atlas.avatar.face_model import (
    FINE_PX,
    SUPERSAMPLE,
    FaceLandmarks,
    FaceModel,
    FloatMap,
    Patch,
    Planes,
    smoothstep,
)
from atlas_desktop.local_atlas.avatar.head_motion import HeadPose
from atlas_desktop.local_atlas.avatar.visemes import MouthShape
from atlas_desktop.local_atlas.interfaces import FRAME_SIZE_PX, I420Frame

_HALF = FRAME_SIZE_PX // 2
# Rows of quads warped at a time: their index arrays stay in the processor's cache.
_BAND = 32
_BORDER_PX = 28.0  # towards the frame's edge all motion fades out
_NECK_PX = 50.0  # below the chin: the pivot of a tilt
_MIDDLE_PX = (108.0, 132.0)  # semi-axes of the part that turns and nods further than the edge


class FaceRenderer:
    """Renders frames of one face, alternating between two buffers. Thread: one at a time."""

    def __init__(self, face: FaceModel) -> None:
        self._face = face
        self._warp = Warp(face)
        self._canvas = face.planes.copy() if face.sprites else face.planes
        self._pasted: dict[str, Patch] = {}
        self._buffers = [np.empty((FRAME_SIZE_PX * 3 // 2, FRAME_SIZE_PX), np.uint8) for _ in range(2)]

    def render(self, pose: HeadPose, mouth: MouthShape, smile: float) -> I420Frame:
        """Return the next frame: I420, (768, 512)."""
        self._buffers.reverse()
        out = self._buffers[0]
        if (sprites := self._face.sprites) is not None:
            self._paste("mouth", sprites.mouth(mouth, smile))
            self._paste("eyes", sprites.eyes(pose.lids, pose.gaze))
        self._warp.render(self._canvas, pose, mouth.opening, out)
        return out

    def _paste(self, part: str, patch: Patch | None) -> None:
        if patch is not None and self._pasted.get(part) is not patch:
            self._pasted[part] = patch
            patch.paste(self._canvas)


class Warp:
    """Warps the planes of a face to a pose. Thread: one at a time."""

    def __init__(self, face: FaceModel) -> None:
        self._mobility = face.mobility
        self._jaw_px = face.jaw_px
        across, down = _fields(face.landmarks, has_sprites=face.sprites is not None)
        # One row a field: the displacement of a pose is the product of a small vector and this matrix.
        self._across = np.stack([f.reshape(-1) for f in across])
        self._down = np.stack([f.reshape(-1) for f in down])
        self._luma_origin = _origins(2 * _BAND, FRAME_SIZE_PX, FINE_PX).reshape(_BAND, 2, FRAME_SIZE_PX)
        self._chroma_origin = _origins(_BAND, _HALF, FINE_PX // 2)
        # Allocated once: fresh memory costs more than the arithmetic.
        self._luma_index = np.empty_like(self._luma_origin)
        self._chroma_index = np.empty_like(self._chroma_origin)
        self._wide = np.empty((_BAND, _HALF, 2), np.intp)
        self._moves = np.empty((2, _HALF * _HALF), np.float32)
        self._steps = np.empty((2, _HALF, _HALF), np.intp)

    def render(self, planes: Planes, pose: HeadPose, opening: float, out: I420Frame) -> None:
        """Warp ``planes`` to ``pose``, the jaw open by ``opening``, into the I420 frame ``out``."""
        self._displace(pose, opening)
        luma, blue, red = (plane.reshape(-1) for plane in (planes.luma, planes.blue, planes.red))
        chroma = out[FRAME_SIZE_PX:].reshape(2, _HALF, _HALF)
        for start in range(0, _HALF, _BAND):
            rows = slice(start, start + _BAND)
            dx, dy = self._steps[0, rows], self._steps[1, rows]
            self._luma_band(dx, dy, start)
            np.take(luma, self._luma_index, mode="clip", out=_quads(out, start))
            # The chroma planes are half as large, and so are the displacements.
            np.multiply((dy >> 1) + start * SUPERSAMPLE, FINE_PX // 2, out=self._chroma_index)
            self._chroma_index += dx >> 1
            self._chroma_index += self._chroma_origin
            np.take(blue, self._chroma_index, mode="clip", out=chroma[0, rows])
            np.take(red, self._chroma_index, mode="clip", out=chroma[1, rows])

    def _luma_band(self, dx: NDArray[np.intp], dy: NDArray[np.intp], start: int) -> None:
        np.multiply(dy + start * 2 * SUPERSAMPLE, FINE_PX, out=self._wide[:, :, 0])
        self._wide[:, :, 0] += dx
        self._wide[:, :, 1] = self._wide[:, :, 0]
        np.add(self._luma_origin, self._wide.reshape(_BAND, 1, FRAME_SIZE_PX), out=self._luma_index)

    def _displace(self, pose: HeadPose, opening: float) -> None:
        """Set the displacement of each quad: right and down, in steps of the fine planes."""
        k = self._mobility
        across = (k * pose.shift_px, k * pose.tilt, k * pose.turn_px)
        down = (
            k * pose.lift_px,
            k * pose.tilt,
            k * pose.nod_px,
            self._jaw_px * opening,
            k * pose.brows_px,
            k * pose.breath_px,
        )
        # A pixel is sampled from where its content was: opposite to the movement.
        np.dot(np.array(across, np.float32) * -SUPERSAMPLE, self._across, out=self._moves[0])
        np.dot(np.array(down, np.float32) * -SUPERSAMPLE, self._down, out=self._moves[1])
        np.rint(self._moves, out=self._moves)
        self._steps[:] = self._moves.reshape(2, _HALF, _HALF)


def _origins(height: int, width: int, fine: int) -> NDArray[np.intp]:
    """Return the flat indices of the centres of the first ``height`` rows of pixels in a fine plane."""
    rows, columns = np.arange(height, dtype=np.intp), np.arange(width, dtype=np.intp)
    middle = SUPERSAMPLE // 2
    return (rows[:, None] * SUPERSAMPLE + middle) * fine + columns * SUPERSAMPLE + middle


def _quads(out: I420Frame, start: int) -> I420Frame:
    return out[2 * start : 2 * (start + _BAND)].reshape(_BAND, 2, FRAME_SIZE_PX)


def _fields(marks: FaceLandmarks, *, has_sprites: bool) -> tuple[list[FloatMap], list[FloatMap]]:
    """Return how far each of 256×256 quads moves right, and down, for one unit of each movement."""
    y, x = (np.mgrid[0:_HALF, 0:_HALF].astype(np.float32) + 0.5) * 2
    cx, cy, rx, ry = marks.head
    mouth_x, mouth_y = marks.mouth
    size = marks.scale
    edge = np.minimum(np.minimum(x, FRAME_SIZE_PX - x), np.minimum(y, FRAME_SIZE_PX - y))
    border = smoothstep(edge, 0, _BORDER_PX)
    head = (1 - smoothstep(np.hypot((x - cx) / rx, (y - cy) / ry), 0.95, 1.75)) * border
    far = np.hypot((x - mouth_x) / _MIDDLE_PX[0], (y - mouth_y + 62 * size) / _MIDDLE_PX[1]) / size
    middle = np.clip(1 - far**2, 0, None) ** 2 * border
    # A sprite shows the open mouth; without one everything around the mouth is pulled down.
    beside = np.exp(-(((x - mouth_x) / (78 * size)) ** 4))
    ramp = smoothstep(y, mouth_y - 4 * size, mouth_y + (44 if has_sprites else 26) * size)
    jaw = ramp * (1 - smoothstep(y, marks.chin_y + 2, marks.chin_y + 46 * size)) * beside * border
    brows = -np.exp(-(((y - marks.brows_y) / (22 * size)) ** 2)) * np.exp(-(((x - cx) / (96 * size)) ** 4))
    shoulders = -smoothstep(y, marks.chin_y + 10, marks.chin_y + 70) * (1 - smoothstep(y, 460, FRAME_SIZE_PX))
    pivot_y = marks.chin_y + _NECK_PX * size
    across = [head, head * -(y - pivot_y), middle]
    down = [head, head * (x - cx), middle, jaw, brows * border, shoulders * border]
    return [f.astype(np.float32) for f in across], [f.astype(np.float32) for f in down]
