"""What was heard at the sound card: levels and onsets of a recording of the null sink."""

import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tests.desk.sound import RATE_HZ, Recording
from tests.e2e.accessibility import poll

WINDOW_MS = 10
SILENCE_DBFS = -50.0
_FRAME_S = 0.02
_SLACK_FRAMES = 25
_FLOOR_DB = 50
_BAND_EDGES_HZ = np.geomspace(200, 4000, 17)


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

    def ending_s(self, louder_than_dbfs: float = SILENCE_DBFS) -> float:
        """When the last window that is louder ends, in seconds; 0 when there is none."""
        loud = np.nonzero(self.levels_dbfs > louder_than_dbfs)[0]
        return (int(loud[-1]) + 1) * WINDOW_MS / 1000 if len(loud) else 0.0

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


class Ears:
    """Listens to the sound card while it is recorded. All times are CLOCK_MONOTONIC, in seconds."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def between(self, start_s: float, end_s: float | None = None) -> Hearing:
        """What was heard from ``start_s`` to ``end_s``, or up to now."""
        stereo = self._recording.samples()
        first = self._index(start_s)
        last = len(stereo) if end_s is None else self._index(end_s)
        return Hearing.of(stereo[first:last].mean(axis=1).astype(np.float32) / 32768, RATE_HZ)

    def onset_s(self, after_s: float, before_s: float | None = None) -> float | None:
        """When, after ``after_s``, it first became louder than silence."""
        onset_s = self.between(after_s, before_s).onset_s()
        return None if onset_s is None else after_s + onset_s

    def wait_onset(self, after_s: float, timeout_s: float = 15.0) -> float:
        """Waits for a sound; returns when it began."""
        onset_s: float | None = poll(lambda: self.onset_s(after_s), timeout_s, every_s=0.1)
        assert onset_s is not None, f"no sound within {timeout_s} s"
        return onset_s

    def wait_silence(self, silent_s: float = 0.8, timeout_s: float = 30.0) -> None:
        """Waits until nothing was heard for ``silent_s``."""

        def is_silent() -> bool:
            heard = self.between(time.monotonic() - silent_s)
            return heard.duration_s > silent_s / 2 and heard.onset_s() is None

        assert poll(is_silent, timeout_s, every_s=0.1), f"not silent within {timeout_s} s"

    def _index(self, moment_s: float) -> int:
        return max(0, int((moment_s - self._recording.started_s) * RATE_HZ))


def likeness(said: Hearing, heard: Hearing) -> float:
    """How well the sound of ``said`` is found again in ``heard``, whatever their level: up to 1."""
    known, found = _print_of(said), _print_of(heard)
    width = known.shape[1]
    found = np.pad(found, ((0, 0), (_SLACK_FRAMES, width)))
    lags = range(found.shape[1] - width + 1)
    return max(_correlation(known, found[:, lag : lag + width]) for lag in lags)


def _print_of(hearing: Hearing) -> NDArray[np.float64]:
    """The level of each band over time, in dB above a floor: (bands, frames of 20 ms)."""
    hop = round(hearing.rate_hz * _FRAME_S)
    starts = range(0, len(hearing.samples) - 2 * hop, hop)
    frames = np.stack([hearing.samples[start : start + 2 * hop] for start in starts]) * np.hanning(2 * hop)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    places = np.searchsorted(np.fft.rfftfreq(2 * hop, 1 / hearing.rate_hz), _BAND_EDGES_HZ)
    bands = np.add.reduceat(power, places, axis=1)[:, :-1].T
    levels: NDArray[np.float64] = np.clip(10 * np.log10(bands / bands.max() + 1e-9), -_FLOOR_DB, 0)
    return levels + _FLOOR_DB


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    shapes = [bands - bands.mean(axis=1, keepdims=True) for bands in (one, other)]
    energy = np.sum(shapes[0] ** 2) * np.sum(shapes[1] ** 2)
    return float(np.sum(shapes[0] * shapes[1]) / np.sqrt(energy + 1e-9))
