"""Bends a face: every pixel of the picture is fetched from a place of the fine planes nearby.

The places are moved by a sum of smooth fields (head, middle of the face, jaw, brows, shoulders), so that a
head turns and nods without a seam, in steps of a quarter of a pixel.
"""

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.local_atlas.likeness import Likeness, Marks
from atlas_desktop.local_atlas.planes import FINE_PX, SUPERSAMPLE, Planes
from atlas_desktop.local_atlas.pose import Pose
from atlas_desktop.local_atlas.stage import PICTURE_SIZE_PX, Picture

_HALF = PICTURE_SIZE_PX // 2
_BORDER_PX = 28.0
_NECK_PX = 50.0
_MIDDLE_PX = (108.0, 132.0)

Field = NDArray[np.float32]


class Warp:
    """Draws a likeness in a pose. Thread: one at a time."""

    def __init__(self, likeness: Likeness) -> None:
        self._liveliness = likeness.liveliness
        self._jaw_px = likeness.jaw_px
        across, down = _fields(likeness.marks, drawn=likeness.sprites is not None)
        # One row a field: a pose is one product of a small vector and this matrix.
        self._across = np.stack([f.reshape(-1) for f in across])
        self._down = np.stack([f.reshape(-1) for f in down])
        self._luma_places = _places(PICTURE_SIZE_PX, FINE_PX).reshape(_HALF, 2, _HALF, 2)
        self._colour_places = _places(_HALF, FINE_PX // 2)
        self._luma_index = np.empty_like(self._luma_places)

    def draw(self, planes: Planes, pose: Pose, opening: float, out: Picture) -> None:
        """Draws ``planes`` with the head in ``pose`` and the jaw as open as ``opening`` into I420 ``out``."""
        k = self._liveliness
        tilt = k * pose.tilt
        across = np.array([k * pose.shift_px, tilt, k * pose.turn_px], np.float32) @ self._across
        down = (
            np.array(
                [
                    k * pose.lift_px,
                    tilt,
                    k * pose.nod_px,
                    self._jaw_px * opening,
                    k * pose.brows_px,
                    k * pose.breath_px,
                ],
                np.float32,
            )
            @ self._down
        )
        dx = np.rint(across * -SUPERSAMPLE).astype(np.intp).reshape(_HALF, _HALF)
        dy = np.rint(down * -SUPERSAMPLE).astype(np.intp).reshape(_HALF, _HALF)
        offsets = dy * FINE_PX + dx
        np.add(self._luma_places, offsets[:, None, :, None], out=self._luma_index)
        luma_index = self._luma_index.reshape(PICTURE_SIZE_PX, PICTURE_SIZE_PX)
        np.take(planes.luma.reshape(-1), luma_index, mode="clip", out=out[:PICTURE_SIZE_PX])
        # The colour planes are half as large, and so is every way in them.
        index = self._colour_places + (dy >> 1) * (FINE_PX // 2) + (dx >> 1)
        colour = out[PICTURE_SIZE_PX:].reshape(2, _HALF, _HALF)
        np.take(planes.blue.reshape(-1), index, mode="clip", out=colour[0])
        np.take(planes.red.reshape(-1), index, mode="clip", out=colour[1])


def _places(size: int, fine: int) -> NDArray[np.intp]:
    """Where each pixel's middle lies in a fine plane, counted along its rows."""
    steps = np.arange(size, dtype=np.intp) * SUPERSAMPLE + SUPERSAMPLE // 2
    return steps[:, None] * fine + steps[None, :]


def _fields(marks: Marks, *, drawn: bool) -> tuple[list[Field], list[Field]]:
    """How far each of the picture's 256×256 quads moves right, and down, for one unit of each movement."""
    y, x = (np.mgrid[0:_HALF, 0:_HALF].astype(np.float32) + 0.5) * 2
    cx, cy, rx, ry = marks.head
    mouth_x, mouth_y = marks.mouth
    edge = np.minimum(np.minimum(x, PICTURE_SIZE_PX - x), np.minimum(y, PICTURE_SIZE_PX - y))
    border = _rise(edge, 0, _BORDER_PX)
    head = (1 - _rise(np.hypot((x - cx) / rx, (y - cy) / ry), 0.95, 1.75)) * border
    far = np.hypot((x - mouth_x) / _MIDDLE_PX[0], (y - mouth_y + 62) / _MIDDLE_PX[1])
    middle = np.clip(1 - far**2, 0, None) ** 2 * border
    beside = np.exp(-(((x - mouth_x) / (78 if drawn else 50)) ** 4))
    # A drawn mouth opens by itself; in a photograph the jaw's fall tears the lips apart.
    ramp = _rise(y, mouth_y - 4, mouth_y + 44) if drawn else _rise(y, mouth_y - 3, mouth_y + 12)
    jaw = ramp * (1 - _rise(y, marks.chin_y + 2, marks.chin_y + 46)) * beside * border
    brows = -np.exp(-(((y - marks.brows_y) / 22) ** 2)) * np.exp(-(((x - cx) / 96) ** 4))
    shoulders = -_rise(y, marks.chin_y + 10, marks.chin_y + 70) * (1 - _rise(y, 460, PICTURE_SIZE_PX)) * border
    pivot_y = marks.chin_y + _NECK_PX
    across = [head, head * -(y - pivot_y), middle]
    down = [head, head * (x - cx), middle, jaw, brows, shoulders]
    return [f.astype(np.float32) for f in across], [f.astype(np.float32) for f in down]


def _rise(values: Field, start: float, end: float) -> Field:
    """0 below ``start``, 1 above ``end``, smooth between."""
    t = np.clip((values - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
