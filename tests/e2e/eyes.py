"""What is seen on the X screen: screenshots as arrays, taken from outside the program."""

import subprocess
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Box = tuple[int, int, int, int]


def look(env: Mapping[str, str], save: Path | None = None) -> NDArray[np.uint8]:
    """Takes a picture of the whole X screen: uint8, (height, width, 3)."""
    png = subprocess.run(
        ["import", "-window", "root", "png:-"], env=dict(env), check=True, capture_output=True, timeout=20
    ).stdout
    if save is not None:
        save.write_bytes(png)
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def part(picture: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The part of ``picture`` inside ``box`` (x, y, width, height)."""
    x, y, width, height = box
    return picture[max(0, y) : y + height, max(0, x) : x + width]


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The mean absolute difference of two pictures of one size, in levels of 255."""
    return float(np.mean(np.abs(one.astype(np.int16) - other.astype(np.int16))))


def colourfulness(picture: NDArray[np.uint8]) -> float:
    """How far from grey a picture is: the mean spread between its channels, in levels."""
    return float(np.mean(picture.max(axis=2).astype(np.int16) - picture.min(axis=2)))
