import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from atlas_desktop.errors import AppError, BugError
from atlas_desktop.media.blocks import ArrayReader
from atlas_desktop.media.feeder import Feeder
from atlas_desktop.media.speaker import ClipEvent, ClipFinished, ClipStarted
from tests.attempts import timing_sensitive
from tests.unit.media.stand_ins import Ears, FakeReader, FakeSink, count_up, until


@pytest.fixture
def feeder() -> Iterator[Feeder]:
    feeder = Feeder()
    yield feeder
    feeder.close()
    assert "media-feeder" not in {thread.name for thread in threading.enumerate()}


@timing_sensitive
def test_a_clip_is_handed_over_whole_and_in_real_time(feeder: Feeder) -> None:
    sink, ears = FakeSink(), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    clip = ArrayReader(count_up(19_200))
    began = time.monotonic()
    feeder.play(clip)
    until(lambda: ears.kinds == ["ClipStarted", "ClipFinished"])
    assert 0.39 < time.monotonic() - began < 0.7
    assert np.array_equal(sink.samples, count_up(19_200))
    started = ears.events[0]
    assert isinstance(started, ClipStarted)
    assert 0 <= sink.times_s[0] - started.first_block_monotonic_us / 1e6 < 0.01
    assert ears.events[1] == ClipFinished(clip)
    assert feeder.underruns == 0
    assert not feeder.playing


@timing_sensitive
def test_the_first_block_is_handed_over_at_once(feeder: Feeder) -> None:
    sink = FakeSink()
    feeder.attach(sink)
    time.sleep(0.03)
    began = time.monotonic()
    feeder.play(ArrayReader(count_up(48_000)))
    until(lambda: bool(sink.times_s))
    assert sink.times_s[0] - began < 0.03


@timing_sensitive
def test_no_more_than_the_lead_is_ahead(feeder: Feeder) -> None:
    sink = FakeSink()
    feeder.attach(sink)
    feeder.play(ArrayReader(count_up(96_000)))
    time.sleep(0.15)
    assert 0.2 <= len(sink.samples) / 48_000 <= 0.36
    assert feeder.position_s == pytest.approx(0.15, abs=0.06)


def test_two_clips_follow_each_other_without_a_gap(feeder: Feeder) -> None:
    sink, ears = FakeSink(), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    feeder.play(ArrayReader(count_up(5001)))
    feeder.follow_with(ArrayReader(count_up(5000, start=10_000)))
    until(lambda: ears.kinds.count("ClipFinished") == 2)
    wanted = np.concatenate((count_up(5001), count_up(5000, start=10_000)))
    assert np.array_equal(sink.samples[:10_001], wanted)
    assert not sink.samples[10_001:].any()
    assert sink.clears == 0


def test_a_new_clip_replaces_the_old_on_the_wire(feeder: Feeder) -> None:
    sink = FakeSink()
    feeder.attach(sink)
    old = ArrayReader(np.full(48_000, 1, np.int16))
    feeder.play(old)
    until(lambda: bool(sink.blocks))
    feeder.play(ArrayReader(np.full(4800, 2, np.int16)))
    until(lambda: 2 in sink.samples)
    assert sink.clears >= 1
    assert {int(block[0, 0]) for block in sink.queued} == {2}
    assert old.finished


@pytest.mark.parametrize("delay_s", [0.0, 0.03])
def test_interrupt_leaves_nothing_in_the_queue(feeder: Feeder, delay_s: float) -> None:
    sink, ears = FakeSink(delay_s), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    feeder.play(ArrayReader(np.full(96_000, 1, np.int16)))
    feeder.follow_with(ArrayReader(np.full(4800, 2, np.int16)))
    until(lambda: len(sink.times_s) > 1)
    feeder.interrupt()
    until(lambda: sink.clears >= 1)
    time.sleep(0.1)
    assert sink.queued == []
    assert 2 not in sink.samples
    assert ears.kinds == ["ClipStarted"]
    assert not feeder.playing


@timing_sensitive
def test_interrupt_reaches_the_wire_within_one_block(feeder: Feeder) -> None:
    sink = FakeSink()
    feeder.attach(sink)
    feeder.play(ArrayReader(np.full(96_000, 1, np.int16)))
    until(lambda: bool(sink.blocks))
    began = time.monotonic()
    feeder.interrupt()
    until(lambda: sink.clears >= 1)
    assert time.monotonic() - began < 0.03


def test_pause_loses_and_repeats_nothing_but_the_fade(feeder: Feeder) -> None:
    sink, ears = FakeSink(), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    feeder.play(ArrayReader(count_up(24_000)))
    until(lambda: len(sink.samples) >= 4800)
    time.sleep(0.1)
    feeder.pause()
    until(lambda: sink.clears == 1)
    time.sleep(0.05)
    before = len(sink.samples)
    at_s = feeder.position_s
    tail = np.concatenate(sink.queued).ravel()
    assert len(tail) == 480
    time.sleep(0.1)
    assert len(sink.samples) == before
    assert not feeder.playing
    assert feeder.position_s == at_s
    feeder.resume()
    until(lambda: ears.kinds == ["ClipStarted", "ClipFinished"])
    again = sink.samples[before:]
    wanted = count_up(24_000)[round(at_s * 48_000) :]
    assert np.array_equal(again[240:], wanted[240:])
    assert np.array_equal(again[:240] + tail[:240], wanted[:240])
    assert not tail[240:].any()


@pytest.mark.parametrize("stop", [Feeder.pause, Feeder.hold])
def test_the_position_stays_where_it_stopped_while_the_queue_is_taken_back(
    feeder: Feeder, stop: Callable[[Feeder], None]
) -> None:
    sink = FakeSink()
    feeder.attach(sink)
    feeder.play(ArrayReader(count_up(96_000)))
    until(lambda: feeder.position_s > 0.1)
    feeder.loop.call_soon_threadsafe(time.sleep, 0.1)
    stop(feeder)
    at_once_s = feeder.position_s
    until(lambda: sink.clears >= 1)
    assert at_once_s <= feeder.position_s + 0.01


@pytest.mark.parametrize("paused", [False, True])
def test_seek_goes_on_elsewhere_and_leaves_nothing_old(feeder: Feeder, paused: bool) -> None:
    sink, ears = FakeSink(), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    feeder.play(ArrayReader(count_up(28_800)))
    until(lambda: len(sink.samples) >= 4800)
    if paused:
        feeder.pause()
        time.sleep(0.05)
    before = len(sink.samples)
    feeder.seek(0.5)
    if paused:
        time.sleep(0.05)
        assert (feeder.position_s, len(sink.samples)) == (0.5, before)
        feeder.resume()
    until(lambda: ears.kinds == ["ClipStarted", "ClipFinished"])
    assert np.array_equal(sink.samples[-4560:], count_up(28_800)[24_240:])
    assert sink.clears >= 1
    old = np.concatenate(sink.queued)[:-4800].ravel()
    assert len(old) == (0 if paused else 480)
    assert not old[240:].any()


def test_seek_back_from_a_clips_end_and_past_it(feeder: Feeder) -> None:
    sink, ears = FakeSink(), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    feeder.play(ArrayReader(count_up(9600)))
    until(lambda: len(sink.samples) == 9600)
    feeder.seek(0.1)
    until(lambda: ears.kinds == ["ClipStarted", "ClipFinished"])
    assert np.array_equal(sink.samples[-4560:], count_up(9600)[5040:])
    feeder.play(ArrayReader(count_up(96_000)))
    until(lambda: len(ears.kinds) == 3)
    feeder.seek(5.0)
    until(lambda: len(ears.kinds) == 4, 0.5)


def test_seek_of_what_cannot_changes_nothing(feeder: Feeder) -> None:
    sink, reader = FakeSink(), FakeReader()
    feeder.attach(sink)
    feeder.seek(1.0)
    feeder.play(reader)
    reader.give(7)
    feeder.seek(1.0)
    sink.wait_for(480)
    assert set(sink.samples) == {7}


def test_a_clip_given_before_the_sink_waits_for_it(feeder: Feeder) -> None:
    feeder.play(ArrayReader(count_up(480)))
    assert feeder.playing
    sink = FakeSink()
    feeder.attach(sink)
    until(lambda: len(sink.samples) == 480)


def test_after_detach_nothing_is_handed_over_and_the_clip_goes_on_elsewhere(feeder: Feeder) -> None:
    first, second = FakeSink(), FakeSink()
    feeder.attach(first)
    feeder.play(ArrayReader(count_up(48_000)))
    until(lambda: bool(first.blocks))
    feeder.detach()
    time.sleep(0.03)
    count = len(first.samples)
    time.sleep(0.15)
    assert len(first.samples) == count
    feeder.attach(second)
    until(lambda: bool(second.blocks))
    assert second.samples[0] == count_up(48_000)[count]


def test_a_slow_sink_paces_the_feeder_and_loses_nothing(feeder: Feeder) -> None:
    sink, ears = FakeSink(delay_s=0.12), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    feeder.play(ArrayReader(count_up(14_400)))
    until(lambda: "ClipFinished" in ears.kinds)
    assert np.array_equal(sink.samples, count_up(14_400))


def test_a_late_reader_counts_as_an_underrun_but_opening_does_not(feeder: Feeder) -> None:
    sink, reader = FakeSink(), FakeReader()
    feeder.attach(sink)
    feeder.play(reader)
    underruns = []
    for count in (1, 2):
        time.sleep(0.05)
        reader.give(count)
        sink.wait_for(480 * count)
        underruns.append(feeder.underruns)
    assert underruns == [0, 1]


@timing_sensitive
def test_the_microphone_is_heard_except_while_a_clip_plays(feeder: Feeder) -> None:
    sink, microphone = FakeSink(), FakeReader()
    feeder.attach(sink)
    feeder.set_microphone(microphone)
    was_open = [feeder.microphone_open]
    microphone.give(3, 3)
    until(lambda: 3 in sink.samples)
    feeder.play(ArrayReader(np.full(2400, 9, np.int16)))
    was_open.append(feeder.microphone_open)
    assert was_open == [True, False]
    microphone.give(4)
    until(lambda: 9 in sink.samples)
    ended = time.monotonic()
    until(lambda: feeder.microphone_open)
    assert 0.15 < time.monotonic() - ended < 0.45
    microphone.give(5)
    until(lambda: 5 in sink.samples)
    assert 4 not in sink.samples
    feeder.set_microphone(None)
    assert microphone.closed


@pytest.mark.logs("media.feeder failed")
def test_a_failing_listener_is_reported_and_the_feeder_goes_on() -> None:
    errors: list[AppError] = []
    feeder = Feeder("media-other", errors.append)
    ears = Ears()

    def fail(event: ClipEvent) -> None:
        raise KeyError(event)

    stop = feeder.on_event(fail)
    feeder.on_event(ears)
    feeder.attach(FakeSink())
    feeder.play(ArrayReader(count_up(480)))
    until(lambda: len(ears.events) == 2)
    assert [type(error) for error in errors] == [BugError, BugError]
    stop()
    feeder.play(ArrayReader(count_up(480)))
    until(lambda: len(ears.events) == 4)
    assert len(errors) == 2
    feeder.close()


def test_it_can_be_used_again_after_close(feeder: Feeder) -> None:
    feeder.attach(FakeSink())
    feeder.close()
    sink = FakeSink()
    feeder.attach(sink)
    feeder.play(ArrayReader(count_up(480)))
    until(lambda: len(sink.samples) == 480)


def test_what_nobody_heard_comes_again_after_a_hold(feeder: Feeder) -> None:
    sink, ears = FakeSink(), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    clip = ArrayReader(count_up(48_000))
    feeder.play(clip)
    until(lambda: ears.kinds == ["ClipStarted"])
    started = ears.events[0]
    assert isinstance(started, ClipStarted)
    until(lambda: feeder.position_s > 0.4)
    lost_us = started.first_block_monotonic_us + 200_000
    feeder.hold(lost_us)
    until(lambda: ears.kinds[-1] == "ClipHeld")
    before = len(sink.samples)
    assert not feeder.playing
    assert feeder.position_s == pytest.approx(0.2, abs=0.02)
    feeder.resume()
    time.sleep(0.1)
    assert len(sink.samples) == before
    at_s = feeder.position_s
    feeder.release()
    until(lambda: ears.kinds == ["ClipStarted", "ClipHeld", "ClipReleased", "ClipFinished"])
    again = sink.samples[before:]
    wanted = count_up(48_000)[round(at_s * 48_000) :]
    assert np.array_equal(again[240:], wanted[240:])


def test_a_hold_reaches_back_over_the_end_of_a_clip(feeder: Feeder) -> None:
    sink, ears = FakeSink(), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    feeder.play(ArrayReader(count_up(9600)))
    feeder.follow_with(ArrayReader(count_up(48_000, start=20_000)))
    until(lambda: ears.kinds.count("ClipStarted") == 2)
    started = ears.events[0]
    assert isinstance(started, ClipStarted)
    until(lambda: feeder.position_s > 0.1)
    feeder.hold(started.first_block_monotonic_us + 100_000)
    until(lambda: ears.kinds[-1] == "ClipHeld")
    before = len(sink.samples)
    assert feeder.position_s == 0.0
    feeder.release()
    until(lambda: len(sink.samples) > before + 14_400)
    wanted = np.concatenate((count_up(9600)[4800:], count_up(48_000, start=20_000)))
    assert np.array_equal(sink.samples[before + 240 : before + 14_400], wanted[240:14_400])


def test_the_end_of_the_last_clip_comes_again_when_nobody_heard_it(feeder: Feeder) -> None:
    sink, ears = FakeSink(), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    feeder.play(ArrayReader(count_up(14_400)))
    until(lambda: ears.kinds == ["ClipStarted", "ClipFinished"])
    started = ears.events[0]
    assert isinstance(started, ClipStarted)
    feeder.hold(started.first_block_monotonic_us + 100_000)
    until(lambda: ears.kinds[-1] == "ClipHeld")
    before = len(sink.samples)
    feeder.release()
    until(lambda: ears.kinds[-1] == "ClipFinished")
    assert np.array_equal(sink.samples[before + 240 :], count_up(14_400)[4800 + 240 :])


def test_a_clip_played_while_held_waits_and_one_that_was_paused_stays_so(feeder: Feeder) -> None:
    sink, ears = FakeSink(), Ears()
    feeder.on_event(ears)
    feeder.attach(sink)
    feeder.hold()
    feeder.play(ArrayReader(count_up(4800)))
    until(lambda: ears.kinds[-1:] == ["ClipHeld"])
    assert not feeder.playing
    feeder.pause()
    feeder.release()
    assert not feeder.playing
    feeder.resume()
    until(lambda: ears.kinds[-1] == "ClipFinished")
    assert np.array_equal(sink.samples[-4560:], count_up(4800)[240:])
