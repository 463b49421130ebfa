"""Idle motion of the head: blinks, glances, breathing and a slow sway; speech adds nods."""

import math
import random
from dataclasses import dataclass

from atlas_desktop.local_atlas.interfaces import FRAME_RATE_HZ

_BLINK_S = (2.0, 6.0)  # between blinks
_DOUBLE_BLINK = 0.15  # probability
# By frame: lids close faster than they open, 200 ms in all.
_BLINK_LIDS = (0.5, 1.0, 1.0, 0.75, 0.25)
_GLANCE_S = (1.2, 4.0)  # between glances
# Most often at the viewer.
_GLANCES = ((0, 0), (0, 0), (0, 0), (-5, 0), (5, 0), (-3, -2), (4, 1), (0, 2))
_GLANCE_RATE = 0.6


@dataclass(frozen=True, slots=True)
class HeadPose:
    """The pose of a head, in pixels of the 512 px frame unless stated otherwise.

    Attributes:
        shift_px: To the right.
        lift_px: Downwards.
        tilt: Radians, clockwise.
        turn_px: How much further right than its edge the middle of the face is.
        nod_px: How much further down than its edge the middle of the face is.
        brows_px: How far the brows are raised.
        breath_px: How far the shoulders are raised.
        lids: 0 open to 1 closed.
        gaze: Of the irises: right and down, in steps of half a pixel.
    """

    shift_px: float = 0.0
    lift_px: float = 0.0
    tilt: float = 0.0
    turn_px: float = 0.0
    nod_px: float = 0.0
    brows_px: float = 0.0
    breath_px: float = 0.0
    lids: float = 0.0
    gaze: tuple[int, int] = (0, 0)


class HeadMotion:
    """Generates poses, 25 a second. Thread: one."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - not for cryptography
        self._phases = [self._random.uniform(0, 2 * math.pi) for _ in range(12)]
        self._blink: list[float] = []
        self._next_blink_s = self._random.uniform(1.0, _BLINK_S[1] / 2)
        self._next_glance_s = self._random.uniform(*_GLANCE_S)
        self._glance: tuple[int, int] = (0, 0)
        self._gaze = (0.0, 0.0)
        self._stress = 0.0
        self._nod = 0.0

    def pose(self, index: int, loudness: float) -> HeadPose:
        """Return the pose of frame ``index`` while the avatar speaks with ``loudness``, 0 to 1."""
        now_s = index / FRAME_RATE_HZ
        # Stressed syllables nod the head and raise the brows, slower than the mouth moves.
        self._stress += (loudness - self._stress) * (0.16 if loudness > self._stress else 0.05)
        self._nod += (max(0.0, loudness - self._stress) - self._nod) * 0.25
        gain = 1.0 + 0.9 * self._stress
        return HeadPose(
            shift_px=gain * (2.4 * self._wave(0, 0.13, now_s) + 1.0 * self._wave(1, 0.31, now_s)),
            lift_px=gain * 1.3 * self._wave(2, 0.21, now_s) + 5.0 * self._nod,
            tilt=gain * (0.010 * self._wave(3, 0.11, now_s) + 0.005 * self._wave(4, 0.27, now_s)),
            turn_px=gain * (2.2 * self._wave(5, 0.12, now_s) + 0.9 * self._wave(6, 0.33, now_s)),
            nod_px=gain * 0.9 * self._wave(7, 0.17, now_s) + 4.0 * self._nod,
            brows_px=2.6 * self._stress * (0.6 + 0.4 * self._wave(8, 0.4, now_s)) + 3.0 * self._nod,
            breath_px=1.6 * (0.5 + 0.5 * self._wave(9, 0.24, now_s)),
            lids=self._next_lids(now_s),
            gaze=self._next_gaze(now_s),
        )

    def _wave(self, number: int, rate_hz: float, now_s: float) -> float:
        return math.sin(2 * math.pi * rate_hz * now_s + self._phases[number])

    def _next_lids(self, now_s: float) -> float:
        if now_s >= self._next_blink_s:
            self._blink = list(_BLINK_LIDS)
            again = self._random.random() < _DOUBLE_BLINK
            self._next_blink_s = now_s + (0.4 if again else self._random.uniform(*_BLINK_S))
        return self._blink.pop(0) if self._blink else 0.0

    def _next_gaze(self, now_s: float) -> tuple[int, int]:
        if now_s >= self._next_glance_s:
            self._glance = self._random.choice(_GLANCES)
            self._next_glance_s = now_s + self._random.uniform(*_GLANCE_S)
        x, y = self._gaze
        self._gaze = (x + (self._glance[0] - x) * _GLANCE_RATE, y + (self._glance[1] - y) * _GLANCE_RATE)
        return round(self._gaze[0]), round(self._gaze[1])
