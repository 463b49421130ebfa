"""What was heard at the sound card: levels and onsets of a recording of the null sink."""

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

WINDOW_MS = 10
SILENCE_DBFS = -50.0


@dataclass(frozen=True)
class Hearing:
    """A recording as levels of 10 ms windows.

    Attributes:
        samples: float32 in -1 … 1, mono.
        rate_hz: Samples per second.
        levels_dbfs: RMS of each window.
    """

    samples: NDArray[np.float32]
    rate_hz: int
    levels_dbfs: NDArray[np.float64]

    @classmethod
    def of(cls, samples: NDArray[np.float32], rate_hz: int) -> Self:
        window = rate_hz * WINDOW_MS // 1000
        whole = samples[: len(samples) // window * window].reshape(-1, window).astype(np.float64)
        rms = np.sqrt(np.mean(whole**2, axis=1)) if len(whole) else np.zeros(0)
        return cls(samples, rate_hz, 20 * np.log10(np.maximum(rms, 1e-6)))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads a WAV file of 16-bit samples."""
        with wave.open(str(path)) as file:
            raw = np.frombuffer(file.readframes(file.getnframes()), np.int16)
            mono = raw.reshape(-1, file.getnchannels()).mean(axis=1).astype(np.float32) / 32768
            return cls.of(mono, file.getframerate())

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz

    def between(self, start_s: float, end_s: float) -> Self:
        first, last = (max(0, int(second * self.rate_hz)) for second in (start_s, end_s))
        return self.of(self.samples[first:last], self.rate_hz)

    def onset_s(self, after_s: float = 0.0, louder_than_dbfs: float = SILENCE_DBFS) -> float | None:
        """When the first window after ``after_s`` that is louder begins, in seconds."""
        first = int(after_s * 1000 / WINDOW_MS)
        loud = np.nonzero(self.levels_dbfs[first:] > louder_than_dbfs)[0]
        return (first + int(loud[0])) * WINDOW_MS / 1000 if len(loud) else None

    def sounding_s(self, louder_than_dbfs: float = SILENCE_DBFS) -> float:
        """For how long, in all, it was louder."""
        return float(np.count_nonzero(self.levels_dbfs > louder_than_dbfs)) * WINDOW_MS / 1000

    def loudest_dbfs(self) -> float:
        return float(self.levels_dbfs.max()) if len(self.levels_dbfs) else -120.0

    def tone_share(self, frequency_hz: float, width_hz: float = 30.0) -> float:
        """The share of the energy that lies within ``width_hz`` of ``frequency_hz``: 0 … 1."""
        power = np.abs(np.fft.rfft(self.samples * np.hanning(len(self.samples)))) ** 2
        frequencies = np.fft.rfftfreq(len(self.samples), 1 / self.rate_hz)
        near = power[np.abs(frequencies - frequency_hz) <= width_hz].sum()
        return float(near / max(power.sum(), 1e-12))
