"""Finds the face in a picture: a cascade of small tests, most of which only a face that looks at us passes.

Source: the local binary patterns of a 24×24 window, as OpenCV's ``CascadeClassifier`` reads them; the
numbers come from there too (resources/detector).
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from atlas_desktop.assets import resources_dir

_SEARCH_PX = 200
_SHRINK = 1.15
_SAME_FACE = 0.35
_HITS_NEEDED = 5  # chance fires alone
# In widths of the window that the cascade fires at.
_EYES_Y, _EYES_APART = 0.38, 0.43

Sums = NDArray[np.int32]
Hits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face, in pixels of the picture: the point between the eyes, and how far these are apart."""

    x: float
    y: float
    eyes_px: float


def find_face(picture: Image.Image) -> FoundFace | None:
    """The clearest, largest face of a picture, if it shows one. Thread: any; about 60 ms."""
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
    return _clearest(np.concatenate(windows).astype(np.float32)) if windows else None


def _clearest(windows: Hits) -> FoundFace | None:
    """Of left, top, width a row: the mean of those that agree the most."""
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
    if votes[best] < _HITS_NEEDED:
        return None
    left_px, top_px, width_px = (float(v) for v in windows[near[best]].mean(0))
    return FoundFace(left_px + width_px / 2, top_px + _EYES_Y * width_px, _EYES_APART * width_px)


@dataclass(frozen=True, slots=True)
class _Test:
    """A square's eight neighbours compared with it: ``left, top, width, height`` of the first of the nine."""

    box: tuple[int, int, int, int]
    passes: NDArray[np.float32]
    """What each of the 256 outcomes is worth."""

    def worth(self, sums: Sums, x: NDArray[np.intp], y: NDArray[np.intp]) -> NDArray[np.float32]:
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
        return self.passes[code]


class _Cascade:
    """Stages of tests; a window that fails one is out."""

    def __init__(self, numbers: dict[str, Any]) -> None:
        self.window_px = int(numbers["window_px"])
        self._stages = [
            (float(stage["threshold"]), [_test(*test) for test in stage["tests"]])
            for stage in numbers["stages"]
        ]

    def hits(self, luma: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Left and top of every window of a picture that shows a face."""
        sums = np.pad(luma, ((1, 0), (1, 0))).cumsum(0, np.int32).cumsum(1, np.int32)
        height, width = luma.shape
        y, x = np.mgrid[0 : height - self.window_px + 1, 0 : width - self.window_px + 1]
        x, y = x.reshape(-1), y.reshape(-1)
        for threshold, tests in self._stages:
            worth = sum((test.worth(sums, x, y) for test in tests), np.zeros(len(x), np.float32))
            stays = worth >= threshold
            x, y = x[stays], y[stays]
        return x, y


def _test(box: list[int], subset: list[int], leaves: list[float]) -> _Test:
    bits = [subset[code >> 5] >> (code & 31) & 1 for code in range(256)]
    worth = [leaves[0] if bit else leaves[1] for bit in bits]
    return _Test((box[0], box[1], box[2], box[3]), np.array(worth, np.float32))


@cache
def _cascade() -> _Cascade:
    numbers = (resources_dir() / "detector" / "frontal-face.json").read_text("utf-8")
    return _Cascade(json.loads(numbers))
