"""How loud a clip is, as EBU R128 says, and what makes it as loud as the others.

The measure is that of what goes out: one channel, which counts once (ITU-R BS.1770).
"""

import math

import numpy as np

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ
from atlas_desktop.media.graphs import MonoGraph, Samples, no_samples

TARGET_LUFS = -16.0
"""Speech for computers and phones; what podcasts and video platforms agree on, give or take 2."""
MOST_GAIN_DB = 20.0
"""Nothing is made louder than this: a file of mere noise stays quiet."""

_NOTHING_LUFS = -70.0
# What swings less than this nobody hears, not even made louder; a constant is loud for the meter alone.
_LEAST_SWING = 0.0001
# Nor this, where it is left as it is.
_SOFT_SWING = 0.003
_SHORTEST_SAMPLES = SAMPLE_RATE_HZ * 4 // 10
_PADDED_SAMPLES = SAMPLE_RATE_HZ
# Many packets at once: a graph's work is little, but each call of it costs as much as 30 ms of sound.
_BATCH_SAMPLES = SAMPLE_RATE_HZ // 2


def is_heard(swing: float, loudness_lufs: float | None = None) -> bool:
    """Whether sound that goes up and down by so much (of 2.0), at that loudness, can be heard once spoken."""
    return swing >= (_LEAST_SWING if loudness_lufs is not None else _SOFT_SWING)


def gain_db(loudness_lufs: float | None) -> float:
    """What brings a clip to ``TARGET_LUFS``; 0 for one of which nothing is known, or that is silent."""
    return 0.0 if loudness_lufs is None else min(MOST_GAIN_DB, TARGET_LUFS - loudness_lufs)


class LoudnessMeter:
    """Integrated, gated loudness of what it was given, by FFmpeg's ``ebur128``. One thread at a time."""

    def __init__(self) -> None:
        self._graph = MonoGraph(("ebur128", "metadata=1:framelog=quiet"))
        self._batch: list[Samples] = []
        self._waiting = 0
        self._seen = 0
        self._head = no_samples()
        self._lufs = _NOTHING_LUFS
        self._lowest, self._highest = math.inf, -math.inf

    @property
    def lufs(self) -> float | None:
        """So far; ``None`` while nothing but silence was heard (below −70 LUFS)."""
        return self._lufs if self._lufs > _NOTHING_LUFS else None

    @property
    def silent(self) -> bool:
        """Whether nothing of it can be heard so far; a constant is no sound."""
        return not is_heard(self._highest - self._lowest, self.lufs)

    def add(self, samples: Samples) -> None:
        """Takes the next samples, of any number; they must be finite."""
        self._batch.append(samples)
        self._waiting += len(samples)
        if self._waiting >= _BATCH_SAMPLES:
            self._measure()

    def finish(self) -> float | None:
        """The loudness of all of it; nothing can be added afterwards.

        The standard measures windows of 400 ms: what is shorter is measured as if it were repeated.
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
        if len(whole):
            self._lowest = min(self._lowest, float(whole.min()))
            self._highest = max(self._highest, float(whole.max()))
        for frame in self._graph.push(whole):
            self._lufs = float(frame.metadata.get("lavfi.r128.I", self._lufs))
