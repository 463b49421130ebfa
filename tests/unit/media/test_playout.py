from collections.abc import Callable, Iterator

import numpy as np
import pytest

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block, silence
from atlas_desktop.media.level import rms_dbfs
from atlas_desktop.media.playout import PlayoutControl, volume_gain
from atlas_desktop.media.playout_level import (
    KEPT_MS,
    NO_CORRECTION,
    PAD_MORE_MS,
    TARGET_MOST_MS,
    TARGET_MS,
    PlayoutLevel,
    samples_of,
)

PEAK = 10_000
BLOCK = 960


def tones(frequency_hz: float = 200.0) -> Iterator[Block]:
    """One endless tone in blocks of 20 ms, int16 (960, 2)."""
    at = 0
    while True:
        ticks = np.arange(at, at + BLOCK)
        mono = (PEAK * np.sin(2 * np.pi * frequency_hz * ticks / SAMPLE_RATE_HZ)).astype(np.int16)
        yield np.repeat(mono[:, np.newaxis], 2, axis=1)
        at += BLOCK


def largest_step(*blocks: Block) -> int:
    sound = np.concatenate(blocks).astype(np.int32)
    return int(np.abs(np.diff(sound, axis=0)).max())


# A 200 Hz tone moves by so much a sample by itself.
STEP_OF_TONE = int(PEAK * 2 * np.pi * 200 / SAMPLE_RATE_HZ) + 2
# A fade over 240 samples moves by so much more.
STEP_OF_FADE = STEP_OF_TONE + PEAK // 240 + 2


def play(control: PlayoutControl, source: Iterator[Block], blocks: int) -> Block:
    return np.concatenate([control.process(next(source)) for _ in range(blocks)])


def test_full_volume_changes_nothing() -> None:
    block = next(tones())
    assert np.array_equal(PlayoutControl(volume=100).process(block), block)


@pytest.mark.parametrize(("volume", "gain"), [(-5, 0.0), (0, 0.0), (50, 0.25), (100, 1.0), (120, 1.0)])
def test_the_volume_is_even_to_the_ear(volume: int, gain: float) -> None:
    assert volume_gain(volume) == pytest.approx(gain)


def test_a_change_of_volume_is_a_ramp() -> None:
    control, source = PlayoutControl(volume=100), tones()
    before = play(control, source, 2)
    control.volume = 20
    after = play(control, source, 3)
    control.muted = True
    muted = play(control, source, 2)
    control.muted = False
    again = play(control, source, 2)
    assert largest_step(before, after, muted, again) <= STEP_OF_FADE
    assert np.abs(after[BLOCK:]).max() == pytest.approx(PEAK * 0.04, abs=2)
    assert not muted[samples_of(5) :].any()
    assert control.volume == 20


@pytest.mark.parametrize("shut", [PlayoutControl.close, PlayoutControl.hold])
def test_an_interrupt_fades_within_5_ms_without_a_click(shut: Callable[[PlayoutControl], None]) -> None:
    control, source = PlayoutControl(volume=100), tones()
    before = play(control, source, 2)
    shut(control)
    assert control.closed
    after = play(control, source, 2)
    assert largest_step(before, after) <= STEP_OF_FADE
    assert not after[samples_of(5) :].any()
    assert not control.sounding or rms_dbfs(after) > -50


def test_a_closed_gate_opens_when_the_remote_sound_was_over_for_150_ms() -> None:
    control, source = PlayoutControl(volume=100), tones()
    play(control, source, 5)
    control.close()
    play(control, source, 15)
    for _ in range(7):
        control.process(silence(BLOCK, 2))
        assert control.closed
    control.process(silence(BLOCK, 2))
    assert not control.closed
    heard = play(control, source, 2)
    assert heard[samples_of(6) :].any()
    assert largest_step(silence(1, 2), heard) <= STEP_OF_FADE


def test_a_pause_in_what_was_on_its_way_does_not_open_the_gate() -> None:
    control, source = PlayoutControl(volume=100), tones()
    control.close()
    for _ in range(9):
        control.process(silence(BLOCK, 2))
    assert not play(control, source, 3)[samples_of(5) :].any()


def test_a_closed_gate_opens_after_a_second_and_a_half_at_the_latest() -> None:
    control, source = PlayoutControl(volume=100), tones()
    control.close()
    assert not play(control, source, 74)[samples_of(5) :].any()
    assert play(control, source, 3).any()


def test_a_held_gate_waits_for_the_agent_and_for_the_old_sound_to_pass() -> None:
    control, source = PlayoutControl(volume=100), tones()
    control.hold()
    assert not play(control, source, 200)[samples_of(5) :].any()
    control.release()
    assert not play(control, source, 12).any()
    assert play(control, source, 3).any()


def test_a_held_gate_opens_at_once_when_it_was_silent_before_the_release() -> None:
    control, source = PlayoutControl(volume=100), tones()
    control.hold()
    play(control, source, 5)
    for _ in range(20):
        control.process(silence(BLOCK, 2))
    control.release()
    assert play(control, source, 1).any()


def test_an_agent_that_reports_nothing_is_heard_again_after_3_s_of_silence() -> None:
    control, source = PlayoutControl(volume=100), tones()
    control.hold()
    for _ in range(150):
        control.process(silence(BLOCK, 2))
    assert play(control, source, 1).any()


def test_a_release_without_a_hold_opens_nothing_early() -> None:
    control, source = PlayoutControl(volume=100), tones()
    control.close()
    control.release()
    assert not play(control, source, 20)[samples_of(5) :].any()


def test_a_new_session_opens_the_gate_at_once() -> None:
    control, source = PlayoutControl(volume=100), tones()
    control.hold()
    assert control.closed
    assert not play(control, source, 3)[samples_of(5) :].any()
    control.open()
    assert play(control, source, 1).any()


def test_who_closes_the_gate_tells_the_sound_thread() -> None:
    told: list[str] = []
    control = PlayoutControl()
    control.on_close(lambda: told.append("closed"))
    control.close()
    control.hold()
    control.open()
    control.on_close(None)
    control.close()
    assert told == ["closed", "closed"]


def test_sounding_says_what_is_heard_not_what_comes() -> None:
    control, source = PlayoutControl(volume=100), tones()
    found = [control.sounding]
    play(control, source, 1)
    found.append(control.sounding)
    control.muted = True
    play(control, source, 6)
    found.append(control.sounding)
    assert found == [False, True, False]


def settled(level_ms: float) -> PlayoutLevel:
    """In the midst of speech."""
    level = PlayoutLevel()
    for _ in range(100):
        level.correction(TARGET_MS, 20.0)
    for _ in range(11):
        level.correction(level_ms, 20.0)
    return level


def test_an_empty_device_gets_silence_first() -> None:
    assert PlayoutLevel().correction(0.2, 20.0).pad_ms == TARGET_MS + PAD_MORE_MS


def test_after_a_long_stall_what_does_not_fit_is_left_out() -> None:
    assert 400.0 - PlayoutLevel().correction(0.0, 400.0).cut_ms == KEPT_MS
    assert 60.0 + 80.0 - PlayoutLevel().correction(60.0, 80.0).cut_ms <= 100.0


@pytest.mark.parametrize("level_ms", [3.0, TARGET_MS, 13.0, 20.0])
def test_near_the_target_nothing_is_done_at_once(level_ms: float) -> None:
    assert settled(level_ms).correction(level_ms, 20.0) == NO_CORRECTION


def test_far_too_much_is_cut_at_once() -> None:
    assert settled(55.0).correction(55.0, 20.0).cut_ms == pytest.approx(55.0 - TARGET_MS)


def test_a_pause_is_cut_before_speech_is() -> None:
    assert settled(20.0).correction(20.0, 20.0, loudness_dbfs=-70.0).cut_ms == pytest.approx(12.0)


def test_what_comes_first_is_brought_to_the_target_at_once_and_exactly() -> None:
    level = PlayoutLevel()
    level.correction(0.0, 10.0)
    found = [level.correction(TARGET_MS + 4.0, 10.0) for _ in range(30)]
    assert [each.cut_ms for each in found if each.cut_ms] == [pytest.approx(4.0)]
    assert not any(each.is_heard for each in found if each.cut_ms)


def test_a_cut_is_known_at_once_to_whoever_reckons_with_the_level() -> None:
    level = settled(55.0)
    level.correction(55.0, 20.0)
    assert level.low_ms == TARGET_MS


def test_one_late_writer_is_no_reason_to_cut() -> None:
    level = settled(TARGET_MS)
    assert level.correction(45.0, 20.0) == NO_CORRECTION


def test_a_device_that_stays_full_is_emptied() -> None:
    # Each write finds a little too much: cutting that alone would leave it full for good.
    level, held_ms = PlayoutLevel(), 70.0
    for _ in range(14):
        held_ms += 21.0 - level.correction(held_ms, 21.0).cut_ms - 20.0
    assert held_ms < 20


def test_quiet_is_silence_that_the_user_did_not_choose() -> None:
    control, source = PlayoutControl(volume=100), tones()
    before = play(control, source, 2)
    control.quiet = True
    quiet = play(control, source, 2)
    assert not control.muted
    control.quiet = False
    again = play(control, source, 2)
    assert largest_step(before, quiet, again) <= STEP_OF_FADE
    assert not quiet[samples_of(5) :].any()
    assert np.abs(again[BLOCK:]).max() == PEAK


def test_the_target_grows_when_it_ran_short_and_shrinks_in_calm() -> None:
    level = PlayoutLevel()
    for _ in range(9):
        level.ran_short()
    assert level.target_ms == TARGET_MOST_MS
    for _ in range(30_000):
        level.correction(TARGET_MOST_MS, 20.0)
    assert level.target_ms == TARGET_MS
