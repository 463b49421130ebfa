"""Pushed audio is played whole, in order, soon, and without clicks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas_desktop.local_atlas.avatar.speech_buffer import SpeechBuffer

BLOCK = 960
FADE = 240


def loud(samples: int) -> np.ndarray:
    return np.full(samples, 8000, np.int16)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.one_of(st.integers(1, 3000), st.none()), max_size=40))
def test_every_sample_is_said_once_and_in_order(steps: list[int | None]) -> None:
    """Numbers: push so many samples; none: 20 ms pass. Only fades, at the edges of a block, change any."""
    speech = SpeechBuffer(live=False)
    waiting = np.zeros(0, np.int16)
    pushed = 0
    for step in [*steps, None]:
        if step is None:
            block = speech.take()
            due, waiting = waiting[:BLOCK], waiting[BLOCK:]
            inner = slice(FADE, max(FADE, len(due) - FADE))
            assert (block[inner] == due[inner]).all()
            assert not block[len(due) :].any()
        else:
            piece = np.arange(pushed, pushed + step).astype(np.int16)
            speech.push(piece.reshape(-1, 1))
            waiting = np.concatenate([waiting, piece])
            pushed += step
        assert speech.queued_samples == len(waiting)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 2500), min_size=1, max_size=12))
def test_a_sentence_pushed_in_pieces_comes_out_whole(sizes: list[int]) -> None:
    speech = SpeechBuffer(live=False)
    whole = np.random.default_rng(1).integers(-9000, 9000, sum(sizes)).astype(np.int16)
    for piece in np.split(whole, np.cumsum(sizes)[:-1]):
        speech.push(piece)
    assert speech.queued_samples == len(whole)
    assert (speech.peek(500) == whole[:500]).all()
    heard = np.concatenate([speech.take() for _ in range(len(whole) // BLOCK + 1)])
    inner = slice(FADE, max(FADE, len(whole) - FADE))
    assert (heard[inner] == whole[inner]).all()
    assert not heard[len(whole) :].any()


def test_silence_is_said_when_there_is_nothing() -> None:
    speech = SpeechBuffer(live=True)
    block = speech.take()
    assert block.dtype == np.int16
    assert block.shape == (BLOCK,)
    assert not block.any()
    speech.push(np.zeros((0, 1), np.int16))
    assert speech.queued_samples == 0


@pytest.mark.parametrize("seed", range(8))
def test_live_speech_waits_60_ms_at_most(seed: int) -> None:
    """Packets of 10 ms that come with jitter, seen at the pace of the clock."""
    jitter = np.random.default_rng(seed)
    speech = SpeechBuffer(live=True)
    arrivals_ms = np.sort(np.arange(300) * 10 + jitter.uniform(0, 35, 300))
    offset_ms = jitter.uniform(0, 20)
    number = 0
    delays_ms: dict[int, float] = {}
    for tick in range(160):
        now_ms = tick * 20 + offset_ms
        while number < len(arrivals_ms) and arrivals_ms[number] <= now_ms:
            speech.push(np.full(480, 1000 + 50 * number, np.int16))
            number += 1
        block = speech.take()
        # A packet is known by many samples alike: faded and blended ones have levels of their own.
        values, counts = np.unique(block, return_counts=True)
        for value in values[(counts > 20) & (values >= 1000) & (values % 50 == 0)].tolist():
            place = int(np.argmax(block == value))
            packet = (value - 1000) // 50
            delays_ms.setdefault(packet, now_ms + place / 48 - float(arrivals_ms[packet]))
    assert len(delays_ms) > 250
    assert max(delays_ms.values()) <= 60
    assert list(delays_ms) == sorted(delays_ms)


def test_a_single_packet_is_said_within_60_ms() -> None:
    speech = SpeechBuffer(live=True)
    speech.push(loud(480))
    assert np.concatenate([speech.take() for _ in range(3)]).any()
    assert speech.queued_samples == 0


def test_live_speech_at_an_even_pace_loses_nothing() -> None:
    speech = SpeechBuffer(live=True)
    heard = []
    for number in range(50):
        speech.push(np.full(BLOCK, 1000 + number, np.int16))
        heard.append(speech.take())
    whole = np.concatenate(heard)
    first = int(np.argmax(whole == 1000))
    steady = whole[first:]
    assert (np.diff(steady) >= 0).all()
    assert set(np.unique(steady)) == set(range(1000, int(steady[-1]) + 1))


@pytest.mark.parametrize("live", [True, False])
def test_flush_falls_silent_in_5_ms_and_without_a_click(live: bool) -> None:
    speech = SpeechBuffer(live=live)
    for _ in range(3):
        speech.push(loud(BLOCK))
    assert speech.take().any()
    speech.flush()
    assert speech.queued_samples == 0
    after = np.concatenate([speech.take(), speech.take()])
    assert not after[FADE:].any()
    assert np.abs(np.diff(np.concatenate([[8000], after]).astype(int))).max() <= 8000 / FADE + 60


def test_flush_of_what_was_not_yet_heard_is_silent() -> None:
    speech = SpeechBuffer(live=False)
    speech.push(loud(5000))
    speech.flush()
    assert not speech.take().any()


def test_speech_begins_and_ends_without_a_click() -> None:
    speech = SpeechBuffer(live=False)
    speech.push(loud(1500))
    heard = np.concatenate([speech.take() for _ in range(3)]).astype(int)
    assert np.abs(np.diff(heard)).max() < 100


def test_speech_after_a_flush_is_said() -> None:
    speech = SpeechBuffer(live=False)
    speech.push(loud(4000))
    speech.take()
    speech.flush()
    speech.push(loud(4000))
    speech.take()
    speech.take()
    assert (speech.take() == 8000).all()
