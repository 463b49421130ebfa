"""Flat patches of known colours as a picture to be sent, and how to find them again on a screen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.frames import ColourMatrix
from atlas_desktop.media.picture import colour_matrix

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "black": (0, 0, 0),
    "grey 32": (32, 32, 32),
    "grey 64": (64, 64, 64),
    "grey 96": (96, 96, 96),
    "grey 128": (128, 128, 128),
    "grey 160": (160, 160, 160),
    "grey 192": (192, 192, 192),
    "grey 224": (224, 224, 224),
    "white": (255, 255, 255),
    "red": (220, 30, 30),
    "green": (30, 180, 30),
    "blue": (30, 30, 220),
    "cyan": (40, 180, 190),
    "yellow": (220, 210, 40),
    "orange": (230, 130, 30),
    "skin, dark": (115, 82, 68),
    "skin, light": (194, 150, 130),
    "skin, pale": (241, 210, 190),
    "lips": (170, 80, 85),
    "leaf": (87, 108, 67),
}
"""Not at the edge of what a screen shows: there a wrong matrix would be clipped to the right colour."""

_ACROSS = 5
_FRAME_SHARE = 0.03
# What lies on the picture's upper edge in the program's window must not cover a patch.
_TOP_SHARE, _BOTTOM_SHARE = 0.22, 0.94
_LEFT_SHARE, _RIGHT_SHARE = 0.06, 0.94
_LOOK_PX = 4


@dataclass(frozen=True, slots=True)
class Spot:
    """The middle of a patch, in shares of the picture's width and height."""

    x: float
    y: float


def spots() -> dict[str, Spot]:
    """Where each colour is."""
    down = -(-len(COLOURS) // _ACROSS)
    width, height = (_RIGHT_SHARE - _LEFT_SHARE) / _ACROSS, (_BOTTOM_SHARE - _TOP_SHARE) / down
    places = {}
    for number, name in enumerate(COLOURS):
        row, column = divmod(number, _ACROSS)
        places[name] = Spot(_LEFT_SHARE + (column + 0.5) * width, _TOP_SHARE + (row + 0.5) * height)
    return places


def drawn(width: int, height: int) -> NDArray[np.uint8]:
    """The picture as I420, uint8 (height * 3 // 2, width), coded as BT.601 in limited range; sides even."""
    rgb = np.full((height, width, 3), (128, 128, 128), np.float64)
    edge = round(min(width, height) * _FRAME_SHARE / 2) * 2
    for side in (rgb[:edge], rgb[-edge:], rgb[:, :edge], rgb[:, -edge:]):
        side[:] = (255, 0, 255)
    down = -(-len(COLOURS) // _ACROSS)
    half_w = round((_RIGHT_SHARE - _LEFT_SHARE) / _ACROSS * width / 2)
    half_h = round((_BOTTOM_SHARE - _TOP_SHARE) / down * height / 2)
    for name, spot in spots().items():
        x, y = round(spot.x * width), round(spot.y * height)
        rgb[y - half_h : y + half_h, x - half_w : x + half_w] = COLOURS[name]
    return _coded(rgb)


def read(matrix: ColourMatrix) -> dict[str, Rgb]:
    """What the standard makes of each patch as it is sent: BT.601's numbers, read by ``matrix``."""
    read_by = {}
    for name, color in COLOURS.items():
        coded = _coded(np.full((2, 2, 3), color, np.float64)).ravel()
        exact = colour_matrix(matrix) @ (*(coded[[0, 4, 5]] / 255), 1.0)
        red, green, blue = (int(level) for level in np.clip(np.round(exact[:3] * 255), 0, 255))
        read_by[name] = (red, green, blue)
    return read_by


def _coded(rgb: NDArray[np.float64]) -> NDArray[np.uint8]:
    red, green, blue = (rgb[..., part] / 255 for part in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = [16 + 219 * luma]
    for share, weight in (((blue - luma), 1.772), ((red - luma), 1.402)):
        chroma = 128 + 224 * share / weight
        planes.append(chroma.reshape(len(rgb) // 2, 2, -1, 2).mean(axis=(1, 3)))
    flat = np.concatenate([plane.ravel() for plane in planes])
    return np.round(flat).astype(np.uint8).reshape(-1, rgb.shape[1])


def found(screen: NDArray[np.uint8]) -> dict[str, Rgb] | None:
    """The colours on a screen, uint8 (height, width, 3), red first; ``None`` where the frame is not seen."""
    red, green, blue = (screen[..., part].astype(np.int16) for part in range(3))
    is_frame = (red - green > 150) & (blue - green > 150)
    # The frame's own lines are long; a stray pixel is not one.
    rows = np.flatnonzero(is_frame.sum(axis=1) > screen.shape[1] // 8)
    columns = np.flatnonzero(is_frame.sum(axis=0) > screen.shape[0] // 8)
    if not len(rows) or not len(columns):
        return None
    left, right, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    # The upper edge may lie under something: the left one tells where it is.
    top = int(np.flatnonzero(is_frame[:, (left + right) // 2])[0])
    seen = {}
    for name, spot in spots().items():
        x, y = left + round(spot.x * (right - left)), top + round(spot.y * (bottom - top))
        patch = screen[y - _LOOK_PX : y + _LOOK_PX + 1, x - _LOOK_PX : x + _LOOK_PX + 1].reshape(-1, 3)
        red_, green_, blue_ = (int(level) for level in np.median(patch, axis=0))
        seen[name] = (red_, green_, blue_)
    return seen
