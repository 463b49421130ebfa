"""Shows a likeness moving: the pictures of one avatar with one face on."""

import numpy as np

from atlas_desktop.local_atlas.likeness import Likeness
from atlas_desktop.local_atlas.mouth import Mouth
from atlas_desktop.local_atlas.planes import Patch
from atlas_desktop.local_atlas.pose import Pose
from atlas_desktop.local_atlas.stage import PICTURE_SIZE_PX, Picture
from atlas_desktop.local_atlas.warp import Warp

_HOLE_PX = (30, 22)  # half the width, half the height of the place where a photograph's mouth opens
_HOLE_COLOUR = (34.0, 116.0, 150.0)
_HOLE_DEPTH = 0.82
_OPEN_AT_ALL = 0.06


class FaceFilm:
    """Draws pictures of one face, each into one of two buffers in turn. Thread: one at a time."""

    def __init__(self, likeness: Likeness) -> None:
        self._likeness = likeness
        self._warp = Warp(likeness)
        self._canvas = likeness.planes.copy() if likeness.sprites else likeness.planes
        self._pasted: dict[str, Patch] = {}
        self._buffers = [np.empty((PICTURE_SIZE_PX * 3 // 2, PICTURE_SIZE_PX), np.uint8) for _ in range(2)]

    def draw(self, pose: Pose, mouth: Mouth, warmth: float) -> Picture:
        """Returns the next picture: I420, (768, 512)."""
        self._buffers.reverse()
        out = self._buffers[0]
        if (sprites := self._likeness.sprites) is not None:
            self._paste("mouth", sprites.mouth(mouth, warmth))
            self._paste("eyes", sprites.eyes(pose.lids, pose.gaze))
        self._warp.draw(self._canvas, pose, mouth.opening, out)
        if sprites is None and mouth.opening > _OPEN_AT_ALL:
            self._open_mouth(out, pose, mouth)
        return out

    def _paste(self, part: str, patch: Patch) -> None:
        if self._pasted.get(part) is not patch:
            self._pasted[part] = patch
            patch.paste(self._canvas)

    def _open_mouth(self, out: Picture, pose: Pose, mouth: Mouth) -> None:
        """Darkens the gap that the falling jaw has stretched between the lips of a photograph."""
        k, (mouth_x, mouth_y) = self._likeness.liveliness, self._likeness.marks.mouth
        gap_px = self._likeness.jaw_px * mouth.opening
        x = mouth_x + k * (pose.shift_px + pose.turn_px)
        y = mouth_y + k * (pose.lift_px + pose.nod_px) + 2 + gap_px * 0.5
        width_px = 21 + 6 * mouth.spread
        left, top = int(x) // 2 * 2 - _HOLE_PX[0], int(y) // 2 * 2 - _HOLE_PX[1]
        rows, columns = np.ogrid[: 2 * _HOLE_PX[1], : 2 * _HOLE_PX[0]]
        far = ((columns + left - x) / width_px) ** 2 + ((rows + top - y) / (gap_px * 0.62 + 0.6)) ** 2
        cover = np.clip(1.35 - far, 0, 1) * _HOLE_DEPTH * min(1.0, mouth.opening * 3)
        _blend(out[top : top + 2 * _HOLE_PX[1], left : left + 2 * _HOLE_PX[0]], cover, _HOLE_COLOUR[0])
        colour = out[PICTURE_SIZE_PX:].reshape(2, PICTURE_SIZE_PX // 2, PICTURE_SIZE_PX // 2)
        top, left = top // 2, left // 2
        for plane, value in zip(colour, _HOLE_COLOUR[1:], strict=True):
            _blend(plane[top : top + _HOLE_PX[1], left : left + _HOLE_PX[0]], cover[::2, ::2], value)


def _blend(pixels: Picture, cover: np.ndarray, value: float) -> None:
    # Bounds: a mouth is never found near the picture's edge, and the head moves a few pixels at most.
    pixels[:] = pixels + (value - pixels) * cover
