"""Loudness of clips by EBU R128: measured, and brought to one target.

Measured is what goes out: one channel, which counts once (ITU-R BS.1770).
"""

import math

import numpy as np

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Samples, no_samples
from atlas_desktop.media.graphs import MonoGraph

TARGET_LUFS = -16.0
"""For speech on computers and phones; podcasts and video platforms use it, give or take 2."""
MOST_GAIN_DB = 20.0
"""Nothing is amplified by more: a file of mere noise stays quiet."""
RISE_DB_PER_S = 1.0
FALL_DB_PER_S = 3.0
"""Slower than a speaker's own swell; what turns out too loud is corrected faster than what is too quiet."""
PEAK_DBFS = -2.0
"""Of a sample. Between the samples speech and music rise less than 1 dB higher: −1 dBTP, as EBU R128 asks."""

_NOTHING_LUFS = -70.0
# Peak to peak, full scale 2.0. Less is inaudible even when amplified; a constant is loud for the meter alone.
_LEAST_SWING = 0.0001
# Less is inaudible at the level of the file.
_SOFT_SWING = 0.003
_SHORTEST_SAMPLES = SAMPLE_RATE_HZ * 4 // 10
_PADDED_SAMPLES = SAMPLE_RATE_HZ
# Many packets at once: a graph's work is little, but each call of it costs as much as 30 ms of sound.
_BATCH_SAMPLES = SAMPLE_RATE_HZ // 2

_HEARD = 0.001  # −60 dBFS: before that, nobody notices a change of gain
_ATTACK_MS = 5
_RELEASE_MS = 50


def is_audible(swing: float, loudness_lufs: float | None = None) -> bool:
    """Return whether sound of that peak-to-peak swing can be heard; of known loudness, it is amplified."""
    return swing >= (_LEAST_SWING if loudness_lufs is not None else _SOFT_SWING)


def gain_db(loudness_lufs: float | None) -> float:
    """Return the gain that brings a clip to ``TARGET_LUFS``; 0 for one of unknown loudness, or silent."""
    return 0.0 if loudness_lufs is None else min(MOST_GAIN_DB, TARGET_LUFS - loudness_lufs)


class LoudnessMeter:
    """Integrated, gated loudness of the samples added, by FFmpeg's ``ebur128``. One thread at a time."""

    def __init__(self) -> None:
        self._graph = MonoGraph(("ebur128", "metadata=1:framelog=quiet"))
        self._batch: list[Samples] = []
        self._waiting = 0
        self._seen = 0
        self._head = no_samples()
        self._lufs = _NOTHING_LUFS

    @property
    def lufs(self) -> float | None:
        """So far; ``None`` while all was silence (below −70 LUFS)."""
        return self._lufs if self._lufs > _NOTHING_LUFS else None

    def add(self, samples: Samples) -> None:
        """Add samples, any number; they must be finite."""
        self._batch.append(samples)
        self._waiting += len(samples)
        if self._waiting >= _BATCH_SAMPLES:
            self._measure()

    def finish(self) -> float | None:
        """Return the loudness of everything; nothing can be added afterwards.

        The standard measures windows of 400 ms: a shorter clip is measured as if it were repeated.
        """
        self._measure()
        if 0 < self._seen < _SHORTEST_SAMPLES:
            self.add(np.resize(self._head, _PADDED_SAMPLES - self._seen))
            self._measure()
        return self.lufs

    def _measure(self) -> None:
        whole = np.concatenate((no_samples(), *self._batch))
        self._batch, self._waiting = [], 0
        if self._seen < _SHORTEST_SAMPLES:
            self._head = np.concatenate((self._head, whole[: _SHORTEST_SAMPLES - self._seen]))
        self._seen += len(whole)
        for frame in self._graph.push(whole):
            self._lufs = float(frame.metadata.get("lavfi.r128.I", self._lufs))


class Leveller:
    """A gain that approaches its target slowly, and a look-ahead limiter behind it (FFmpeg's ``alimiter``).

    As many samples come out as went in, some 5 ms later; ``flush`` returns the last ones. One thread.
    """

    def __init__(self) -> None:
        self._gain_db = 0.0
        self._heard = False
        self._limiter = _make_limiter()

    @property
    def gain_db(self) -> float:
        """The gain applied now."""
        return self._gain_db

    def level(self, samples: Samples, target_db: float) -> Samples:
        """Take the next samples, moving the gain towards ``target_db``; return those that are ready."""
        if not self._heard:
            self._gain_db = target_db
            self._heard = bool(len(samples)) and float(np.abs(samples).max()) > _HEARD
        return self._limited(self._amplified(samples, target_db))

    def flush(self) -> Samples:
        """Return the rest; what comes next is from another place in the clip, at the same gain."""
        rest = self._limited(None)
        self._limiter = _make_limiter()
        return rest

    def _amplified(self, samples: Samples, target_db: float) -> Samples:
        duration_s = len(samples) / SAMPLE_RATE_HZ
        before_db = self._gain_db
        step_db = min(RISE_DB_PER_S * duration_s, max(-FALL_DB_PER_S * duration_s, target_db - before_db))
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
