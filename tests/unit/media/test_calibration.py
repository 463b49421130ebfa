import numpy as np
import pytest

from atlas_desktop.media.beep_finder import BEEP_MS, MICROPHONE_MS, BeepFinder, beep
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block

BEGAN_US = 90_000_000
BEEPS = 8


def room(delay_ms: float, noise: float = 0.01, gain: float = 0.2, echo: float = 0.0) -> np.ndarray:
    """Ten seconds of a microphone: float (samples,), a beep each second, ``delay_ms`` after it was due."""
    rng = np.random.default_rng(7)
    sound = rng.normal(0, noise, 10 * SAMPLE_RATE_HZ)
    played = beep()[:, 0] / 32767
    for number in range(BEEPS):
        for after_ms, loud in ((0.0, gain), (23.0, echo)):
            at = round((1 + number + (delay_ms + after_ms) / 1000) * SAMPLE_RATE_HZ)
            sound[at : at + len(played)] += played * loud
    return np.clip(sound, -1, 1)


def find(sound: np.ndarray, late_ms: float = 0.0) -> BeepFinder:
    finder, rng = BeepFinder(), np.random.default_rng(2)
    for number in range(BEEPS):
        finder.played(BEGAN_US + (1 + number) * 1_000_000)
    samples: Block = (sound * 32767).astype(np.int16).reshape(-1, 1)
    for start in range(0, len(samples), 480):
        until_us = BEGAN_US + (start + 480) * 1_000_000 // SAMPLE_RATE_HZ
        finder.hear(samples[start : start + 480], until_us + round(rng.uniform(0, late_ms) * 1000))
    return finder


@pytest.mark.parametrize("delay_ms", [16.0, 42.5, 180.0, 320.0])
def test_the_delay_is_found_within_a_millisecond(delay_ms: float) -> None:
    heard = find(room(delay_ms)).result()
    assert heard is not None
    assert heard.delay_ms == pytest.approx(delay_ms - MICROPHONE_MS, abs=1)
    assert (heard.beeps, heard.spread_ms < 1) == (BEEPS, True)


def test_noise_as_loud_as_the_beep_does_not_hide_it() -> None:
    heard = find(room(60.0, noise=0.1, gain=0.2)).result()
    assert heard is not None
    assert heard.delay_ms == pytest.approx(60 - MICROPHONE_MS, abs=1)


def test_the_direct_sound_counts_and_not_its_louder_echo() -> None:
    heard = find(room(60.0, gain=0.2, echo=0.25)).result()
    assert heard is not None
    assert heard.delay_ms == pytest.approx(60 - MICROPHONE_MS, abs=1)


def test_late_deliveries_do_not_count_as_delay() -> None:
    heard = find(room(60.0), late_ms=30.0).result()
    assert heard is not None
    assert heard.delay_ms == pytest.approx(60 - MICROPHONE_MS, abs=2)


@pytest.mark.parametrize(("gain", "noise"), [(0.0, 0.05), (0.0, 0.0)])
def test_a_deaf_microphone_says_nothing(gain: float, noise: float) -> None:
    assert find(room(60.0, noise=noise, gain=gain)).result() is None


def test_nothing_played_or_nothing_heard_says_nothing() -> None:
    assert BeepFinder().result() is None
    deaf = BeepFinder()
    deaf.played(BEGAN_US)
    assert deaf.result() is None


def test_a_speaker_that_jumps_about_is_not_believed() -> None:
    sound = np.zeros(10 * SAMPLE_RATE_HZ)
    played = beep()[:, 0] / 32767
    for number in range(BEEPS):
        at = round((1 + number + number * 0.05) * SAMPLE_RATE_HZ)
        sound[at : at + len(played)] += played * 0.2
    assert find(sound).result() is None


def test_what_never_ends_is_not_kept() -> None:
    finder = BeepFinder()
    finder.played(BEGAN_US)
    for number in range(100):
        finder.hear(np.zeros((SAMPLE_RATE_HZ, 1), np.int16), BEGAN_US + number * 1_000_000)
    assert finder.result() is None


def test_the_beep_is_short_soft_at_its_ends_and_not_too_loud() -> None:
    played = beep()
    assert len(played) == BEEP_MS * SAMPLE_RATE_HZ // 1000
    assert np.abs(played).max() < 0.55 * 32767
    assert abs(int(played[0, 0])) + abs(int(played[-1, 0])) < 100
