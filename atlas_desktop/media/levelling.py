"""Makes a clip louder or quieter: the gain moves slowly, and no peak gets over the limit."""

import math

import numpy as np

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ
from atlas_desktop.media.graphs import MonoGraph, Samples, no_samples

RISE_DB_PER_S = 1.0
FALL_DB_PER_S = 3.0
"""Slower than a speaker's own swell; what turns out too loud is mended sooner than what is too quiet."""
PEAK_DBFS = -2.0
"""Of a sample. Between the samples speech and music rise less than 1 dB higher: −1 dBTP, as EBU R128 asks."""

_HEARD = 0.001  # −60 dBFS: before that, nobody can notice a change
_ATTACK_MS = 5
_RELEASE_MS = 50


class Leveller:
    """A gain that follows its aim, and a look-ahead limiter behind it (FFmpeg's ``alimiter``).

    As many samples come out as went in, some 5 ms later; ``flush`` gives the last ones. One thread.
    """

    def __init__(self) -> None:
        self._gain_db = 0.0
        self._heard = False
        self._limiter = _make_limiter()

    @property
    def gain_db(self) -> float:
        """What is applied now."""
        return self._gain_db

    def level(self, samples: Samples, aim_db: float) -> Samples:
        """Takes the next samples; the gain moves towards ``aim_db`` meanwhile."""
        if not self._heard:
            self._gain_db = aim_db
            self._heard = bool(len(samples)) and float(np.abs(samples).max()) > _HEARD
        return self._limited(self._amplified(samples, aim_db))

    def flush(self) -> Samples:
        """The rest; what is given next is of another place in the clip, at the same gain."""
        rest = self._limited(None)
        self._limiter = _make_limiter()
        return rest

    def _amplified(self, samples: Samples, aim_db: float) -> Samples:
        duration_s = len(samples) / SAMPLE_RATE_HZ
        before_db = self._gain_db
        step_db = min(RISE_DB_PER_S * duration_s, max(-FALL_DB_PER_S * duration_s, aim_db - before_db))
        self._gain_db = before_db + step_db
        if step_db == 0.0:
            return samples if before_db == 0.0 else samples * np.float32(_factor(before_db))
        gains_db = np.linspace(before_db, self._gain_db, len(samples), endpoint=False, dtype=np.float32)
        gains: Samples = np.exp(gains_db * np.float32(math.log(10) / 20))
        return samples * gains

    def _limited(self, samples: Samples | None) -> Samples:
        return np.concatenate((no_samples(), *(part.to_ndarray()[0] for part in self._limiter.push(samples))))


def _make_limiter() -> MonoGraph:
    options = f"limit={_factor(PEAK_DBFS):.4f}:attack={_ATTACK_MS}:release={_RELEASE_MS}"
    return MonoGraph(("alimiter", f"{options}:level=0:latency=1"))


def _factor(db: float) -> float:
    return float(10 ** (db / 20))
