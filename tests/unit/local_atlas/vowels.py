"""Speech sounds made from formants, as a throat makes them, for the tests of the mouth."""

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.local_atlas.interfaces import SAMPLE_RATE_HZ

Samples = NDArray[np.int16]

FORMANTS_HZ = {
    "a": (730, 1200, 2500, 3400),
    "e": (450, 1950, 2600, 3400),
    "i": (280, 2250, 2900, 3500),
    "o": (450, 800, 2500, 3400),
    "u": (300, 750, 2300, 3400),
}


def vowel(name: str, seconds: float = 0.4, pitch_hz: float = 120.0, peak: int = 9000) -> Samples:
    """A sung vowel: a buzz that falls 12 dB an octave, through resonators one after the other."""
    t = _times(seconds)
    wave = np.zeros_like(t)
    for number in range(1, int(6000 / pitch_hz)):
        frequency = number * pitch_hz
        gain = 1 / number  # 12 dB an octave, of which the lips give back 6
        for formant in FORMANTS_HZ[name]:
            width = 50 + formant * 0.03
            gain *= formant**2 / np.hypot(formant**2 - frequency**2, width * frequency)
        wave += gain * np.sin(2 * np.pi * frequency * t + number**2)
    return _scaled(wave, peak)


def nasal(seconds: float = 0.4, peak: int = 4000) -> Samples:
    """M: a hum behind closed lips."""
    t = _times(seconds)
    return _scaled(np.sin(2 * np.pi * 120 * t) + 0.7 * np.sin(2 * np.pi * 240 * t), peak)


def hiss(low_hz: float = 4500, high_hz: float = 9500, seconds: float = 0.4, peak: int = 7000) -> Samples:
    """S, or F when it is broad and soft."""
    t = _times(seconds)
    spectrum = np.fft.rfft(np.random.default_rng(1).normal(size=len(t)))
    frequencies = np.fft.rfftfreq(len(t), 1 / SAMPLE_RATE_HZ)
    spectrum[(frequencies < low_hz) | (frequencies > high_hz)] = 0
    return _scaled(np.fft.irfft(spectrum, len(t)), peak)


def quiet(seconds: float = 0.4) -> Samples:
    """Nothing."""
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.int16)


def talk(seconds: float) -> Samples:
    """Syllables and pauses, as a sentence has them."""
    syllable = [
        nasal(0.08),
        vowel("a", 0.2),
        hiss(seconds=0.1),
        vowel("i", 0.16),
        vowel("u", 0.18),
        quiet(0.12),
        hiss(1500, 9500, 0.08, 1500),
        vowel("o", 0.2),
        vowel("e", 0.14),
    ]
    sentence = np.concatenate(syllable)
    length = round(seconds * SAMPLE_RATE_HZ)
    return np.tile(sentence, length // len(sentence) + 1)[:length]


def _times(seconds: float) -> NDArray[np.float64]:
    return np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def _scaled(wave: NDArray[np.float64], peak: int) -> Samples:
    sound: Samples = (wave / np.abs(wave).max() * peak).astype(np.int16)
    return sound
