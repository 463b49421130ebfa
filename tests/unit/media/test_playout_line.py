"""The whole of the playout on a simulated card: what it holds, and what is heard of it."""

import numpy as np
import pytest

from atlas_desktop.media.blocks import Block, silence
from atlas_desktop.media.playout_level import TARGET_MS, samples_of
from tests.unit.media.cards import PEAK, Desk, late_writers

STEP_OF_TONE = round(PEAK * 2 * np.pi * 200 / 48_000) + 3
# A fade within 5 ms moves by so much more.
STEP_OF_FADE = STEP_OF_TONE + PEAK // 240 + 2
# A soft fade is steeper in its middle.
STEP_OF_SEAM = STEP_OF_TONE + round(PEAK / 240 * np.pi / 2) + 3


def heard(desk: Desk) -> Block:
    return np.concatenate(desk.played)


def step(sound: Block) -> int:
    return int(np.abs(np.diff(sound.astype(np.int32), axis=0)).max())


def lows(desk: Desk) -> list[float]:
    levels = [seen.level_ms for seen in desk.seen]
    return [min(levels[at : at + 24]) for at in range(0, len(levels), 24)]


@pytest.mark.parametrize("ppm", [500.0, -500.0])
def test_a_usual_card_is_held_without_a_cut_or_a_gap(ppm: float) -> None:
    desk = Desk(ppm=ppm, late_ms=late_writers(rare_ms=3.0), keep=True)
    desk.run(20.0)
    assert desk.counters.cuts + desk.counters.underruns + desk.counters.starved + desk.counters.concealed == 0
    assert all(abs(low_ms - TARGET_MS) < 5 for low_ms in lows(desk)[15:])
    assert step(heard(desk)[samples_of(100) :]) <= STEP_OF_TONE


@pytest.mark.parametrize("ppm", [20_000.0, -20_000.0])
def test_a_card_that_lies_is_held_after_a_few_seconds(ppm: float) -> None:
    desk = Desk(ppm=ppm)
    desk.run(20.0)
    before = (desk.counters.cuts, desk.counters.concealed, desk.dry_ms)
    desk.run(20.0)
    assert (desk.counters.cuts, desk.counters.concealed, desk.dry_ms) == before
    assert desk.counters.drift_ppm == pytest.approx(ppm, abs=200)


def test_after_a_stall_of_two_seconds_the_delay_is_back_within_one() -> None:
    desk = Desk(keep=True)
    desk.run(5.0)
    desk.stall(2.0)
    desk.run(1.0)
    assert lows(desk)[-1] <= desk.counters.target_ms + 6
    assert desk.counters.underruns == 1


@pytest.mark.parametrize("gap_ms", [20, 30, 50])
def test_a_short_gap_is_bridged(gap_ms: int) -> None:
    desk = Desk(keep=True)
    desk.run(2.0)
    desk.now_ms += gap_ms
    for _ in range(gap_ms // 10):
        desk.arrive(next(desk.source), desk.now_ms)
    desk.run(1.0)
    assert desk.counters.concealed == 1
    assert desk.counters.starved + desk.counters.underruns == 0
    sound = heard(desk)[samples_of(100) :]
    assert step(sound) <= STEP_OF_SEAM
    # Never silent for more than a fade.
    peaks = np.abs(sound[: len(sound) // 480 * 480, 0]).reshape(-1, 480).max(axis=1)
    assert peaks.min() > PEAK // 8


def test_a_gap_makes_the_target_grow() -> None:
    desk = Desk()
    desk.run(2.0)
    desk.arrive(next(desk.source), desk.now_ms + 30)
    assert desk.counters.target_ms > TARGET_MS


def test_a_card_that_ran_dry_amid_speech_before_anybody_could_bridge_it_makes_the_target_grow() -> None:
    desk = Desk()
    desk.run(2.0)
    given = desk.line.write(next(desk.source), 0.0)
    assert (desk.counters.starved, desk.counters.concealed) == (1, 0)
    assert desk.counters.target_ms > TARGET_MS
    # The gap is there already: at once it is made as long as it takes for that.
    assert len(given) - 480 >= samples_of(desk.counters.target_ms)


def test_a_card_that_was_opened_or_played_silence_needs_no_more() -> None:
    desk = Desk()
    desk.run(0.5)
    desk.source = iter([silence(480, 2)] * 1_000)
    desk.run(0.5)
    desk.line.write(next(desk.source), 0.0)
    assert (desk.counters.starved, desk.counters.target_ms) == (1, TARGET_MS)


@pytest.mark.parametrize("why", ["mute", "interrupt", "silence"])
def test_nothing_is_made_up_where_nothing_was_heard(why: str) -> None:
    desk = Desk(keep=True)
    desk.run(1.0)
    if why == "mute":
        desk.control.muted = True
    elif why == "interrupt":
        desk.control.close()
    else:
        desk.source = iter([silence(480, 2)] * 1_000)
    desk.run(0.2)
    desk.played.clear()
    desk.arrive(silence(480, 2), desk.now_ms + 50)
    assert not heard(desk).any()
    assert desk.counters.concealed == 0


def test_volume_and_mute_never_click() -> None:
    desk = Desk(ppm=300.0, keep=True)
    desk.run(1.0)
    for volume in (10, 100, 0, 55, 100, 1, 100):
        desk.control.volume = volume
        desk.run(0.03)
    for muted in (True, False, True, False):
        desk.control.muted = muted
        desk.run(0.013)
    desk.run(0.1)
    assert step(heard(desk)[samples_of(100) :]) <= STEP_OF_FADE


def test_another_card_begins_anew_and_the_same_one_keeps_its_clock() -> None:
    desk = Desk(ppm=500.0)
    desk.run(20.0)
    desk.line.renew(same_card=True)
    desk.level_ms = 0.0
    desk.run(0.1)
    assert desk.counters.drift_ppm == pytest.approx(500, abs=60)
    desk.line.renew()
    desk.level_ms = 0.0
    desk.run(0.02)
    assert desk.counters.drift_ppm == 0


def test_a_backlog_is_left_out_without_a_click() -> None:
    desk = Desk(keep=True)
    desk.run(1.0)
    # The card stood still for 50 ms, as one that blocks does.
    desk.card_ms += 50.0
    desk.run(1.0)
    assert 1 <= desk.counters.cuts <= 2
    assert lows(desk)[-1] <= TARGET_MS + 6
    assert step(heard(desk)[samples_of(100) :]) <= STEP_OF_SEAM
