"""What is seen on the X screen: screenshots as arrays, taken from outside the program."""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageGrab

Box = tuple[int, int, int, int]

_CHANGED_LEVELS = 20.0


def look(env: Mapping[str, str], save: Path | None = None) -> NDArray[np.uint8]:
    """Takes a picture of the whole X screen: uint8, (height, width, 3)."""
    seen = ImageGrab.grab(xdisplay=env["DISPLAY"]).convert("RGB")
    if save is not None:
        seen.save(save)
    return np.asarray(seen)


def part(picture: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The part of ``picture`` inside ``box`` (x, y, width, height)."""
    x, y, width, height = box
    return picture[max(0, y) : y + height, max(0, x) : x + width]


def middle(box: Box, share: float = 0.5) -> Box:
    """The box in the middle of ``box`` that has ``share`` of its width and height."""
    x, y, width, height = box
    inner_width, inner_height = round(width * share), round(height * share)
    return x + (width - inner_width) // 2, y + (height - inner_height) // 2, inner_width, inner_height


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The mean absolute difference of two pictures of one size, in levels of 255."""
    return float(np.mean(np.abs(one.astype(np.int16) - other.astype(np.int16))))


def contrast(picture: NDArray[np.uint8]) -> float:
    """How much there is to see: the standard deviation of the brightness, in levels of 255."""
    return float(picture.mean(axis=2).std())


def wait_moving(env: Mapping[str, str], box: Box, timeout_s: float = 10.0) -> float:
    """Waits until what ``box`` shows has contrast and changes; returns by how much, in levels of 255."""
    deadline_s = time.monotonic() + timeout_s
    before = part(look(env), box)
    while time.monotonic() < deadline_s:
        time.sleep(0.2)
        now = part(look(env), box)
        changed = difference(before, now)
        if contrast(now) > _CHANGED_LEVELS and changed > 0.05:
            return changed
        before = now
    raise AssertionError(f"nothing moves in {box}: contrast {contrast(before):.1f}")


def wait_brighter(env: Mapping[str, str], box: Box, timeout_s: float = 20.0) -> float:
    """Waits until the dark ``box`` shows a picture; returns its CLOCK_MONOTONIC time, s."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        shown_s = time.monotonic()
        if part(look(env), box).mean() > _CHANGED_LEVELS * 2:
            return shown_s
    raise AssertionError(f"no picture in {box} within {timeout_s} s")
