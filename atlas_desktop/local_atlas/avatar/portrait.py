"""A face that a person gave: cut to a square around it, with mouths made of its own lips."""

import io

import numpy as np
from PIL import Image, ImageOps

from atlas_desktop.local_atlas.avatar.enlarging import planes_of
from atlas_desktop.local_atlas.avatar.face_finder import FoundFace, find_face
from atlas_desktop.local_atlas.avatar.likeness import Likeness, Marks
from atlas_desktop.local_atlas.avatar.lips import find_lips
from atlas_desktop.local_atlas.avatar.planes import SUPERSAMPLE
from atlas_desktop.local_atlas.avatar.portrait_sprites import PortraitSprites, fits
from atlas_desktop.local_atlas.stage import PICTURE_SIZE_PX

_FORMATS = ("PNG", "JPEG", "WEBP")
_LARGEST_PX = 2048
_LIVELINESS = 0.6
_JAW_PX = 7.0
_OUR_EYES_PX = 104.0
_SMALLEST_EYES_PX = 52.0  # a smaller face is shown larger
_EYES_AT = 0.42
_HEADROOM = 0.15
_USUAL_FACE = FoundFace(256.0, 225.0, 104.0)
_USUAL_MOUTH_BELOW = 1.1
_GROUND = (52, 58, 72, 255)
_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def portrait(face: bytes) -> Likeness:
    """Prepares a PNG, JPEG or WebP of any size and shape. Thread: any; about 0.3 s.

    Raises:
        OSError, ValueError, SyntaxError: It is no picture that can be read.
    """
    picture, found = _cut_out(_opened(face))
    if found is None:
        return _stiff(picture)
    lips = find_lips(picture, found)
    unit = found.eyes_px
    if not fits(lips, unit):
        return _stiff(picture)
    sprites = PortraitSprites(picture, lips, unit)
    marks = _marks(found, (lips.x, lips.y))
    scale = marks.scale
    return Likeness(planes_of(picture, SUPERSAMPLE), marks, _JAW_PX * scale, _LIVELINESS * scale, sprites)


def _stiff(picture: Image.Image) -> Likeness:
    """No face was found: whatever it shows, something moves where a mouth mostly is."""
    mouth = (_USUAL_FACE.x, _USUAL_FACE.y + _USUAL_MOUTH_BELOW * _USUAL_FACE.eyes_px)
    return Likeness(planes_of(picture, SUPERSAMPLE), _marks(_USUAL_FACE, mouth), 1.5 * _JAW_PX, _LIVELINESS)


def _marks(face: FoundFace, mouth: tuple[float, float]) -> Marks:
    unit = face.eyes_px
    return Marks(
        head=(face.x, face.y + 0.35 * unit, 1.25 * unit, 1.7 * unit),
        mouth=mouth,
        chin_y=min(mouth[1] + 0.65 * unit, PICTURE_SIZE_PX - 20.0),
        brows_y=face.y - 0.32 * unit,
        scale=unit / _OUR_EYES_PX,
    )


def _opened(face: bytes) -> Image.Image:
    """The picture upright, RGB, not much larger than needed."""
    with Image.open(io.BytesIO(face), formats=_FORMATS) as opened:
        opened.draft("RGB", (_LARGEST_PX, _LARGEST_PX))
        picture = _on_ground(_eight_bits(ImageOps.exif_transpose(opened)))
    picture.thumbnail((_LARGEST_PX, _LARGEST_PX), Image.Resampling.BOX)
    return picture


def _cut_out(picture: Image.Image) -> tuple[Image.Image, FoundFace | None]:
    """The square to be shown, and where the face is in it."""
    face = find_face(picture)
    side = float(min(picture.size))
    # Heads are in the middle, and near the top of a tall picture.
    x, y = picture.width / 2, (picture.height - side) * _HEADROOM + side * _EYES_AT
    if face is not None:
        side = min(side, face.eyes_px * PICTURE_SIZE_PX / _SMALLEST_EYES_PX)
        x, y = face.x, face.y
    left = min(max(0.0, x - side / 2), picture.width - side)
    top = min(max(0.0, y - side * _EYES_AT), picture.height - side)
    square = (PICTURE_SIZE_PX, PICTURE_SIZE_PX)
    shown = picture.resize(square, Image.Resampling.LANCZOS, (left, top, left + side, top + side))
    if face is not None:
        scale = PICTURE_SIZE_PX / side
        face = FoundFace((face.x - left) * scale, (face.y - top) * scale, face.eyes_px * scale)
    return shown, face


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode not in _SIXTEEN_BITS:
        return picture
    return Image.fromarray((np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))


def _on_ground(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    ground = Image.new("RGBA", picture.size, _GROUND)
    ground.alpha_composite(picture.convert("RGBA"))
    return ground.convert("RGB")
