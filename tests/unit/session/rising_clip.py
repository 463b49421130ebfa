"""A clip that rises in pitch, so that what was heard says which moments of it were heard.

A count of samples does not: a receiver stretches and squeezes what comes late, and says some of it twice.
"""

import numpy as np
import numpy.typing as npt

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block

_FIRST_HZ, _HZ_PER_S = 1000, 1000
_PEAK, _HEARD_PEAK = 8000, 2000
_FFT_SAMPLES = 16_384
_STEP_S = 0.02


def rising_clip(seconds: float) -> Block:
    """int16 (n, 1) at 48 kHz."""
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    cycles = _FIRST_HZ * t + _HZ_PER_S / 2 * t * t
    return (_PEAK * np.sin(2 * np.pi * cycles)).astype(np.int16).reshape(-1, 1)


class Heard:
    """Which moments of a ``rising_clip`` of so many seconds arrived."""

    def __init__(self, seconds: float) -> None:
        self._steps = np.zeros(round(seconds / _STEP_S), bool)

    def take(self, samples: npt.NDArray[np.int16]) -> None:
        """Takes 10 or 20 ms of sound of any shape, at 48 kHz."""
        flat = samples.reshape(-1).astype(np.float64)
        if np.abs(flat).max() < _HEARD_PEAK:
            return
        spectrum = np.abs(np.fft.rfft(flat * np.hanning(len(flat)), _FFT_SAMPLES))
        pitch_hz = np.argmax(spectrum) * SAMPLE_RATE_HZ / _FFT_SAMPLES
        step = round((pitch_hz - _FIRST_HZ) / _HZ_PER_S / _STEP_S)
        # As exact as the pitch of so short a sound can be.
        self._steps[max(0, step - 1) : max(0, step + 2)] = True

    @property
    def until_s(self) -> float:
        """The last moment that arrived."""
        found = np.flatnonzero(self._steps)
        return float(found[-1] + 1) * _STEP_S if len(found) else 0.0

    @property
    def missing_s(self) -> float:
        """How much of the clip never arrived."""
        return float(np.count_nonzero(~self._steps)) * _STEP_S
