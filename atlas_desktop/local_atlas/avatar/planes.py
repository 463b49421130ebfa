"""Pictures as planes of four times the resolution in which they are shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.local_atlas.stage import PICTURE_SIZE_PX

SUPERSAMPLE = 4
"""A face is shown from planes so much finer than the picture that a quarter of a pixel can be moved."""

FINE_PX = PICTURE_SIZE_PX * SUPERSAMPLE

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Planes:
    """Luma (height, width) and the two colour planes of half that size: uint8, BT.601 limited range."""

    luma: Plane
    blue: Plane
    red: Plane

    def copy(self) -> "Planes":
        """Planes of its own."""
        return Planes(self.luma.copy(), self.blue.copy(), self.red.copy())


@dataclass(frozen=True, slots=True)
class Patch:
    """Planes that belong at a place, in fine pixels, both even."""

    left: int
    top: int
    planes: Planes

    def paste(self, canvas: Planes) -> None:
        """Writes the patch onto ``canvas``."""
        height, width = self.planes.luma.shape
        left, top = self.left, self.top
        canvas.luma[top : top + height, left : left + width] = self.planes.luma
        left, top, width, height = left // 2, top // 2, width // 2, height // 2
        canvas.blue[top : top + height, left : left + width] = self.planes.blue
        canvas.red[top : top + height, left : left + width] = self.planes.red
