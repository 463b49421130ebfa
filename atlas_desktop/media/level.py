"""Levels of sound in dB of full scale (dBFS)."""

import math

import numpy as np
from numpy.typing import NDArray

SILENCE_DBFS = -100.0
SPEECH_DBFS = -50.0
"""Above this, RMS of one block, somebody is heard."""

_FULL_SCALE = 32768.0


def rms_dbfs(block: NDArray[np.int16]) -> float:
    """Return the block's RMS over all channels: 0 for a full-scale square wave, −100 for silence."""
    if block.size == 0:
        return SILENCE_DBFS
    samples: NDArray[np.float32] = block.ravel().astype(np.float32)
    mean_square = float(np.dot(samples, samples)) / samples.size
    if mean_square <= 0.0:
        return SILENCE_DBFS
    return max(SILENCE_DBFS, 10.0 * math.log10(mean_square / _FULL_SCALE**2))


class LevelMeter:
    """Level meter for display: rises at once, falls 20 dB in ``fall_s``. One thread writes, any reads."""

    def __init__(self, fall_s: float = 0.3) -> None:
        self._fall_db_per_s = 20.0 / fall_s
        self._level = SILENCE_DBFS

    @property
    def dbfs(self) -> float:
        """The smoothed level."""
        return self._level

    def update(self, block: NDArray[np.int16], duration_s: float) -> float:
        """Take one block that lasts ``duration_s``; return that block's own RMS in dBFS."""
        now = rms_dbfs(block)
        self._level = max(now, self._level - self._fall_db_per_s * duration_s, SILENCE_DBFS)
        return now

    def reset(self) -> None:
        """Reset to silence."""
        self._level = SILENCE_DBFS
