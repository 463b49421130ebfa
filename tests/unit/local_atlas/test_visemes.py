"""Mouth shapes of speech sounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atlas_desktop.local_atlas.avatar.visemes import (
    WINDOW_SAMPLES,
    Consonant,
    MouthShape,
    VisemeEstimator,
    analyze,
)

from .vowels import Samples, hiss, nasal, quiet, vowel


def seen(*sounds: Samples) -> MouthShape:
    """The mouth at the end of ``sounds``, read frame by frame."""
    whole = np.concatenate(sounds)
    reader = VisemeEstimator()
    mouths = [reader.estimate(whole[i : i + WINDOW_SAMPLES]) for i in range(0, len(whole), WINDOW_SAMPLES)]
    return mouths[-1]


def test_an_open_vowel_opens_the_mouth_further_than_a_close_one() -> None:
    assert seen(vowel("a")).opening > 0.85
    assert 0.1 < seen(vowel("i")).opening < 0.5
    assert seen(vowel("i")).opening < seen(vowel("e")).opening < seen(vowel("a")).opening


@pytest.mark.parametrize("pitch_hz", [110.0, 150.0, 210.0])
def test_lips_are_spread_for_i_and_round_for_u(pitch_hz: float) -> None:
    assert seen(vowel("i", pitch_hz=pitch_hz)).spread > 0.5
    assert seen(vowel("e", pitch_hz=pitch_hz)).spread > 0.4
    assert seen(vowel("u", pitch_hz=pitch_hz)).spread < -0.4
    assert seen(vowel("o", pitch_hz=pitch_hz)).spread < -0.3


def test_consonants_have_mouths_of_their_own() -> None:
    assert seen(vowel("a"), hiss()).consonant is Consonant.HISS
    assert seen(vowel("a"), hiss(1500, 9500, peak=1500)).consonant is Consonant.TEETH_ON_LIP
    hum = seen(vowel("a"), nasal())
    assert hum.consonant is Consonant.CLOSED
    assert hum.opening < 0.05


def test_silence_closes_the_mouth_within_a_fifth_of_a_second() -> None:
    mouth = seen(vowel("a"), quiet(0.2))
    assert mouth.loudness == 0
    assert mouth.opening < 0.05
    assert mouth.consonant is Consonant.NONE


def test_a_soft_voice_opens_the_mouth_too() -> None:
    assert seen(vowel("a", peak=1200, seconds=1.0)).opening > 0.5


def test_hiss_of_the_line_is_silence() -> None:
    assert seen(hiss(100, 10000, peak=40)) == MouthShape()


@settings(deadline=None, max_examples=30)
@given(arrays(np.int16, st.integers(0, 2 * WINDOW_SAMPLES)))
def test_any_sound_gives_a_mouth_within_its_limits(sound: Samples) -> None:
    reader = VisemeEstimator()
    mouth = [reader.estimate(sound) for _ in range(3)][-1]
    assert 0 <= mouth.opening <= 1
    assert -1 <= mouth.spread <= 1
    assert 0 <= mouth.loudness <= 1


def test_levels_are_in_dbfs() -> None:
    t = np.arange(WINDOW_SAMPLES)
    sine = (16384 * np.sin(2 * np.pi * 500 * t / 48_000)).astype(np.int16)
    assert analyze(sine).level_db == pytest.approx(-9.03, abs=0.1)
