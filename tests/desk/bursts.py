"""Bursts of sound with silence between them, and where they begin in what was heard."""

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ

EVERY_S, BURST_S = 0.8, 0.1
_FREQUENCY_HZ = 1_000
_LOUD, _QUIET_SAMPLES = 2_000, SAMPLE_RATE_HZ // 10


def bursts(seconds: float, peak: int = 16_000) -> NDArray[np.int16]:
    """A short tone every 0.8 s, int16 (samples,), 48 kHz."""
    ticks = np.arange(round(seconds * SAMPLE_RATE_HZ))
    tone = peak * np.sin(2 * np.pi * _FREQUENCY_HZ * ticks / SAMPLE_RATE_HZ)
    tone[ticks / SAMPLE_RATE_HZ % EVERY_S >= BURST_S] = 0
    return tone.astype(np.int16)


def onsets(samples: NDArray[np.int16]) -> list[int]:
    """The first loud sample of each burst: one that comes after 100 ms of quiet. ``samples``: (samples,)."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _LOUD)
    if len(loud) == 0:
        return []
    gaps = np.diff(loud, prepend=-_QUIET_SAMPLES - 1)
    return [int(at) for at in loud[gaps > _QUIET_SAMPLES]]


def first_burst_s(samples: NDArray[np.int16]) -> float:
    """How much of the first burst is there."""
    begin = onsets(samples)[0]
    loud = np.flatnonzero(np.abs(samples[begin : begin + _QUIET_SAMPLES + 4800].astype(np.int32)) > _LOUD)
    return float(loud[-1] + 1) / SAMPLE_RATE_HZ
