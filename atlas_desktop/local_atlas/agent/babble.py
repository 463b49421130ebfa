"""A fallback voice for computers without speech synthesis: soft syllables in the rhythm of the text."""

import re
import zlib

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.local_atlas.interfaces import SAMPLE_RATE_HZ, Pcm

# First and second formants of A, E, I, O, U.
_VOWELS_HZ = ((730, 1090), (530, 1840), (300, 2200), (570, 880), (350, 900))
_SYLLABLE_S = 0.17
_VARIATION_S = 0.05
_WORD_GAP_S = 0.05
_CLAUSE_GAP_S = 0.22
_RISE_S = 0.03
_FALL_S = 0.06
_MAX_HZ = 3_000  # no harmonics above: it stays soft
_MAX_SYLLABLES = 120  # about half a minute
_LETTERS_PER_SYLLABLE = 3  # in scripts whose vowels are not known here
_VOWEL_GROUP = re.compile("[aeiouyàáâäãåæèéêëìíîïòóôöõøùúûüœ]+", re.IGNORECASE)

Wave = NDArray[np.float32]


def babble(text: str, pitch_hz: float) -> Pcm:
    """Babble the text, the same each time: int16, (samples, 1), 48 kHz. Takes about 1 ms a syllable."""
    parts: list[Wave] = []
    said = 0
    words = text.split()
    count = sum(syllables(word) for word in words)
    for word in words:
        for index in range(syllables(word)):
            if said == _MAX_SYLLABLES:
                break
            seed = zlib.crc32(f"{word}{index}".encode("utf-8", "replace"))
            parts.append(_syllable(seed, pitch_hz * _melody(said / max(1, count - 1), text)))
            said += 1
        gap_s = _CLAUSE_GAP_S if word[-1] in ".,;:!?…—" else _WORD_GAP_S
        parts.append(np.zeros(round(gap_s * SAMPLE_RATE_HZ), np.float32))
    wave = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    return (wave * 8_000).astype(np.int16).reshape(-1, 1)


def syllables(word: str) -> int:
    """Estimate the syllables of a word; in a non-Latin script a third of its letters."""
    groups = len(_VOWEL_GROUP.findall(word))
    return min(groups or max(1, len(word) // _LETTERS_PER_SYLLABLE), 12)


def _melody(position: float, text: str) -> float:
    """Return the relative pitch at ``position``, 0 to 1: it falls, and rises at the end of a question."""
    rise = 0.25 if text.rstrip().endswith("?") and position > 0.75 else 0.0
    return 1.1 - 0.2 * position + rise


def _syllable(seed: int, pitch_hz: float) -> Wave:
    duration_s = _SYLLABLE_S + _VARIATION_S * ((seed >> 8) % 100 / 100 - 0.5)
    t = np.arange(round(duration_s * SAMPLE_RATE_HZ), dtype=np.float32) / SAMPLE_RATE_HZ
    bend = 1 + 0.04 * np.sin(np.pi * t / duration_s + seed % 7)
    phase = 2 * np.pi * np.cumsum(pitch_hz * bend) / SAMPLE_RATE_HZ
    wave = np.zeros_like(t)
    for harmonic in range(1, int(_MAX_HZ / pitch_hz) + 1):
        wave += _amplitude(harmonic * pitch_hz, _VOWELS_HZ[seed % len(_VOWELS_HZ)]) * np.sin(harmonic * phase)
    envelope = np.minimum(1, t / _RISE_S) * np.minimum(1, (duration_s - t) / _FALL_S)
    result: Wave = (wave * np.sin(np.pi / 2 * envelope) ** 2 / max(1e-6, float(np.abs(wave).max()))).astype(
        np.float32
    )
    return result


def _amplitude(frequency_hz: float, formants_hz: tuple[int, int]) -> float:
    """Return the amplitude of a vowel at a frequency: two formants on a falling slope."""
    peaks = sum(1 / (1 + ((frequency_hz - formant_hz) / 120) ** 2) for formant_hz in formants_hz)
    return (0.15 + peaks) * (200 / (200 + frequency_hz))
