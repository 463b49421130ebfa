"""Shows a likeness moving: the pictures of one avatar with one face on."""

import numpy as np

from atlas_desktop.local_atlas.avatar.likeness import Likeness
from atlas_desktop.local_atlas.avatar.mouth import Mouth
from atlas_desktop.local_atlas.avatar.planes import Patch
from atlas_desktop.local_atlas.avatar.pose import Pose
from atlas_desktop.local_atlas.avatar.warp import Warp
from atlas_desktop.local_atlas.stage import PICTURE_SIZE_PX, Picture


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
        return out

    def _paste(self, part: str, patch: Patch | None) -> None:
        if patch is not None and self._pasted.get(part) is not patch:
            self._pasted[part] = patch
            patch.paste(self._canvas)
