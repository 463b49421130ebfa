"""Bends a face: every pixel of the picture is fetched from a place of the fine planes nearby.

The places are moved by a sum of smooth fields (head, middle of the face, jaw, brows, shoulders), so that a
head turns and nods without a seam, in steps of a quarter of a pixel.
"""

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.local_atlas.avatar.likeness import Likeness, Marks
from atlas_desktop.local_atlas.avatar.planes import FINE_PX, SUPERSAMPLE, Planes
from atlas_desktop.local_atlas.avatar.pose import Pose
from atlas_desktop.local_atlas.stage import PICTURE_SIZE_PX, Picture

_HALF = PICTURE_SIZE_PX // 2
_BAND = 32
_BORDER_PX = 28.0
_NECK_PX = 50.0
_MIDDLE_PX = (108.0, 132.0)

Field = NDArray[np.float32]


class Warp:
    """Draws a likeness in a pose. Thread: one at a time."""

    def __init__(self, likeness: Likeness) -> None:
        self._liveliness = likeness.liveliness
        self._jaw_px = likeness.jaw_px
        across, down = _fields(likeness.marks, ready=likeness.sprites is not None)
        # One row a field: a pose is one product of a small vector and this matrix.
        self._across = np.stack([f.reshape(-1) for f in across])
        self._down = np.stack([f.reshape(-1) for f in down])
        self._luma_places = _places(2 * _BAND, PICTURE_SIZE_PX, FINE_PX).reshape(_BAND, 2, PICTURE_SIZE_PX)
        self._colour_places = _places(_BAND, _HALF, FINE_PX // 2)
        # Made once: fresh memory costs more than the sums in it.
        self._luma_index = np.empty_like(self._luma_places)
        self._colour_index = np.empty_like(self._colour_places)
        self._wide = np.empty((_BAND, _HALF, 2), np.intp)
        self._moves = np.empty((2, _HALF * _HALF), np.float32)
        self._steps = np.empty((2, _HALF, _HALF), np.intp)

    def draw(self, planes: Planes, pose: Pose, opening: float, out: Picture) -> None:
        """Draws ``planes`` with the head in ``pose`` and the jaw as open as ``opening`` into I420 ``out``."""
        self._measure(pose, opening)
        luma, blue, red = (plane.reshape(-1) for plane in (planes.luma, planes.blue, planes.red))
        colour = out[PICTURE_SIZE_PX:].reshape(2, _HALF, _HALF)
        # Band by band, so that the places stay in the processor's cache until they are used.
        for start in range(0, _HALF, _BAND):
            rows = slice(start, start + _BAND)
            dx, dy = self._steps[0, rows], self._steps[1, rows]
            self._luma_band(dx, dy, start)
            np.take(luma, self._luma_index, mode="clip", out=_quads(out, start))
            # The colour planes are half as large, and so is every way in them.
            np.multiply((dy >> 1) + start * SUPERSAMPLE, FINE_PX // 2, out=self._colour_index)
            self._colour_index += dx >> 1
            self._colour_index += self._colour_places
            np.take(blue, self._colour_index, mode="clip", out=colour[0, rows])
            np.take(red, self._colour_index, mode="clip", out=colour[1, rows])

    def _luma_band(self, dx: NDArray[np.intp], dy: NDArray[np.intp], start: int) -> None:
        np.multiply(dy + start * 2 * SUPERSAMPLE, FINE_PX, out=self._wide[:, :, 0])
        self._wide[:, :, 0] += dx
        self._wide[:, :, 1] = self._wide[:, :, 0]
        np.add(self._luma_places, self._wide.reshape(_BAND, 1, PICTURE_SIZE_PX), out=self._luma_index)

    def _measure(self, pose: Pose, opening: float) -> None:
        """Sets how far each quad is moved: right and down, in steps of the fine planes."""
        k = self._liveliness
        across = (k * pose.shift_px, k * pose.tilt, k * pose.turn_px)
        down = (
            k * pose.lift_px,
            k * pose.tilt,
            k * pose.nod_px,
            self._jaw_px * opening,
            k * pose.brows_px,
            k * pose.breath_px,
        )
        # A pixel comes from where its content was: against the movement.
        np.dot(np.array(across, np.float32) * -SUPERSAMPLE, self._across, out=self._moves[0])
        np.dot(np.array(down, np.float32) * -SUPERSAMPLE, self._down, out=self._moves[1])
        np.rint(self._moves, out=self._moves)
        self._steps[:] = self._moves.reshape(2, _HALF, _HALF)


def _places(height: int, width: int, fine: int) -> NDArray[np.intp]:
    """Where the middles of the first ``height`` rows of pixels lie in a fine plane, along its rows."""
    rows, columns = np.arange(height, dtype=np.intp), np.arange(width, dtype=np.intp)
    middle = SUPERSAMPLE // 2
    return (rows[:, None] * SUPERSAMPLE + middle) * fine + columns * SUPERSAMPLE + middle


def _quads(out: Picture, start: int) -> Picture:
    return out[2 * start : 2 * (start + _BAND)].reshape(_BAND, 2, PICTURE_SIZE_PX)


def _fields(marks: Marks, *, ready: bool) -> tuple[list[Field], list[Field]]:
    """How far each of the picture's 256×256 quads moves right, and down, for one unit of each movement."""
    y, x = (np.mgrid[0:_HALF, 0:_HALF].astype(np.float32) + 0.5) * 2
    cx, cy, rx, ry = marks.head
    mouth_x, mouth_y = marks.mouth
    size = marks.scale
    edge = np.minimum(np.minimum(x, PICTURE_SIZE_PX - x), np.minimum(y, PICTURE_SIZE_PX - y))
    border = _rise(edge, 0, _BORDER_PX)
    head = (1 - _rise(np.hypot((x - cx) / rx, (y - cy) / ry), 0.95, 1.75)) * border
    far = np.hypot((x - mouth_x) / _MIDDLE_PX[0], (y - mouth_y + 62 * size) / _MIDDLE_PX[1]) / size
    middle = np.clip(1 - far**2, 0, None) ** 2 * border
    # A ready-made mouth opens by itself; without one the whole of its surroundings is drawn down.
    beside = np.exp(-(((x - mouth_x) / (78 * size)) ** 4))
    ramp = _rise(y, mouth_y - 4 * size, mouth_y + (44 if ready else 26) * size)
    jaw = ramp * (1 - _rise(y, marks.chin_y + 2, marks.chin_y + 46 * size)) * beside * border
    brows = -np.exp(-(((y - marks.brows_y) / (22 * size)) ** 2)) * np.exp(-(((x - cx) / (96 * size)) ** 4))
    shoulders = -_rise(y, marks.chin_y + 10, marks.chin_y + 70) * (1 - _rise(y, 460, PICTURE_SIZE_PX))
    pivot_y = marks.chin_y + _NECK_PX * size
    across = [head, head * -(y - pivot_y), middle]
    down = [head, head * (x - cx), middle, jaw, brows * border, shoulders * border]
    return [f.astype(np.float32) for f in across], [f.astype(np.float32) for f in down]


def _rise(values: Field, start: float, end: float) -> Field:
    """0 below ``start``, 1 above ``end``, smooth between."""
    t = np.clip((values - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
