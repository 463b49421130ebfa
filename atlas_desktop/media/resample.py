"""Sound at a rate that differs by a little and may change all the time: a Farrow interpolator. Pure.

Source: C. W. Farrow, A continuously variable digital delay element, ISCAS 1988.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.blocks import Block

_TAPS, _ORDER, _BETA = 32, 6, 8.0
_HALF = _TAPS // 2
DELAY_SAMPLES = _HALF
"""What goes in comes out so much later: 0.33 ms."""
_DESIGN_PLACES = 64
_HOMING_SHARE = 50e-6
_PIECE = 480
"""Samples computed at once: larger products would make numpy's BLAS wake a second thread."""
_CENTRES = 64
_QUICKEST_TURN, _NEGLIGIBLE = 2.5, 1e-4
"""How far a wave of 19 kHz turns in a sample, and the share of one that may be left out."""


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


def _centred() -> NDArray[np.float32]:
    """The same polynomial around each of 65 places from 0 to 1, (places, powers, taps).

    Of what is near its centre, few powers matter.
    """
    powers = np.arange(_ORDER + 1)
    binomials = np.array([[math.comb(high, low) for high in powers] for low in powers], np.float64)
    distance = (np.arange(_CENTRES + 1) / _CENTRES - 0.5)[:, np.newaxis, np.newaxis]
    shift = binomials * distance ** np.maximum(powers - powers[:, np.newaxis], 0)
    return np.ascontiguousarray(shift @ _branches(), np.float32)


_FILTERS = _centred()


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
        pieces = [self._piece(block[at : at + _PIECE], share) for at in range(0, len(block), _PIECE)]
        return pieces[0] if len(pieces) == 1 else np.concatenate((block[:0], *pieces))

    def _piece(self, block: Block, share: float) -> Block:
        sound = np.concatenate((self._past, block))
        self._past = sound[-(_TAPS - 1) :]
        if share == 0.0 and self._place == 0.0:
            return sound[_HALF - 1 : _HALF - 1 + len(block)]
        step = 1.0 / (1.0 + (share or self._homing_share(len(block))))
        # What lies within a millionth of a sample behind the block is its own end, rounded.
        count = math.ceil((len(block) - self._place) / step - 1e-6)
        out = _interpolated(sound, self._place, step, count)
        self._place = max(0.0, self._place + step * count - len(block))
        if self._place < 1e-6:
            self._place = 0.0
        return out

    def _homing_share(self, samples: int) -> float:
        """What brings the place back to a whole sample, at once where that is slow enough."""
        least, most = self._place, 1.0 - self._place
        return min(least / samples, _HOMING_SHARE) if least < most else -min(most / samples, _HOMING_SHARE)


def _interpolated(sound: Block, place: float, step: float, count: int) -> Block:
    """What lies at ``place``, ``place + step`` and so on, (count, channels)."""
    length, channels = sound.shape
    # All channels in one row: products that overlap two of them are computed, too, and dropped. Each call
    # costs more than its numbers do.
    row = np.ascontiguousarray(sound.T, np.float32).ravel()
    out = np.empty((channels, count), np.float32)
    drift, done = step - 1.0, 0
    while done < count:
        whole, part = divmod(place + step * done, 1.0)
        samples = min(count - done, _until_next_sample(part, drift))
        filters, nearest = _filters(part, drift, samples)
        reach = length * (channels - 1) + samples
        offsets = _ramp(length, reach) * np.float32(drift) + np.float32(nearest)
        value = _horner(filters @ _windows(row[int(whole) :], reach), offsets)
        out[:, done : done + samples] = np.ndarray(
            (channels, samples), np.float32, value, strides=(length * value.itemsize, value.itemsize)
        )
        done += samples
    np.rint(out, out=out)
    return out.clip(-32768, 32767, out=out).T.astype(np.int16, order="C")


def _until_next_sample(part: float, drift: float) -> int:
    """How many places in a row lie behind samples in a row, when ``part`` grows by ``drift`` each."""
    if drift == 0.0:
        return _PIECE
    return max(1, math.ceil((1.0 - part) / drift) if drift > 0.0 else math.floor(part / -drift) + 1)


def _filters(part: float, drift: float, samples: int) -> tuple[NDArray[np.float32], float]:
    """The filters around the nearest centre, as many as matter, and how far ``part`` lies from it."""
    centre = round((part + drift * (samples - 1) / 2) * _CENTRES)
    nearest = part - centre / _CENTRES
    farthest = max(abs(nearest), abs(nearest + drift * (samples - 1)))
    needed, weight = 1, _QUICKEST_TURN * farthest
    while weight > _NEGLIGIBLE and needed <= _ORDER:
        needed += 1
        weight *= _QUICKEST_TURN * farthest / needed
    return _FILTERS[centre, :needed], nearest


@functools.lru_cache(maxsize=8)
def _ramp(length: int, reach: int) -> NDArray[np.float32]:
    """0, 1, 2 … for each channel."""
    return (np.arange(reach) % length).astype(np.float32)


def _windows(row: NDArray[np.float32], places: int) -> NDArray[np.float32]:
    """All that the taps meet, (taps, places), in one piece as BLAS likes it."""
    # What `sliding_window_view` does, at a tenth of its cost.
    view = np.ndarray((_TAPS, places), row.dtype, row, strides=(row.itemsize, row.itemsize))
    return np.ascontiguousarray(view)


def _horner(powers: NDArray[np.float32], offsets: NDArray[np.float32]) -> NDArray[np.float32]:
    value: NDArray[np.float32] = powers[-1]
    for power in powers[-2::-1]:
        value *= offsets
        value += power
    return value
