"""Detection of the face in a picture, and of the line between its lips.

The face is found by a cascade of local binary patterns in a 24×24 window. Source: OpenCV's
``CascadeClassifier`` and its trained frontal-face model (resources/detector).
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from atlas_desktop.assets import resources_dir
from atlas_desktop.local_atlas.avatar.face_model import FloatMap

_SEARCH_PX = 200  # longer side of the finest level of the image pyramid
_SHRINK = 1.15  # from level to level
_SAME_FACE = 0.35  # windows closer than that, relative to their size, show the same face
_MIN_HITS = 5  # a false detection has few neighbours
# In widths of the detected window.
_EYES_Y, _EYES_APART = 0.38, 0.43
# In distances between the eyes: where a mouth is below them, and how wide it is at rest.
_MOUTH_BELOW = 0.97
_MOUTH_RANGE = (0.7, 1.35)
_MOUTH_HALF_WIDTH = 0.4
_PRIOR_WIDTH = 0.2  # how far from its usual place a mouth still is without much cost
_MAX_SLOPE, _MAX_SMILE, _MAX_FROWN = 0.2, 0.4, 0.12
_STEP_COST = 2.0  # of one row up or down, in levels of brightness

Sums = NDArray[np.int32]
Hits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A detected face, in pixels: the point between the eyes, and their distance."""

    x: float
    y: float
    eyes_px: float


def detect_face(picture: Image.Image) -> DetectedFace | None:
    """Return the clearest, largest face of a picture, if any. Thread: any; about 60 ms."""
    shrink = max(picture.size) / _SEARCH_PX
    windows = []
    cascade, grey = _cascade(), picture.convert("L")
    while min(picture.size) / shrink >= cascade.window_px:
        size = (round(picture.width / shrink), round(picture.height / shrink))
        small = grey.resize(size, Image.Resampling.BOX)
        x, y = cascade.hits(np.asarray(small, np.int32))
        width = np.full(len(x), cascade.window_px)
        windows.append(np.stack([x, y, width], axis=1) * shrink)
        shrink *= _SHRINK
    return _best_cluster(np.concatenate(windows).astype(np.float32)) if windows else None


def _best_cluster(windows: Hits) -> DetectedFace | None:
    """Return the mean of the largest cluster of windows (rows of left, top, width)."""
    if not len(windows):
        return None
    left, top, width = windows.T
    near = (
        (np.abs((left + width / 2)[:, None] - (left + width / 2)) < _SAME_FACE * width / 2)
        & (np.abs((top + width / 2)[:, None] - (top + width / 2)) < _SAME_FACE * width / 2)
        & (np.abs(np.log(width[:, None] / width)) < _SAME_FACE)
    )
    votes = near.sum(1)
    best = int((votes * width).argmax())
    if votes[best] < _MIN_HITS:
        return None
    left_px, top_px, width_px = (float(v) for v in windows[near[best]].mean(0))
    return DetectedFace(left_px + width_px / 2, top_px + _EYES_Y * width_px, _EYES_APART * width_px)


@dataclass(frozen=True, slots=True)
class _PatternTest:
    """Compares a cell with its eight neighbours; ``box`` is (left, top, width, height) of the first."""

    box: tuple[int, int, int, int]
    scores: NDArray[np.float32]
    """Score of each of the 256 patterns."""

    def score(self, sums: Sums, x: NDArray[np.intp], y: NDArray[np.intp]) -> NDArray[np.float32]:
        left, top, width, height = self.box
        stride = sums.shape[1]
        flat = sums.reshape(-1)
        corner = (y + top) * stride + x + left
        grid = [[flat[corner + (i * height * stride + j * width)] for j in range(4)] for i in range(4)]
        cells = [
            [grid[i + 1][j + 1] - grid[i + 1][j] - grid[i][j + 1] + grid[i][j] for j in range(3)]
            for i in range(3)
        ]
        middle = cells[1][1]
        code = np.zeros(len(x), np.intp)
        for i, j in ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)):
            code = code * 2 + (cells[i][j] >= middle)
        return self.scores[code]


class _Cascade:
    """Stages of tests; a window that fails one is rejected."""

    def __init__(self, numbers: dict[str, Any]) -> None:
        self.window_px = int(numbers["window_px"])
        self._stages = [
            (float(stage["threshold"]), [_parse_test(*test) for test in stage["tests"]])
            for stage in numbers["stages"]
        ]

    def hits(self, luma: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return left and top of every window that shows a face."""
        sums = np.pad(luma, ((1, 0), (1, 0))).cumsum(0, np.int32).cumsum(1, np.int32)
        height, width = luma.shape
        y, x = np.mgrid[0 : height - self.window_px + 1, 0 : width - self.window_px + 1]
        x, y = x.reshape(-1), y.reshape(-1)
        for threshold, tests in self._stages:
            score = sum((test.score(sums, x, y) for test in tests), np.zeros(len(x), np.float32))
            passed = score >= threshold
            x, y = x[passed], y[passed]
        return x, y


def _parse_test(box: list[int], subset: list[int], leaves: list[float]) -> _PatternTest:
    bits = [subset[code >> 5] >> (code & 31) & 1 for code in range(256)]
    scores = [leaves[0] if bit else leaves[1] for bit in bits]
    return _PatternTest((box[0], box[1], box[2], box[3]), np.array(scores, np.float32))


@cache
def _cascade() -> _Cascade:
    numbers = (resources_dir() / "detector" / "frontal-face.json").read_text("utf-8")
    return _Cascade(json.loads(numbers))


@dataclass(frozen=True, slots=True)
class LipLine:
    """The line between the lips, in pixels: a parabola around its middle, and half its length."""

    x: float
    y: float
    slope: float
    curve: float
    half_width: float

    def y_at(self, x: FloatMap) -> FloatMap:
        """Return the height of the line at ``x``."""
        aside = np.clip(x - self.x, -self.half_width, self.half_width)
        return np.asarray(self.y + self.slope * aside + self.curve * aside**2, np.float32)


def detect_lips(picture: Image.Image, face: DetectedFace) -> LipLine:
    """Return the line between the lips of ``face``: usually dark, with pink on both sides or below it."""
    unit = face.eyes_px
    half_width = _MOUTH_HALF_WIDTH * unit
    top, bottom = (round(face.y + part * unit) for part in _MOUTH_RANGE)
    left, right = round(face.x - 0.5 * unit), round(face.x + 0.5 * unit)
    soft = picture.crop((left, top, right, bottom)).filter(ImageFilter.GaussianBlur(unit / 60))
    pixels = np.asarray(soft, np.float32)
    pinkness = _pinkness(pixels)
    middle = face.x - left + _offset(pinkness, unit)
    reach = 0.8 * half_width
    part = slice(max(0, round(middle - reach)), round(middle + reach))
    cost = _cost(pixels[:, part], pinkness[:, part], unit, face.y + _MOUTH_BELOW * unit - top)
    rows = _cheapest_path(cost).astype(np.float32)
    aside = np.arange(len(rows), dtype=np.float32) + part.start - middle
    curve, slope, row = (float(v) for v in np.polyfit(aside, rows, 2))
    slope = float(np.clip(slope, -_MAX_SLOPE, _MAX_SLOPE))
    curve = float(np.clip(curve, -_MAX_SMILE / half_width, _MAX_FROWN / half_width))
    return LipLine(middle + left, row + top, slope, curve, half_width)


def _pinkness(pixels: NDArray[np.float32]) -> FloatMap:
    """Return how much pinker than the median each pixel is: skin of any colour is orange, lips are pinker."""
    red, green, blue = pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2]
    pinkness = ((red + blue) / 2 - green) / (pixels.mean(2) + 20) * 150
    return np.asarray(pinkness - np.median(pinkness), np.float32)


def _offset(pinkness: FloatMap, unit: float) -> float:
    """Return how far right of the face's middle the mouth is, by its pink: the head may be turned."""
    columns = np.clip(pinkness - 0.5 * pinkness.max(), 0, None).sum(0)
    places = np.arange(len(columns)) - len(columns) / 2
    mean = float((columns * places).sum() / (columns.sum() + 1e-6))
    return float(np.clip(0.7 * mean, -0.12 * unit, 0.12 * unit))


def _cost(pixels: NDArray[np.float32], pinkness: FloatMap, unit: float, likely_row: float) -> FloatMap:
    luma, white = pixels.mean(2), pixels.min(2)
    step = max(2, round(unit * 0.06))
    # With visible teeth the line is between them and the lower lip, never above them.
    teeth = _rows_mean(np.clip(white - 1.18 * np.median(white), 0, 40), step // 2)
    above = _shift_rows(teeth, step)
    below = np.max([_shift_rows(teeth, -step * i) for i in range(1, 6)], axis=0)
    lower_lip = np.clip(_shift_rows(pinkness, -step), 0, 8)
    # There are lips on both sides of the line, but only on one side of the shadow below them.
    lips = _rows_mean(pinkness, max(2, round(unit * 0.09)))
    far = (np.arange(len(luma))[:, None] - likely_row) / (_PRIOR_WIDTH * unit)
    bonus = 3 * np.minimum(above, 5 * lower_lip) - 2.5 * below
    return np.asarray(luma - bonus - 2.5 * lips + 14 * far**2, np.float32)


def _shift_rows(values: FloatMap, rows: int) -> FloatMap:
    """Shift the values down by ``rows``, up when negative; what enters is 0."""
    moved = np.roll(values, rows, axis=0)
    moved[slice(0, rows) if rows > 0 else slice(rows, None)] = 0
    return moved


def _rows_mean(values: FloatMap, reach: int) -> FloatMap:
    """Return the moving average over ``reach`` rows above and below."""
    padded = np.pad(values, ((reach + 1, reach), (0, 0)), mode="edge").cumsum(0, np.float64)
    return np.asarray((padded[2 * reach + 1 :] - padded[: -2 * reach - 1]) / (2 * reach + 1), np.float32)


def _cheapest_path(cost: FloatMap) -> NDArray[np.intp]:
    """Return the row, by column, of the cheapest path from left to right (dynamic programming)."""
    height, width = cost.shape
    total = cost[:, 0].copy()
    came = np.zeros((width, height), np.intp)
    rows = np.arange(height)
    for column in range(1, width):
        up = np.concatenate([[np.inf], total[:-1]]) + _STEP_COST
        down = np.concatenate([total[1:], [np.inf]]) + _STEP_COST
        ways = np.stack([up, total, down])
        choice = ways.argmin(0)
        came[column] = rows + choice - 1
        total = ways[choice, rows] + cost[:, column]
    path = np.empty(width, np.intp)
    path[-1] = total.argmin()
    for column in range(width - 1, 0, -1):
        path[column - 1] = came[column, path[column]]
    return path
