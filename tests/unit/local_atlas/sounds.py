"""Sounds for the tests of turn detection and of the agent."""

import numpy as np

from atlas_desktop.local_atlas.interfaces import SAMPLE_RATE_HZ, Pcm


def silence(seconds: float) -> Pcm:
    """Nothing at all."""
    return np.zeros((round(seconds * SAMPLE_RATE_HZ), 1), np.int16)


def noise(seconds: float, level_db: float, seed: int = 1) -> Pcm:
    """White noise, as a fan makes it."""
    samples = round(seconds * SAMPLE_RATE_HZ)
    wave = np.random.default_rng(seed).normal(0, 32768 * 10 ** (level_db / 20), (samples, 1))
    return np.clip(wave, -32768, 32767).astype(np.int16)


def clicks(seconds: float) -> Pcm:
    """A key of a keyboard, twice a second."""
    sound = noise(seconds, -12)
    sound[np.arange(len(sound)) % (SAMPLE_RATE_HZ // 2) > 200] = 0
    return sound


def hum(seconds: float, peak: int = 8000) -> Pcm:
    """A steady tone of 440 Hz."""
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    sound: Pcm = (peak * np.sin(2 * np.pi * 440 * t)).astype(np.int16).reshape(-1, 1)
    return sound


def mixed(first: Pcm, second: Pcm) -> Pcm:
    """Two sounds at the same time, as long as the first."""
    total = first.astype(np.int32) + second[: len(first)]
    sound: Pcm = np.clip(total, -32768, 32767).astype(np.int16)
    return sound
