"""A face from a photograph: cropped to a square around it, with mouths made from its own lips."""

import io

import numpy as np
from PIL import Image, ImageOps

from atlas_desktop.local_atlas.avatar.face_detection import DetectedFace, LipLine, detect_face, detect_lips
from atlas_desktop.local_atlas.avatar.face_model import (
    SUPERSAMPLE,
    FaceLandmarks,
    FaceModel,
    FloatMap,
    Patch,
    smoothstep,
    upscale,
    upscale_patch,
)
from atlas_desktop.local_atlas.avatar.shipped_faces import nearest
from atlas_desktop.local_atlas.avatar.visemes import Consonant, MouthShape
from atlas_desktop.local_atlas.interfaces import FRAME_SIZE_PX

_FORMATS = ("PNG", "JPEG", "WEBP")
_MAX_PX = 2048  # the side of the fine planes: more would not be seen
_MOBILITY = 0.6  # the background of a photograph moves along: less is more natural
_JAW_PX = 7.0
_SHIPPED_EYES_PX = 104.0
_MIN_EYES_PX = 52.0  # a smaller face is enlarged
_EYES_AT = 0.42  # height of the eyes in the square
_HEADROOM = 0.15
_DEFAULT_FACE = DetectedFace(256.0, 225.0, 104.0)
_DEFAULT_MOUTH_BELOW = 1.1
_BACKGROUND = (52, 58, 72, 255)  # behind transparent pictures
_SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")

_MARGIN_PX = 4  # for the interpolation, which looks beyond the edge
_OPEN = (0.0, 0.12, 0.26, 0.42, 0.6, 0.8, 1.0)
_SPREAD = (-1.0, 0.0, 1.0)
# Extent of the sprites around the mouth, and of the open mouth, in distances between the eyes.
_ABOVE, _BELOW, _ASIDE = 0.36, 1.05, 0.72
_GAP = 0.23
_UPPER_SHARE = 0.16  # the upper lip's part of the opening; the rest is the jaw's
_TEETH = (228.0, 220.0, 210.0)
_DARK, _DEEP, _TONGUE = (58.0, 22.0, 24.0), (26.0, 9.0, 11.0), (152.0, 70.0, 70.0)
# Of a lip relative to the cheek: teeth are less red and brighter, an open mouth is darker.
_LIP_REDNESS = 0.8
_LIP_LIGHT = (0.42, 0.95)


def load_portrait(face: bytes) -> FaceModel:
    """Prepare a PNG, JPEG or WebP of any size and aspect. Thread: any; about 0.3 s.

    Raises:
        OSError, ValueError, SyntaxError: The picture can't be decoded.
    """
    picture, found = _crop(_decode(face))
    if found is None:
        return _without_sprites(picture)
    lips = detect_lips(picture, found)
    unit = found.eyes_px
    if not _fits(lips, unit):
        return _without_sprites(picture)
    sprites = PortraitSprites(picture, lips, unit)
    landmarks = _landmarks(found, (lips.x, lips.y))
    scale = landmarks.scale
    return FaceModel(upscale(picture, SUPERSAMPLE), landmarks, _JAW_PX * scale, _MOBILITY * scale, sprites)


def _without_sprites(picture: Image.Image) -> FaceModel:
    """Return a model for a picture without a usable face: it moves where a mouth usually is."""
    mouth = (_DEFAULT_FACE.x, _DEFAULT_FACE.y + _DEFAULT_MOUTH_BELOW * _DEFAULT_FACE.eyes_px)
    landmarks = _landmarks(_DEFAULT_FACE, mouth)
    return FaceModel(upscale(picture, SUPERSAMPLE), landmarks, 1.5 * _JAW_PX, _MOBILITY)


def _landmarks(face: DetectedFace, mouth: tuple[float, float]) -> FaceLandmarks:
    unit = face.eyes_px
    return FaceLandmarks(
        head=(face.x, face.y + 0.35 * unit, 1.25 * unit, 1.7 * unit),
        mouth=mouth,
        chin_y=min(mouth[1] + 0.65 * unit, FRAME_SIZE_PX - 20.0),
        brows_y=face.y - 0.32 * unit,
        scale=unit / _SHIPPED_EYES_PX,
    )


def _decode(face: bytes) -> Image.Image:
    """Return the picture upright, RGB, not much larger than needed."""
    with Image.open(io.BytesIO(face), formats=_FORMATS) as opened:
        opened.draft("RGB", (_MAX_PX, _MAX_PX))
        picture = _on_background(_eight_bits(ImageOps.exif_transpose(opened)))
    picture.thumbnail((_MAX_PX, _MAX_PX), Image.Resampling.BOX)
    return picture


def _crop(picture: Image.Image) -> tuple[Image.Image, DetectedFace | None]:
    """Return the square to show, and the face in it."""
    face = detect_face(picture)
    side = float(min(picture.size))
    # By default: heads are in the middle, and near the top of a tall picture.
    x, y = picture.width / 2, (picture.height - side) * _HEADROOM + side * _EYES_AT
    if face is not None:
        side = min(side, face.eyes_px * FRAME_SIZE_PX / _MIN_EYES_PX)
        x, y = face.x, face.y
    left = min(max(0.0, x - side / 2), picture.width - side)
    top = min(max(0.0, y - side * _EYES_AT), picture.height - side)
    square = (FRAME_SIZE_PX, FRAME_SIZE_PX)
    shown = picture.resize(square, Image.Resampling.LANCZOS, (left, top, left + side, top + side))
    if face is not None:
        scale = FRAME_SIZE_PX / side
        face = DetectedFace((face.x - left) * scale, (face.y - top) * scale, face.eyes_px * scale)
    return shown, face


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode not in _SIXTEEN_BIT_MODES:
        return picture
    return Image.fromarray((np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))


def _on_background(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    background = Image.new("RGBA", picture.size, _BACKGROUND)
    background.alpha_composite(picture.convert("RGBA"))
    return background.convert("RGB")


class PortraitSprites:
    """Mouths of a photograph, drawn once. Thread: any; its eyes don't move."""

    def __init__(self, picture: Image.Image, lips: LipLine, eyes_px: float) -> None:
        painter = _MouthPainter(picture, lips, eyes_px)
        self._grid = [[painter.paint(opening, spread) for spread in _SPREAD] for opening in _OPEN]

    def mouth(self, mouth: MouthShape, smile: float) -> Patch:
        """Return the nearest mouth; a photograph keeps its own smile."""
        del smile
        opening = 0.0 if mouth.consonant is Consonant.CLOSED else mouth.opening
        return self._grid[nearest(_OPEN, opening)][nearest(_SPREAD, mouth.spread)]

    def eyes(self, lids: float, gaze: tuple[int, int]) -> Patch | None:
        """Return ``None``: a photograph keeps its own."""
        del lids, gaze
        return None


class _MouthPainter:
    """Paints the mouths of one photograph: all arrays are (rows, columns) of the area around the lips."""

    def __init__(self, picture: Image.Image, lips: LipLine, eyes_px: float) -> None:
        self._lips, self._unit = lips, eyes_px
        left, right = (_even(lips.x + side * _ASIDE * eyes_px) for side in (-1, 1))
        top, bottom = _even(lips.y - _ABOVE * eyes_px), _even(lips.y + _BELOW * eyes_px)
        self._left, self._top = left - _MARGIN_PX, top - _MARGIN_PX
        box = (self._left, self._top, right + _MARGIN_PX, bottom + _MARGIN_PX)
        twice = (2 * (box[2] - box[0]), 2 * (box[3] - box[1]))
        # Sampled at twice the size, so that warping does not blur.
        self._source = np.asarray(picture.resize(twice, Image.Resampling.BICUBIC, box), np.float32)
        y, x = np.mgrid[box[1] : box[3], box[0] : box[2]].astype(np.float32)
        self._x, self._y, self._line = x, y, lips.y_at(x)
        edge = np.minimum(np.minimum(x - left, right - 1 - x), np.minimum(y - top, bottom - 1 - y))
        self._inside = smoothstep(edge, 0, 0.2 * eyes_px)
        pixels = np.asarray(picture, np.float32)
        around = pixels[box[1] : box[3], box[0] : box[2]]
        self._light = float(np.clip(np.percentile(around.max(2), 90) / 220, 0.55, 1.05))
        self._has_lip = self._shows_lip(pixels)
        self._grey = float(np.abs(around - around.mean(2, keepdims=True)).mean()) < 2

    def _shows_lip(self, pixels: FloatMap) -> bool:
        """Return whether there is a lip above the line, rather than teeth or an open mouth."""
        lips, unit = self._lips, self._unit
        left, right = round(lips.x - 0.2 * unit), round(lips.x + 0.2 * unit) + 1
        above = pixels[round(lips.y - 0.1 * unit) : round(lips.y - 0.02 * unit) + 1, left:right]
        cheeks = pixels[round(lips.y - 0.6 * unit) : round(lips.y - 0.45 * unit) + 1]
        skin = cheeks[:, round(lips.x + 0.3 * unit) : round(lips.x + 0.55 * unit) + 1]
        redness = [float(part[:, :, 0].mean() / (part[:, :, 1:].mean() + 1)) for part in (above, skin)]
        light = float(above.mean()) / float(skin.mean() + 1)
        return redness[0] > _LIP_REDNESS * redness[1] and _LIP_LIGHT[0] < light < _LIP_LIGHT[1]

    def paint(self, opening: float, spread: float) -> Patch:
        gap = opening * _GAP * self._unit
        width = self._lips.half_width * (1 + (0.1 if spread > 0 else 0.28) * spread)
        u = (self._x - self._lips.x) / width
        lens = np.clip(1 - u**2, 0, 1) ** 0.8 * gap
        upper = self._line - _UPPER_SHARE * lens
        lower = self._line + (1 - _UPPER_SHARE) * lens
        skin = self._warped_skin(upper, lower, spread)
        cover = np.clip(self._y - upper + 0.5, 0, 1) * np.clip(lower - self._y + 0.5, 0, 1)
        cover = cover * np.clip(lens / 1.6, 0, 1)
        painted = skin + (self._cavity(u, upper, lower, gap) - skin) * cover[:, :, None]
        picture = Image.fromarray(np.clip(painted, 0, 255).astype(np.uint8))
        return upscale_patch(
            picture, self._left + _MARGIN_PX, self._top + _MARGIN_PX, _MARGIN_PX, SUPERSAMPLE
        )

    def _warped_skin(self, upper: FloatMap, lower: FloatMap, spread: float) -> FloatMap:
        """Return the skin moved away from the opening: fully at the lips, not at all at the edge."""
        lifted = self._line - upper
        fallen = lower - self._line
        up = lifted * (1 - smoothstep(upper - self._y, 0, _ABOVE * 0.8 * self._unit)) * (self._y <= upper)
        down = fallen * (1 - smoothstep(self._y - lower, 0, _BELOW * 0.75 * self._unit)) * (self._y >= lower)
        near = np.hypot((self._x - self._lips.x) / 0.42, (self._y - self._line) / 0.26) / self._unit
        aside = (self._x - self._lips.x) * np.exp(-(near**2))
        narrow = -0.2 * spread if spread < 0 else -0.07 * spread
        moved_y = self._y + (up - down) * self._inside
        return self._sampled(self._x + aside * narrow * self._inside, moved_y)

    def _sampled(self, x: FloatMap, y: FloatMap) -> FloatMap:
        height, width, _ = self._source.shape
        # The centre of pixel 0 lies between the first two pixels of the doubled source.
        fine_x = np.clip((x - self._left) * 2 + 0.5, 0, width - 1.001)
        fine_y = np.clip((y - self._top) * 2 + 0.5, 0, height - 1.001)
        column, row = fine_x.astype(np.intp), fine_y.astype(np.intp)
        right, down = (fine_x - column)[:, :, None], (fine_y - row)[:, :, None]
        above = self._source[row, column] * (1 - right) + self._source[row, column + 1] * right
        below = self._source[row + 1, column] * (1 - right) + self._source[row + 1, column + 1] * right
        return np.asarray(above * (1 - down) + below * down, np.float32)

    def _cavity(self, u: FloatMap, upper: FloatMap, lower: FloatMap, gap: float) -> FloatMap:
        depth = np.clip((self._y - upper) / max(gap, 1.0), 0, 1)
        colour = _mix(_colour(_DARK), _colour(_DEEP), smoothstep(depth, 0.15, 0.5))
        tongue = np.hypot(u / 0.62, (lower - self._y) / max(0.34 * gap, 1.0))
        colour = _mix(
            colour, _colour(_TONGUE), (1 - smoothstep(tongue, 0.6, 1.1)) * _ramp(gap / self._unit, 0.1, 0.2)
        )
        colour = colour * self._light
        if self._has_lip:
            long_px = min(0.07 * self._unit, 0.45 * gap) * (1 - 0.5 * u**2)
            teeth = 1 - smoothstep(self._y - upper, long_px - 0.8, long_px + 0.8)
            teeth = teeth * (1 - smoothstep(np.abs(u), 0.4, 0.8)) * 0.92
            bright = max(0.85, self._light) * (1 - 0.45 * u**2)
            colour = _mix(colour, _colour(_TEETH) * bright[:, :, None], teeth)
        return np.repeat(colour.mean(2, keepdims=True), 3, axis=2) if self._grey else colour


def _fits(lips: LipLine, eyes_px: float) -> bool:
    """Return whether the area around the lips lies within the frame."""
    reach = _ASIDE * eyes_px + _MARGIN_PX + 2
    beside = min(lips.x, FRAME_SIZE_PX - lips.x) > reach
    return beside and lips.y + _BELOW * eyes_px + _MARGIN_PX + 2 < FRAME_SIZE_PX


def _even(value: float) -> int:
    return round(value / 2) * 2


def _colour(values: tuple[float, float, float]) -> FloatMap:
    return np.array(values, np.float32).reshape(1, 1, 3)


def _mix(one: FloatMap, other: FloatMap, part: FloatMap) -> FloatMap:
    return np.asarray(one + (other - one) * part[:, :, None], np.float32)


def _ramp(value: float, start: float, end: float) -> np.float32:
    return np.float32(min(1.0, max(0.0, (value - start) / (end - start))))
