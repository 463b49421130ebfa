"""A face ready to be animated: its image planes, its landmarks, and sprites of its mouths and eyes."""

from dataclasses import dataclass
from typing import Protocol

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from atlas_desktop.local_atlas.avatar.visemes import MouthShape
from atlas_desktop.local_atlas.interfaces import FRAME_SIZE_PX

SUPERSAMPLE = 4
"""A face is sampled from planes this much finer than the frame, so that it moves in quarters of a pixel."""

FINE_PX = FRAME_SIZE_PX * SUPERSAMPLE

_LUMA_RANGE = (16, 235)

Plane = NDArray[np.uint8]
FloatMap = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Planes:
    """Luma (height, width) and two chroma planes of half that size: uint8, BT.601 limited range."""

    luma: Plane
    blue: Plane
    red: Plane

    def copy(self) -> "Planes":
        """Return a deep copy."""
        return Planes(self.luma.copy(), self.blue.copy(), self.red.copy())


@dataclass(frozen=True, slots=True)
class Patch:
    """Planes with a position, in fine pixels, both even."""

    left: int
    top: int
    planes: Planes

    def paste(self, canvas: Planes) -> None:
        """Copy the patch onto ``canvas``."""
        height, width = self.planes.luma.shape
        left, top = self.left, self.top
        canvas.luma[top : top + height, left : left + width] = self.planes.luma
        left, top, width, height = left // 2, top // 2, width // 2, height // 2
        canvas.blue[top : top + height, left : left + width] = self.planes.blue
        canvas.red[top : top + height, left : left + width] = self.planes.red


@dataclass(frozen=True, slots=True)
class FaceLandmarks:
    """Where the parts of a head are, in pixels of the 512 px frame.

    Attributes:
        head: Ellipse around head and hair: centre x, y, half width, half height.
        mouth: Middle of the line between the lips: x, y.
        chin_y: Lower edge of the chin.
        brows_y: Height of the eyebrows.
        scale: Size of the face; that of the shipped faces is 1.
    """

    head: tuple[float, float, float, float]
    mouth: tuple[float, float]
    chin_y: float
    brows_y: float
    scale: float = 1.0


class FaceSprites(Protocol):
    """Prepared mouths and eyes of a face."""

    def mouth(self, mouth: MouthShape, smile: float) -> Patch:
        """Return the mouth; at rest it smiles by ``smile``, 0 to 1."""
        ...

    def eyes(self, lids: float, gaze: tuple[int, int]) -> Patch | None:
        """Return both eyes, if they move: lids from open (0) to closed (1), gaze in half pixels."""
        ...


@dataclass(frozen=True, slots=True)
class FaceModel:
    """A face ready to be animated; shared by all avatars that show it, never written to.

    Attributes:
        planes: The face at rest.
        landmarks: Where its parts are.
        jaw_px: How far the chin moves down with the mouth wide open.
        mobility: Share of the head's motion that is applied, 0 to 1.
        sprites: Mouths and eyes; without them only the jaw moves, by warping the picture.
    """

    planes: Planes
    landmarks: FaceLandmarks
    jaw_px: float
    mobility: float
    sprites: FaceSprites | None = None


def upscale(picture: Image.Image, scale: int) -> Planes:
    """Convert an RGB picture of even size to planes ``scale`` times as large.

    Edges are blurred to the width at which every ``SUPERSAMPLE``-th sample is free of aliasing.
    """
    width, height = picture.width * scale, picture.height * scale
    frame = av.VideoFrame.from_ndarray(np.asarray(picture.convert("RGB")), format="rgb24")
    i420 = frame.reformat(width, height, "yuv420p", interpolation=Interpolation.BICUBIC).to_ndarray()
    chroma = i420[height:].reshape(2, height // 2, width // 2)
    luma = np.array(Image.fromarray(i420[:height]).filter(ImageFilter.BoxBlur(1)))
    # Bicubic interpolation overshoots at edges.
    np.clip(luma, *_LUMA_RANGE, out=luma)
    return Planes(luma, chroma[0].copy(), chroma[1].copy())


def upscale_patch(picture: Image.Image, left: int, top: int, margin: int, scale: int) -> Patch:
    """Upscale a picture that extends ``margin`` beyond the patch on every side.

    ``left`` and ``top`` are the patch's position; all are even. Interpolation looks beyond the edge, hence
    the margin.
    """
    whole = upscale(picture, scale)
    edge = margin * scale
    inner, half = slice(edge, -edge), slice(edge // 2, -edge // 2)
    planes = Planes(
        whole.luma[inner, inner].copy(), whole.blue[half, half].copy(), whole.red[half, half].copy()
    )
    return Patch(left * scale, top * scale, planes)


def smoothstep(values: FloatMap, start: float | FloatMap, end: float | FloatMap) -> FloatMap:
    """Return 0 below ``start``, 1 above ``end``, and a smooth cubic between."""
    t = np.clip((values - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
