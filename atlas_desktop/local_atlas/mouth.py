"""Which mouth makes this sound: energy and spectrum of a few hundredths of a second, smoothed over time."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.local_atlas.stage import SAMPLE_RATE_HZ

WINDOW_SAMPLES = SAMPLE_RATE_HZ * 40 // 1000
_FFT_SAMPLES = 2048
_FREQUENCIES_HZ = np.fft.rfftfreq(_FFT_SAMPLES, 1 / SAMPLE_RATE_HZ)
_HANN = np.hanning(WINDOW_SAMPLES).astype(np.float32)

_SILENCE_DB = -52.0
_RANGE_DB = 26.0
_LOUDEST_FLOOR_DB = -34.0
_LOUDEST_DECAY_DB = 0.12  # a frame: 3 dB a second
_OPEN_ATTACK, _OPEN_RELEASE = 0.75, 0.5
_SPREAD_RATE = 0.45


class Consonant(StrEnum):
    """Mouths that are not a vowel's."""

    NONE = "none"
    CLOSED = "press"
    TEETH_ON_LIP = "fv"
    HISS = "s"


@dataclass(frozen=True, slots=True)
class Mouth:
    """A mouth.

    Attributes:
        opening: How far open it is, 0 (closed) to 1.
        spread: −1 rounded as in O and U, 0 neutral, 1 wide as in E.
        consonant: The consonant it forms, if it forms one.
        loudness: Of the sound, 0 to 1, relative to the loudest of late.
    """

    opening: float = 0.0
    spread: float = 0.0
    consonant: Consonant = Consonant.NONE
    loudness: float = 0.0


@dataclass(frozen=True, slots=True)
class Bands:
    """What a window of sound is made of: level in dBFS, shares of the energy, centres in Hz."""

    level_db: float
    hiss: float
    hum: float
    first_hz: float
    second_hz: float
    top_hz: float


def bands_of(sound: NDArray[np.int16]) -> Bands:
    """Analyses up to 40 ms of sound: int16, (samples,), 48 kHz."""
    window = np.zeros(WINDOW_SAMPLES, np.float32)
    length = min(len(sound), WINDOW_SAMPLES)
    window[:length] = sound[:length]
    window /= 32768
    level_db = 10 * float(np.log10(np.mean(window**2) + 1e-10))
    power = np.abs(np.fft.rfft(window * _HANN, _FFT_SAMPLES)) ** 2
    low, middle = _energy(power, 90, 450), _energy(power, 450, 3200)
    high = _energy(power, 3200, 11000)
    whole = low + middle + high + 1e-9
    return Bands(
        level_db=level_db,
        hiss=high / whole,
        hum=low / whole,
        first_hz=_centre(power, 250, 1050),
        second_hz=_centre(power, 900, 2900, tilt=True),
        top_hz=_centre(power, 3200, 11000),
    )


class MouthReader:
    """Turns successive windows of sound into a mouth that moves as a mouth does. Thread: one."""

    def __init__(self) -> None:
        self._loudest_db = _LOUDEST_FLOOR_DB
        self._mouth = Mouth()

    def read(self, sound: NDArray[np.int16]) -> Mouth:
        """Returns the mouth for the next picture, from the 40 ms of sound that belong to it."""
        bands = bands_of(sound)
        self._loudest_db = max(bands.level_db, self._loudest_db - _LOUDEST_DECAY_DB, _LOUDEST_FLOOR_DB)
        floor_db = max(_SILENCE_DB, self._loudest_db - _RANGE_DB)
        loudness = float(np.clip((bands.level_db - floor_db) / (self._loudest_db - floor_db), 0, 1))
        target = _target(bands, loudness)
        rate = _OPEN_ATTACK if target.opening > self._mouth.opening else _OPEN_RELEASE
        if target.consonant is not Consonant.NONE:
            rate = _OPEN_ATTACK
        self._mouth = Mouth(
            opening=_toward(self._mouth.opening, target.opening, rate),
            spread=_toward(self._mouth.spread, target.spread, _SPREAD_RATE),
            consonant=target.consonant,
            loudness=loudness,
        )
        return self._mouth


def _target(bands: Bands, loudness: float) -> Mouth:
    if loudness <= 0.02:
        return Mouth()
    if bands.hiss > 0.55:
        # F and V hiss softly over a broad band, S and SH loudly around one peak.
        soft = loudness < 0.34
        kind = Consonant.TEETH_ON_LIP if soft else Consonant.HISS
        return Mouth(0.22, 0.25, kind, loudness)
    if bands.hum > 0.93 and bands.first_hz < 400 and loudness < 0.75:
        return Mouth(0.0, 0.0, Consonant.CLOSED, loudness)
    # The first formant rises as the jaw falls, the second as the lips draw apart.
    jaw = float(np.clip((bands.first_hz - 330) / 360, 0, 1))
    opening = float(np.clip(loudness**0.8 * (0.30 + 0.85 * jaw), 0, 1))
    spread = float(np.clip((bands.second_hz - 1480) / 480, -1, 1))
    return Mouth(opening, spread * (0.45 + 0.55 * loudness), Consonant.NONE, loudness)


def _toward(now: float, target: float, rate: float) -> float:
    return now + (target - now) * rate


def _energy(power: NDArray[np.float32], low_hz: int, high_hz: int) -> float:
    return float(power[_band(low_hz, high_hz)].sum())


def _centre(power: NDArray[np.float32], low_hz: int, high_hz: int, *, tilt: bool = False) -> float:
    """Centre of gravity of a band; ``tilt`` makes up for the 6 dB an octave that voices lose."""
    band = _band(low_hz, high_hz)
    frequencies = _FREQUENCIES_HZ[band]
    weights = np.sqrt(power[band]) * (frequencies / low_hz if tilt else 1.0)
    return float((weights * frequencies).sum() / (weights.sum() + 1e-9))


def _band(low_hz: int, high_hz: int) -> slice:
    step_hz = SAMPLE_RATE_HZ / _FFT_SAMPLES
    return slice(int(low_hz / step_hz), int(high_hz / step_hz))
