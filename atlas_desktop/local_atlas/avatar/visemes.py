"""Mouth shapes for lip sync, estimated from level and spectrum of 40 ms of audio and smoothed over time."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.local_atlas.interfaces import SAMPLE_RATE_HZ

WINDOW_SAMPLES = SAMPLE_RATE_HZ * 40 // 1000
_FFT_SAMPLES = 2048
_FREQUENCIES_HZ = np.fft.rfftfreq(_FFT_SAMPLES, 1 / SAMPLE_RATE_HZ)
_HANN = np.hanning(WINDOW_SAMPLES).astype(np.float32)

_SILENCE_DB = -52.0
_RANGE_DB = 26.0  # below the recent maximum: from there up the mouth opens
_LOUDEST_FLOOR_DB = -34.0  # so that noise alone does not open it
_LOUDEST_DECAY_DB = 0.12  # per frame: 3 dB a second
_OPEN_ATTACK, _OPEN_RELEASE = 0.75, 0.5  # share of the way to the target, per frame
_SPREAD_RATE = 0.45
_HISSING = 0.55  # share of the energy above 3.2 kHz
_VOICED = 0.3  # loudness above which a frame counts for the voice's average
_CLOSE_HZ = 500  # a first formant below is a close vowel: I or U
# Voices differ in brightness, synthetic ones the most: each is compared with its own average.
_USUAL_FRONT_DB = -16.0
_FRONT_DB = (-32.0, -6.0)
_FRONT_RATE = 0.01


class Consonant(StrEnum):
    """Consonants with a mouth shape of their own."""

    NONE = "none"
    CLOSED = "press"
    TEETH_ON_LIP = "fv"
    HISS = "s"


@dataclass(frozen=True, slots=True)
class MouthShape:
    """The shape of a mouth.

    Attributes:
        opening: How far open it is, 0 (closed) to 1.
        spread: −1 rounded as in O and U, 0 neutral, 1 wide as in E.
        consonant: The consonant that it forms, if any.
        loudness: Loudness of the audio, 0 to 1, relative to the recent maximum.
    """

    opening: float = 0.0
    spread: float = 0.0
    consonant: Consonant = Consonant.NONE
    loudness: float = 0.0


@dataclass(frozen=True, slots=True)
class SpectralFeatures:
    """Features of a window of audio.

    Attributes:
        level_db: Level of the window, dBFS.
        hiss: Share of the energy above 3.2 kHz.
        first_hz: Frequency of the first formant: it rises as the jaw falls.
        front_db: 1.6 to 3.3 kHz relative to 0.3 to 1 kHz: high with spread lips and the tongue in front.
        middle_db: 1 to 1.6 kHz relative to the same.
        low_mid_db: 550 Hz to 1 kHz relative to 200 to 550 Hz: low when the lips are closed.
    """

    level_db: float
    hiss: float
    first_hz: float
    front_db: float
    middle_db: float
    low_mid_db: float


def analyze(audio: NDArray[np.int16]) -> SpectralFeatures:
    """Analyse up to 40 ms of audio: int16, (samples,), 48 kHz."""
    window = np.zeros(WINDOW_SAMPLES, np.float32)
    length = min(len(audio), WINDOW_SAMPLES)
    window[:length] = audio[:length]
    window /= 32768
    level_db = 10 * float(np.log10(np.mean(window**2) + 1e-10))
    power = np.abs(np.fft.rfft(window * _HANN, _FFT_SAMPLES)) ** 2
    low_db = _energy_db(power, 300, 1000)
    high, whole = power[_band(3200, 11000)].sum(), power[_band(90, 11000)].sum()
    return SpectralFeatures(
        level_db=level_db,
        hiss=float(high / (whole + 1e-9)),
        first_hz=_centre_hz(power, 250, 1050),
        front_db=_energy_db(power, 1600, 3300) - low_db,
        middle_db=_energy_db(power, 1000, 1600) - low_db,
        low_mid_db=_energy_db(power, 550, 1000) - _energy_db(power, 200, 550),
    )


class VisemeEstimator:
    """Turns successive windows of audio into mouth shapes that move naturally. Thread: one."""

    def __init__(self) -> None:
        self._loudest_db = _LOUDEST_FLOOR_DB
        self._front_db = _USUAL_FRONT_DB
        self._mouth = MouthShape()

    def estimate(self, audio: NDArray[np.int16]) -> MouthShape:
        """Return the mouth shape of the next frame, from its 40 ms of audio."""
        bands = analyze(audio)
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
        self._mouth = MouthShape(
            opening=_toward(self._mouth.opening, target.opening, rate),
            spread=_toward(self._mouth.spread, target.spread, _SPREAD_RATE),
            consonant=target.consonant,
            loudness=loudness,
        )
        return self._mouth


def _target(bands: SpectralFeatures, loudness: float, usual_db: float) -> MouthShape:
    if loudness <= 0.02:
        return MouthShape()
    if bands.hiss > _HISSING:
        # F and V are soft and broad-band, S and SH loud with one peak.
        soft = loudness < 0.34
        kind = Consonant.TEETH_ON_LIP if soft else Consonant.HISS
        return MouthShape(0.22, 0.25, kind, loudness)
    hum = bands.first_hz < 345 and bands.low_mid_db < -16 and bands.front_db < min(-13, bands.middle_db + 3)
    if hum and loudness < 0.92:
        return MouthShape(0.0, 0.0, Consonant.CLOSED, loudness)
    jaw = float(np.clip((bands.first_hz - 310) / 380, 0, 1))
    opening = float(np.clip(loudness**0.8 * (0.26 + 0.8 * jaw), 0, 1))
    return MouthShape(opening, _spread(bands, usual_db) * (0.45 + 0.55 * loudness), Consonant.NONE, loudness)


def _spread(bands: SpectralFeatures, usual_db: float) -> float:
    """Return how spread the lips are: 1 as in E, −1 rounded as in U."""
    if bands.first_hz < _CLOSE_HZ:
        # With a high tongue the lips are spread (I), unless the second formant is as low as in U.
        spread = (bands.front_db - bands.middle_db - 5) / 4
    else:
        spread = (bands.front_db - usual_db) / 8
    if spread < 0:
        # A wide open mouth is not rounded.
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
