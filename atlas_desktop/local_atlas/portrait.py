"""A face that a person gave: cut to a square, and a guess where its mouth is."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from atlas_desktop.local_atlas.likeness import Likeness, Marks
from atlas_desktop.local_atlas.planes import SUPERSAMPLE, planes_of
from atlas_desktop.local_atlas.stage import PICTURE_SIZE_PX

_FORMATS = ("PNG", "JPEG", "WEBP")
_JAW_PX = 11.0
_LIVELINESS = 0.55
_USUAL_MOUTH = (256.0, 345.0)
_SEARCH_PX = (176, 336, 280, 420)  # left, right, top, bottom
_CLEAR_CONTRAST = 6.0


def portrait(face: bytes) -> Likeness:
    """Prepares a PNG, JPEG or WebP of any size and shape. Thread: any; about 0.1 s.

    Raises:
        OSError, ValueError, SyntaxError: It is no picture that can be read.
    """
    with Image.open(io.BytesIO(face), formats=_FORMATS) as opened:
        opened.draft("RGB", (PICTURE_SIZE_PX * 2, PICTURE_SIZE_PX * 2))
        upright = ImageOps.exif_transpose(opened)
        picture = ImageOps.fit(
            _on_grey(upright), (PICTURE_SIZE_PX, PICTURE_SIZE_PX), Image.Resampling.LANCZOS, centering=(0.5, 0.35)
        )
    mouth = find_mouth(picture)
    chin_y = min(mouth[1] + 62, PICTURE_SIZE_PX - 20.0)
    marks = Marks((mouth[0], mouth[1] - 100, 125, 170), mouth, chin_y, mouth[1] - 130)
    return Likeness(planes_of(picture, SUPERSAMPLE), marks, _JAW_PX, _LIVELINESS)


def find_mouth(picture: Image.Image) -> tuple[float, float]:
    """Where the lips are, x and y: the reddest place near the usual one, or the usual one when none stands out."""
    left, right, top, bottom = _SEARCH_PX
    planes = picture.convert("YCbCr").filter(ImageFilter.GaussianBlur(7)).crop((left, top, right, bottom))
    pixels = np.asarray(planes, np.float32)
    redness = pixels[:, :, 2] - 0.5 * pixels[:, :, 1]
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    near = np.exp(-(((x - _USUAL_MOUTH[0]) / 60) ** 2) - ((y - _USUAL_MOUTH[1]) / 55) ** 2)
    stands_out = (redness - float(np.median(redness))) * near
    if float(stands_out.max()) < _CLEAR_CONTRAST:
        return _USUAL_MOUTH
    weights: NDArray[np.float32] = np.clip(stands_out - 0.6 * float(stands_out.max()), 0, None)
    whole = float(weights.sum())
    return float((weights * x).sum()) / whole, float((weights * y).sum()) / whole


def _on_grey(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    ground = Image.new("RGBA", picture.size, (52, 58, 72, 255))
    ground.alpha_composite(picture.convert("RGBA"))
    return ground.convert("RGB")
