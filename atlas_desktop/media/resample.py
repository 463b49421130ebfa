"""Sound at a rate that differs by a little and may change all the time: a Farrow interpolator. Pure.

Source: C. W. Farrow, A continuously variable digital delay element, ISCAS 1988.
"""

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.blocks import Block

_TAPS, _ORDER, _BETA = 32, 6, 8.0
_HALF = _TAPS // 2
DELAY_SAMPLES = _HALF
"""What goes in comes out so much later: 0.33 ms."""
_DESIGN_PLACES = 64
_HOMING_SHARE = 50e-6
_PIECE = 1_000
"""Larger products would make numpy's BLAS wake a second thread, which costs more than it brings."""


def _branches() -> NDArray[np.float32]:
    """The filters of the polynomial's powers, (powers, taps): a windowed sinc as a function of its place.

    Fitted on Chebyshev's places; those of whole samples weigh so much that they are met exactly.
    """
    inner = (1 - np.cos(np.pi * (np.arange(_DESIGN_PLACES) + 0.5) / _DESIGN_PLACES)) / 2
    places = np.concatenate((inner, (0.0, 1.0)))
    weights = np.concatenate((np.ones(_DESIGN_PLACES), (1e3, 1e3)))[:, np.newaxis]
    distance = np.arange(_TAPS) - (_HALF - 1) - places[:, np.newaxis]
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (distance / _HALF) ** 2, 0, 1)))
    kernels = np.sinc(distance) * window
    kernels /= kernels.sum(axis=1, keepdims=True)
    powers = np.vander(places - 0.5, _ORDER + 1, increasing=True)
    return np.linalg.lstsq(powers * weights, kernels * weights, rcond=None)[0].astype(np.float32)


_BRANCHES = _branches()


class Resampler:
    """Makes sound longer or shorter by ``share``, which may differ from block to block. One thread.

    With nothing to change the sound passes bit by bit, 16 samples late: what is left of a fraction of a
    sample is given back within half a second, by a rate that nobody hears. Flat to 20 kHz; what it adds
    stays below −90 dBFS.
    """

    def __init__(self, channels: int = 2) -> None:
        self._channels = channels
        self._past: Block = np.zeros((_TAPS - 1, channels), np.int16)
        self._place = 0.0

    def resample(self, block: Block, share: float) -> Block:
        """``block``, int16 (samples, channels), with ``share`` more samples (+) or fewer (−)."""
        if len(block) == 0:
            return block
        sound = np.concatenate((self._past, block))
        self._past = sound[-(_TAPS - 1) :]
        if share == 0.0 and self._place == 0.0:
            return sound[_HALF - 1 : _HALF - 1 + len(block)]
        step = 1.0 / (1.0 + (share or self._homing_share(len(block))))
        # What lies within a millionth of a sample behind the block is its own end, rounded.
        count = int(np.ceil((len(block) - self._place) / step - 1e-6))
        places = self._place + step * np.arange(count, dtype=np.float64)
        self._place = max(0.0, self._place + step * count - len(block))
        if abs(self._place) < 1e-6:
            self._place = 0.0
        return _interpolated(sound, places)

    def _homing_share(self, samples: int) -> float:
        """What brings the place back to a whole sample, at once where that is slow enough."""
        least, most = self._place, 1.0 - self._place
        return min(least / samples, _HOMING_SHARE) if least < most else -min(most / samples, _HOMING_SHARE)


def _interpolated(sound: Block, places: NDArray[np.floating]) -> Block:
    whole = places.astype(np.intp)
    part = (places - whole - 0.5).astype(np.float32)
    out = np.empty((len(places), sound.shape[1]), np.float32)
    for first in range(0, len(places), _PIECE):
        piece = slice(first, first + _PIECE)
        starts = whole[piece]
        columns = np.ascontiguousarray(sound[starts[0] : starts[-1] + _TAPS].T, np.float32)
        if _is_mono(columns):
            columns = columns[:1]
        for channel, column in enumerate(columns):
            powers = (_BRANCHES @ _windows(column)).take(starts - starts[0], axis=1)
            # One voice on both sides is reckoned once.
            out[piece, channel:] = _horner(powers, part[piece])[:, np.newaxis]
    clipped: NDArray[np.float32] = np.clip(np.rint(out), -32768, 32767)
    return clipped.astype(np.int16)


def _is_mono(columns: NDArray[np.float32]) -> bool:
    return len(columns) > 1 and all(np.array_equal(columns[0], other) for other in columns[1:])


def _windows(column: NDArray[np.float32]) -> NDArray[np.float32]:
    """All that the taps meet, (taps, places), in one piece as BLAS likes it."""
    places, step = len(column) - _TAPS + 1, column.itemsize
    # What `sliding_window_view` does, at a tenth of its cost.
    view = np.ndarray((_TAPS, places), column.dtype, column, strides=(step, step))
    return np.ascontiguousarray(view)


def _horner(powers: NDArray[np.float32], part: NDArray[np.float32]) -> NDArray[np.float32]:
    value: NDArray[np.float32] = powers[-1]
    for power in powers[-2::-1]:
        value = value * part + power
    return value
