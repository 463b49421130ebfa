"""Turns detected in real speech, and in what is no speech."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas_desktop.local_atlas.agent.speech_synthesis import TextToSpeech, VoiceProfile, system_synthesizer
from atlas_desktop.local_atlas.agent.turn_detection import (
    MAX_TURN_MS,
    TurnContinued,
    TurnDetector,
    TurnEnded,
    TurnEvent,
    TurnStarted,
)
from atlas_desktop.local_atlas.interfaces import SAMPLE_RATE_HZ, Pcm

from .sounds import clicks, hum, mixed, noise, silence

SENTENCE = "Good morning, this is a whole sentence."


async def spoken(text: str) -> Pcm:
    if shutil.which("espeak-ng") is None:
        pytest.fail("espeak-ng is missing: packaging/setup.sh run")
    profile = VoiceProfile("en-us+m3", 40)
    return await TextToSpeech(profile, system_synthesizer(profile, "linux")).synthesize(text)


def events_of(detector: TurnDetector, *sounds: Pcm) -> list[tuple[float, TurnEvent]]:
    """Return the events of a detector, each with its time in seconds, without ``TurnContinued``."""
    sound = np.concatenate(sounds)
    events = []
    for start in range(0, len(sound), 960):
        at_s = min(len(sound), start + 960) / SAMPLE_RATE_HZ
        events += [(at_s, event) for event in detector.process(sound[start : start + 960])]
    return [(at_s, event) for at_s, event in events if not isinstance(event, TurnContinued)]


async def test_a_sentence_is_a_turn_with_its_whole_sound() -> None:
    speech = await spoken(SENTENCE)
    detector = TurnDetector()
    (began_s, began), (ended_s, ended) = events_of(detector, silence(1), speech, silence(1.5))
    assert isinstance(began, TurnStarted)
    assert isinstance(ended, TurnEnded)
    assert 0.1 <= began_s - 1 <= 0.35
    assert 0.5 <= ended_s - 1 - len(speech) / SAMPLE_RATE_HZ <= 0.8
    assert ended.has_words
    padded = np.concatenate([silence(1), speech, silence(1)])
    assert np.array_equal(ended.audio, padded[_find(padded, ended.audio) :][: len(ended.audio)])
    assert abs(len(ended.audio) - len(speech)) < 0.6 * SAMPLE_RATE_HZ
    assert not detector.in_turn


def _find(whole: Pcm, part: Pcm) -> int:
    for start in range(0, len(whole) - len(part) + 1, 960):
        if np.array_equal(whole[start : start + len(part)], part):
            return start
    raise AssertionError("the turn's sound is no part of what was heard")


async def test_a_breath_within_a_sentence_does_not_end_it() -> None:
    speech = await spoken(SENTENCE)
    events = events_of(TurnDetector(), silence(1), speech, silence(0.4), speech, silence(1))
    assert len(events) == 2


async def test_two_sentences_apart_are_two_turns() -> None:
    speech = await spoken(SENTENCE)
    events = events_of(TurnDetector(), silence(1), speech, silence(1), speech, silence(1))
    assert len(events) == 4


async def test_speech_over_a_fan_is_heard() -> None:
    speech = np.concatenate([silence(1), await spoken(SENTENCE), silence(1)])
    events = events_of(TurnDetector(), mixed(speech, noise(10, -50)))
    assert [type(event) for _, event in events] == [TurnStarted, TurnEnded]


@pytest.mark.parametrize(
    "sound",
    [silence(4), noise(4, -30), noise(4, -45), noise(4, -65), clicks(4), hum(4, 60)],
    ids=["silence", "loud noise", "noise", "hiss", "clicks", "faint hum"],
)
def test_what_is_no_speech_is_no_turn(sound: Pcm) -> None:
    assert events_of(TurnDetector(), silence(1), sound) == []


def test_a_steady_tone_stops_counting_by_itself() -> None:
    events = events_of(TurnDetector(), silence(1), hum(8))
    assert [type(event) for _, event in events] == [TurnStarted, TurnEnded]
    assert events[1][0] < 4.5


async def test_a_monologue_is_cut_at_the_limit() -> None:
    speech = await spoken(SENTENCE)
    events = events_of(TurnDetector(), *([speech, silence(0.2)] * 20))
    ended = next(event for _, event in events if isinstance(event, TurnEnded))
    assert ended.duration_ms == MAX_TURN_MS


async def test_while_the_avatar_speaks_a_louder_and_longer_voice_is_needed() -> None:
    speech = await spoken(SENTENCE)
    guarded = TurnDetector()
    guarded.avatar_speaks = True
    events = events_of(guarded, silence(1), speech, silence(1))
    assert [type(event) for _, event in events] == [TurnStarted, TurnEnded]
    assert events[0][0] - 1 >= 0.3
    quiet = TurnDetector()
    quiet.avatar_speaks = True
    assert events_of(quiet, silence(1), speech // 20, silence(1)) == []


async def test_a_short_echo_after_a_barge_in_is_not_worth_an_answer() -> None:
    detector = TurnDetector()
    detector.avatar_speaks = True
    echo = (await spoken(SENTENCE))[: SAMPLE_RATE_HZ * 45 // 100]
    events = events_of(detector, silence(1), echo, silence(1))
    assert isinstance(events[-1][1], TurnEnded)
    assert not events[-1][1].has_words


async def test_a_microphone_that_goes_ends_its_turn() -> None:
    detector = TurnDetector()
    assert detector.finish() is None
    events_of(detector, silence(0.5), (await spoken(SENTENCE))[:SAMPLE_RATE_HZ])
    assert detector.in_turn
    ended = detector.finish()
    assert ended is not None
    assert ended.has_words
    assert not detector.in_turn


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_blocks_of_any_length_are_told_alike(lengths: list[int]) -> None:
    sound = np.concatenate([silence(0.3), hum(1.2), silence(1)])
    pieces: list[Pcm] = []
    at = 0
    while at < len(sound):
        pieces.append(sound[at : at + lengths[len(pieces) % len(lengths)]])
        at += len(pieces[-1])
    odd, even = TurnDetector(), TurnDetector()
    cut = [event for piece in pieces for event in odd.process(piece)]
    whole = even.process(sound)
    assert [type(event) for event in cut] == [type(event) for event in whole]
    assert np.array_equal(_sound_of(cut), _sound_of(whole))


def _sound_of(events: list[TurnEvent]) -> Pcm:
    return next(event.audio for event in events if isinstance(event, TurnEnded))
