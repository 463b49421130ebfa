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
_HISSING = 0.55
_VOICED = 0.3
_CLOSE_HZ = 500
# Voices differ in how bright they are, machines' from people's the most: each is compared with itself.
_USUAL_FRONT_DB = -16.0
_FRONT_DB = (-32.0, -6.0)
_FRONT_RATE = 0.01


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
    """What a window of sound is made of.

    Attributes:
        level_db: Of all of it, dBFS.
        hiss: Share of the energy above 3.2 kHz.
        first_hz: Where the first formant is: it rises as the jaw falls.
        front_db: 1.6 to 3.3 kHz, compared with 0.3 to 1 kHz: loud with spread lips and the tongue in front.
        middle_db: 1 to 1.6 kHz, compared with the same.
        mellow_db: 550 Hz to 1 kHz, compared with 200 to 550 Hz: faint when the lips are closed.
    """

    level_db: float
    hiss: float
    first_hz: float
    front_db: float
    middle_db: float
    mellow_db: float


def bands_of(sound: NDArray[np.int16]) -> Bands:
    """Analyses up to 40 ms of sound: int16, (samples,), 48 kHz."""
    window = np.zeros(WINDOW_SAMPLES, np.float32)
    length = min(len(sound), WINDOW_SAMPLES)
    window[:length] = sound[:length]
    window /= 32768
    level_db = 10 * float(np.log10(np.mean(window**2) + 1e-10))
    power = np.abs(np.fft.rfft(window * _HANN, _FFT_SAMPLES)) ** 2
    low_db = _energy_db(power, 300, 1000)
    high, whole = power[_band(3200, 11000)].sum(), power[_band(90, 11000)].sum()
    return Bands(
        level_db=level_db,
        hiss=float(high / (whole + 1e-9)),
        first_hz=_centre_hz(power, 250, 1050),
        front_db=_energy_db(power, 1600, 3300) - low_db,
        middle_db=_energy_db(power, 1000, 1600) - low_db,
        mellow_db=_energy_db(power, 550, 1000) - _energy_db(power, 200, 550),
    )


class MouthReader:
    """Turns successive windows of sound into a mouth that moves as a mouth does. Thread: one."""

    def __init__(self) -> None:
        self._loudest_db = _LOUDEST_FLOOR_DB
        self._front_db = _USUAL_FRONT_DB
        self._mouth = Mouth()

    def read(self, sound: NDArray[np.int16]) -> Mouth:
        """Returns the mouth for the next picture, from the 40 ms of sound that belong to it."""
        bands = bands_of(sound)
        self._loudest_db = max(bands.level_db, self._loudest_db - _LOUDEST_DECAY_DB, _LOUDEST_FLOOR_DB)
        floor_db = max(_SILENCE_DB, self._loudest_db - _RANGE_DB)
        loudness = float(np.clip((bands.level_db - floor_db) / (self._loudest_db - floor_db), 0, 1))
        target = _target(bands, loudness, self._front_db)
        if loudness > _VOICED and bands.hiss < _HISSING:
            front_db = float(np.clip(bands.front_db, *_FRONT_DB))
            self._front_db = _toward(self._front_db, front_db, _FRONT_RATE)
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


def _target(bands: Bands, loudness: float, usual_db: float) -> Mouth:
    if loudness <= 0.02:
        return Mouth()
    if bands.hiss > _HISSING:
        # F and V hiss softly over a broad band, S and SH loudly around one peak.
        soft = loudness < 0.34
        kind = Consonant.TEETH_ON_LIP if soft else Consonant.HISS
        return Mouth(0.22, 0.25, kind, loudness)
    hum = bands.first_hz < 345 and bands.mellow_db < -16 and bands.front_db < min(-13, bands.middle_db + 3)
    if hum and loudness < 0.92:
        return Mouth(0.0, 0.0, Consonant.CLOSED, loudness)
    jaw = float(np.clip((bands.first_hz - 310) / 380, 0, 1))
    opening = float(np.clip(loudness**0.8 * (0.26 + 0.8 * jaw), 0, 1))
    return Mouth(opening, _spread(bands, usual_db) * (0.45 + 0.55 * loudness), Consonant.NONE, loudness)


def _spread(bands: Bands, usual_db: float) -> float:
    """From spread lips as in E (1) to rounded ones as in U (−1)."""
    if bands.first_hz < _CLOSE_HZ:
        # With a high tongue, lips are spread (I) unless the second formant is as low as in U.
        spread = (bands.front_db - bands.middle_db - 5) / 4
    else:
        spread = (bands.front_db - usual_db) / 8
    if spread < 0:
        # A wide open mouth isn't round.
        spread *= float(np.clip((720 - bands.first_hz) / 150, 0, 1))
    return float(np.clip(spread, -1, 1))


def _toward(now: float, target: float, rate: float) -> float:
    return now + (target - now) * rate


def _energy_db(power: NDArray[np.float32], low_hz: int, high_hz: int) -> float:
    return 10 * float(np.log10(power[_band(low_hz, high_hz)].sum() + 1e-6))


def _centre_hz(power: NDArray[np.float32], low_hz: int, high_hz: int) -> float:
    band = _band(low_hz, high_hz)
    return float((power[band] * _FREQUENCIES_HZ[band]).sum() / (power[band].sum() + 1e-9))


def _band(low_hz: int, high_hz: int) -> slice:
    step_hz = SAMPLE_RATE_HZ / _FFT_SAMPLES
    return slice(int(low_hz / step_hz), int(high_hz / step_hz))
