"""Finds the line between the lips of a photographed face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from atlas_desktop.local_atlas.avatar.face_finder import FoundFace

# In distances between the eyes: where a mouth is below them, and how wide it is at rest.
_BELOW = 0.97
_SEARCH = (0.7, 1.35)
_HALF_WIDTH = 0.4
_SURE_WITHIN = 0.2
_STEEPEST, _SMILE, _FROWN = 0.2, 0.4, 0.12
_BEND = 2.0  # what a step up or down costs, in levels of brightness

Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lips:
    """The line between the lips, in pixels: a parabola around its middle, and half its length."""

    x: float
    y: float
    slope: float
    curve: float
    half_width: float

    def line(self, x: Map) -> Map:
        """How far down the line is at ``x``."""
        aside = np.clip(x - self.x, -self.half_width, self.half_width)
        return np.asarray(self.y + self.slope * aside + self.curve * aside**2, np.float32)


def find_lips(picture: Image.Image, face: FoundFace) -> Lips:
    """The line between the lips of ``face``: a dark one as a rule, with pink on both sides or below it."""
    unit = face.eyes_px
    half_width = _HALF_WIDTH * unit
    top, bottom = (round(face.y + part * unit) for part in _SEARCH)
    left, right = round(face.x - 0.5 * unit), round(face.x + 0.5 * unit)
    soft = picture.crop((left, top, right, bottom)).filter(ImageFilter.GaussianBlur(unit / 60))
    pixels = np.asarray(soft, np.float32)
    pinkness = _pinkness(pixels)
    middle = face.x - left + _aside(pinkness, unit)
    reach = 0.8 * half_width
    part = slice(max(0, round(middle - reach)), round(middle + reach))
    cost = _cost(pixels[:, part], pinkness[:, part], unit, face.y + _BELOW * unit - top)
    rows = _cheapest_path(cost).astype(np.float32)
    aside = np.arange(len(rows), dtype=np.float32) + part.start - middle
    curve, slope, row = (float(v) for v in np.polyfit(aside, rows, 2))
    slope = float(np.clip(slope, -_STEEPEST, _STEEPEST))
    curve = float(np.clip(curve, -_SMILE / half_width, _FROWN / half_width))
    return Lips(middle + left, row + top, slope, curve, half_width)


def _pinkness(pixels: NDArray[np.float32]) -> Map:
    """Skin of any colour is orange, lips are pinker than that: how much, above the middle of them all."""
    red, green, blue = pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2]
    pinkness = ((red + blue) / 2 - green) / (pixels.mean(2) + 20) * 150
    return np.asarray(pinkness - np.median(pinkness), np.float32)


def _aside(pinkness: Map, unit: float) -> float:
    """How far right of the face's middle the mouth is, as far as its pink tells: a head may be turned."""
    columns = np.clip(pinkness - 0.5 * pinkness.max(), 0, None).sum(0)
    places = np.arange(len(columns)) - len(columns) / 2
    mean = float((columns * places).sum() / (columns.sum() + 1e-6))
    return float(np.clip(0.7 * mean, -0.12 * unit, 0.12 * unit))


def _cost(pixels: NDArray[np.float32], pinkness: Map, unit: float, likely_row: float) -> Map:
    luma, white = pixels.mean(2), pixels.min(2)
    step = max(2, round(unit * 0.06))
    # Where teeth are shown, the line is between them and the lower lip, never above them.
    teeth = _rows_mean(np.clip(white - 1.18 * np.median(white), 0, 40), step // 2)
    above = _down(teeth, step)
    below = np.max([_down(teeth, -step * i) for i in range(1, 6)], axis=0)
    lower_lip = np.clip(_down(pinkness, -step), 0, 8)
    # There are lips on both sides of the line; of the shadow under them, on one.
    lips = _rows_mean(pinkness, max(2, round(unit * 0.09)))
    far = (np.arange(len(luma))[:, None] - likely_row) / (_SURE_WITHIN * unit)
    shown = 3 * np.minimum(above, 5 * lower_lip) - 2.5 * below
    return np.asarray(luma - shown - 2.5 * lips + 14 * far**2, np.float32)


def _down(values: Map, rows: int) -> Map:
    """What is ``rows`` above each place; below it, when negative."""
    moved = np.roll(values, rows, axis=0)
    moved[slice(0, rows) if rows > 0 else slice(rows, None)] = 0
    return moved


def _rows_mean(values: Map, reach: int) -> Map:
    """The mean of each place and ``reach`` rows above and below it."""
    padded = np.pad(values, ((reach + 1, reach), (0, 0)), mode="edge").cumsum(0, np.float64)
    return np.asarray((padded[2 * reach + 1 :] - padded[: -2 * reach - 1]) / (2 * reach + 1), np.float32)


def _cheapest_path(cost: Map) -> NDArray[np.intp]:
    """The row of the path from left to right that costs the least, column by column."""
    height, width = cost.shape
    total = cost[:, 0].copy()
    came = np.zeros((width, height), np.intp)
    rows = np.arange(height)
    for column in range(1, width):
        up = np.concatenate([[np.inf], total[:-1]]) + _BEND
        down = np.concatenate([total[1:], [np.inf]]) + _BEND
        ways = np.stack([up, total, down])
        choice = ways.argmin(0)
        came[column] = rows + choice - 1
        total = ways[choice, rows] + cost[:, column]
    path = np.empty(width, np.intp)
    path[-1] = total.argmin()
    for column in range(width - 1, 0, -1):
        path[column - 1] = came[column, path[column]]
    return path
