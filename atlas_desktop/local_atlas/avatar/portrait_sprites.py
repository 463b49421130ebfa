"""Mouths of a photographed face: its own lips drawn apart, and what is seen between them."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from atlas_desktop.local_atlas.avatar.enlarging import patch_of
from atlas_desktop.local_atlas.avatar.lips import Lips
from atlas_desktop.local_atlas.avatar.mouth import Consonant, Mouth
from atlas_desktop.local_atlas.avatar.planes import SUPERSAMPLE, Patch
from atlas_desktop.local_atlas.avatar.sprites import nearest
from atlas_desktop.local_atlas.stage import PICTURE_SIZE_PX

_MARGIN_PX = 4
_OPEN = (0.0, 0.12, 0.26, 0.42, 0.6, 0.8, 1.0)
_SPREAD = (-1.0, 0.0, 1.0)
# In distances between the eyes.
_ABOVE, _BELOW, _ASIDE = 0.36, 1.05, 0.72
_GAP = 0.23
_UPPER_SHARE = 0.16  # the upper lip takes part of the way, the jaw the rest
_TEETH = (228.0, 220.0, 210.0)
_DARK, _DEEP, _TONGUE = (58.0, 22.0, 24.0), (26.0, 9.0, 11.0), (152.0, 70.0, 70.0)
# Of a lip, compared with the cheek: teeth are less red and brighter, an open mouth is darker.
_LIP_REDNESS = 0.8
_LIP_LIGHT = (0.42, 0.95)

Map = NDArray[np.float32]


class PortraitSprites:
    """Mouths of a photograph, made once. Thread: any; its eyes don't move."""

    def __init__(self, picture: Image.Image, lips: Lips, eyes_px: float) -> None:
        artist = _Artist(picture, lips, eyes_px)
        self._grid = [[artist.mouth(opening, spread) for spread in _SPREAD] for opening in _OPEN]

    def mouth(self, mouth: Mouth, warmth: float) -> Patch:
        """The mouth nearest to what was asked for; a photograph smiles as it does."""
        del warmth
        opening = 0.0 if mouth.consonant is Consonant.CLOSED else mouth.opening
        return self._grid[nearest(_OPEN, opening)][nearest(_SPREAD, mouth.spread)]

    def eyes(self, lids: float, gaze: tuple[int, int]) -> Patch | None:
        """None: a photograph keeps its own."""
        del lids, gaze
        return None


class _Artist:
    """Draws the mouths of one photograph: all arrays are (rows, columns) of the place around the lips."""

    def __init__(self, picture: Image.Image, lips: Lips, eyes_px: float) -> None:
        self._lips, self._unit = lips, eyes_px
        left, right = (_even(lips.x + side * _ASIDE * eyes_px) for side in (-1, 1))
        top, bottom = _even(lips.y - _ABOVE * eyes_px), _even(lips.y + _BELOW * eyes_px)
        self._left, self._top = left - _MARGIN_PX, top - _MARGIN_PX
        box = (self._left, self._top, right + _MARGIN_PX, bottom + _MARGIN_PX)
        twice = (2 * (box[2] - box[0]), 2 * (box[3] - box[1]))
        # Sampled at twice the size, so that bending does not blur.
        self._source = np.asarray(picture.resize(twice, Image.Resampling.BICUBIC, box), np.float32)
        y, x = np.mgrid[box[1] : box[3], box[0] : box[2]].astype(np.float32)
        self._x, self._y, self._line = x, y, lips.line(x)
        edge = np.minimum(np.minimum(x - left, right - 1 - x), np.minimum(y - top, bottom - 1 - y))
        self._inside = _rise(edge, 0, 0.2 * eyes_px)
        pixels = np.asarray(picture, np.float32)
        around = pixels[box[1] : box[3], box[0] : box[2]]
        self._light = float(np.clip(np.percentile(around.max(2), 90) / 220, 0.55, 1.05))
        self._has_lip = self._shows_lip(pixels)
        self._grey = float(np.abs(around - around.mean(2, keepdims=True)).mean()) < 2

    def _shows_lip(self, pixels: Map) -> bool:
        """Whether the picture has a lip above the line, rather than teeth or an open mouth."""
        lips, unit = self._lips, self._unit
        left, right = round(lips.x - 0.2 * unit), round(lips.x + 0.2 * unit) + 1
        above = pixels[round(lips.y - 0.1 * unit) : round(lips.y - 0.02 * unit) + 1, left:right]
        cheeks = pixels[round(lips.y - 0.6 * unit) : round(lips.y - 0.45 * unit) + 1]
        skin = cheeks[:, round(lips.x + 0.3 * unit) : round(lips.x + 0.55 * unit) + 1]
        redness = [float(part[:, :, 0].mean() / (part[:, :, 1:].mean() + 1)) for part in (above, skin)]
        light = float(above.mean()) / float(skin.mean() + 1)
        return redness[0] > _LIP_REDNESS * redness[1] and _LIP_LIGHT[0] < light < _LIP_LIGHT[1]

    def mouth(self, opening: float, spread: float) -> Patch:
        gap = opening * _GAP * self._unit
        width = self._lips.half_width * (1 + (0.1 if spread > 0 else 0.28) * spread)
        u = (self._x - self._lips.x) / width
        lens = np.clip(1 - u**2, 0, 1) ** 0.8 * gap
        upper = self._line - _UPPER_SHARE * lens
        lower = self._line + (1 - _UPPER_SHARE) * lens
        skin = self._bent(upper, lower, spread)
        cover = np.clip(self._y - upper + 0.5, 0, 1) * np.clip(lower - self._y + 0.5, 0, 1)
        cover = cover * np.clip(lens / 1.6, 0, 1)
        drawn = skin + (self._cavity(u, upper, lower, gap) - skin) * cover[:, :, None]
        picture = Image.fromarray(np.clip(drawn, 0, 255).astype(np.uint8))
        return patch_of(picture, self._left + _MARGIN_PX, self._top + _MARGIN_PX, _MARGIN_PX, SUPERSAMPLE)

    def _bent(self, upper: Map, lower: Map, spread: float) -> Map:
        """The skin, moved away from the gap: all of it at the lips, nothing at the edge."""
        lifted = self._line - upper
        fallen = lower - self._line
        up = lifted * (1 - _rise(upper - self._y, 0, _ABOVE * 0.8 * self._unit)) * (self._y <= upper)
        down = fallen * (1 - _rise(self._y - lower, 0, _BELOW * 0.75 * self._unit)) * (self._y >= lower)
        near = np.hypot((self._x - self._lips.x) / 0.42, (self._y - self._line) / 0.26) / self._unit
        aside = (self._x - self._lips.x) * np.exp(-(near**2))
        narrow = -0.2 * spread if spread < 0 else -0.07 * spread
        moved_y = self._y + (up - down) * self._inside
        return self._sampled(self._x + aside * narrow * self._inside, moved_y)

    def _sampled(self, x: Map, y: Map) -> Map:
        height, width, _ = self._source.shape
        # The middle of pixel 0 lies between the first two of the finer ones.
        fine_x = np.clip((x - self._left) * 2 + 0.5, 0, width - 1.001)
        fine_y = np.clip((y - self._top) * 2 + 0.5, 0, height - 1.001)
        column, row = fine_x.astype(np.intp), fine_y.astype(np.intp)
        right, down = (fine_x - column)[:, :, None], (fine_y - row)[:, :, None]
        above = self._source[row, column] * (1 - right) + self._source[row, column + 1] * right
        below = self._source[row + 1, column] * (1 - right) + self._source[row + 1, column + 1] * right
        return np.asarray(above * (1 - down) + below * down, np.float32)

    def _cavity(self, u: Map, upper: Map, lower: Map, gap: float) -> Map:
        depth = np.clip((self._y - upper) / max(gap, 1.0), 0, 1)
        colour = _mix(_colour(_DARK), _colour(_DEEP), _rise(depth, 0.15, 0.5))
        tongue = np.hypot(u / 0.62, (lower - self._y) / max(0.34 * gap, 1.0))
        colour = _mix(
            colour, _colour(_TONGUE), (1 - _rise(tongue, 0.6, 1.1)) * _ramp(gap / self._unit, 0.1, 0.2)
        )
        colour = colour * self._light
        if self._has_lip:
            long_px = min(0.07 * self._unit, 0.45 * gap) * (1 - 0.5 * u**2)
            teeth = 1 - _rise(self._y - upper, long_px - 0.8, long_px + 0.8)
            teeth = teeth * (1 - _rise(np.abs(u), 0.4, 0.8)) * 0.92
            bright = max(0.85, self._light) * (1 - 0.45 * u**2)
            colour = _mix(colour, _colour(_TEETH) * bright[:, :, None], teeth)
        return np.repeat(colour.mean(2, keepdims=True), 3, axis=2) if self._grey else colour


def fits(lips: Lips, eyes_px: float) -> bool:
    """Whether the place around the lips lies within the picture."""
    reach = _ASIDE * eyes_px + _MARGIN_PX + 2
    beside = min(lips.x, PICTURE_SIZE_PX - lips.x) > reach
    return beside and lips.y + _BELOW * eyes_px + _MARGIN_PX + 2 < PICTURE_SIZE_PX


def _even(value: float) -> int:
    return round(value / 2) * 2


def _colour(values: tuple[float, float, float]) -> Map:
    return np.array(values, np.float32).reshape(1, 1, 3)


def _mix(one: Map, other: Map, part: Map) -> Map:
    return np.asarray(one + (other - one) * part[:, :, None], np.float32)


def _ramp(value: float, start: float, end: float) -> np.float32:
    return np.float32(min(1.0, max(0.0, (value - start) / (end - start))))


def _rise(values: Map, start: float | Map, end: float | Map) -> Map:
    """0 below ``start``, 1 above ``end``, smooth between."""
    t = np.clip((values - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
