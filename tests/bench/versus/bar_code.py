"""Frame numbers as a bar code in the picture: written into I420, read off the screen's pixels.

A strip as wide as the picture: a magenta mark, 16 black or white cells, a magenta mark. The cells are the
lowest 11 bits of the number and 5 bits of check; the number is made whole again by what was sent lately.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUMBER_BITS, CHECK_BITS = 11, 5
CELLS = NUMBER_BITS + CHECK_BITS
PERIOD = 1 << NUMBER_BITS
_PARTS = CELLS + 2
_MAGENTA = (107, 202, 222)  # Y, Cb, Cr; BT.601 limited range
_WHITE, _BLACK = 235, 16
_TOP_SHARE, _HEIGHT_SHARE = 0.74, 0.08
_CHECK_FACTOR, _CHECK_PRIME = 7, 31
_SCAN_ROWS_PX, _SCAN_COLUMNS_PX = 12, 6

Rgb = NDArray[np.uint8]
"""uint8, (height, width, 3 or more): red, green, blue first."""


def cells_of(number: int) -> NDArray[np.bool_]:
    """The cells of ``number``, white ones true."""
    low = number % PERIOD
    word = low << CHECK_BITS | _check(low)
    return np.array([word >> (CELLS - 1 - bit) & 1 for bit in range(CELLS)], bool)


def number_in(cells: NDArray[np.bool_]) -> int | None:
    """The number that the cells say; none where the check does not fit."""
    word = int("".join("1" if cell else "0" for cell in cells), 2)
    low = word >> CHECK_BITS
    return low if _check(low) == word & (1 << CHECK_BITS) - 1 else None


def made_whole(low: int, newest: int) -> int:
    """The whole number with these lowest bits that is nearest to ``newest``."""
    ahead = (low - newest + PERIOD // 2) % PERIOD - PERIOD // 2
    return newest + ahead


def draw(picture: NDArray[np.uint8], number: int) -> None:
    """Writes ``number`` into an I420 picture, uint8 (height * 3 // 2, width)."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    top, tall = _even(height * _TOP_SHARE), _even(height * _HEIGHT_SHARE)
    edges = [_even(width * part / _PARTS) for part in range(_PARTS)] + [width]
    widths = np.diff(edges)
    luma = [_MAGENTA[0], *np.where(cells_of(number), _WHITE, _BLACK), _MAGENTA[0]]
    picture[top : top + tall, :] = np.repeat(np.array(luma, np.uint8), widths)
    planes = picture[height:].reshape(2, height // 2, width // 2)
    for plane, colour in zip(planes, _MAGENTA[1:], strict=True):
        row = np.array([colour, *[128] * CELLS, colour], np.uint8)
        plane[top // 2 : (top + tall) // 2, :] = np.repeat(row, widths // 2)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bar code is on the screen: the row to read, and the strip's left and right end, in pixels."""

    row: int
    left: int
    right: int

    @property
    def columns(self) -> NDArray[np.intp]:
        """The middles of the cells."""
        part = (self.right - self.left) / _PARTS
        return np.asarray(self.left + (np.arange(CELLS) + 1.5) * part, np.intp)

    @property
    def width(self) -> int:
        return self.right - self.left


def find(screen: Rgb) -> Place | None:
    """Looks for a bar code on the screen: for the two magenta marks at the ends of one strip."""
    few = _is_magenta(screen[::_SCAN_ROWS_PX, ::_SCAN_COLUMNS_PX])
    rows = np.flatnonzero(few.sum(axis=1) >= 2)
    if not len(rows):
        return None
    row = int(rows[len(rows) // 2]) * _SCAN_ROWS_PX
    marks = np.flatnonzero(_is_magenta(screen[row]))
    gaps = np.diff(marks)
    if not len(gaps) or gaps.max() < _PARTS:
        return None
    place = Place(row, int(marks[0]), int(marks[-1]) + 1)
    return place if read(screen, place) is not None else None


def read(screen: Rgb, place: Place) -> int | None:
    """The number shown at ``place``; none where there is none to be read."""
    levels = screen[place.row, place.columns, 1]
    return number_in(levels > 127)


def _is_magenta(pixels: Rgb) -> NDArray[np.bool_]:
    red, green, blue = (pixels[..., part].astype(np.int16) for part in range(3))
    found: NDArray[np.bool_] = (red - green > 110) & (blue - green > 110) & (abs(red - blue) < 70)
    return found


def _check(low: int) -> int:
    # Weighted by place: two swapped bits, as in a picture half painted, change it.
    return (
        sum((bit + 1) * _CHECK_FACTOR * (low >> bit & 1) for bit in range(NUMBER_BITS)) + 11
    ) % _CHECK_PRIME


def _even(value: float) -> int:
    return round(value / 2) * 2
