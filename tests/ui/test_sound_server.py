"""How much the sound server is asked to keep."""

import os
import sys

import pytest

from atlas_desktop.audio.server_buffer import LATENCIES_MS, ServerBuffer, ask_for_low_latency

NAME = "PULSE_LATENCY_MSEC"
LEAST_MS, USUAL_MS, MORE_MS, *_ = LATENCIES_MS
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the server is PulseAudio")


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set and deleted again: what the tests write is taken back after them.
    monkeypatch.setenv(NAME, "")
    monkeypatch.delenv(NAME)


def dry(
    buffer: ServerBuffer,
    at_s: float,
    times: int = 3,
    apart_s: float = 0.5,
    is_pause: bool = False,
    lost_ms: float = 4.0,
) -> bool:
    """Runs dry so often; whether it then asked for more."""
    asked = False
    for number in range(times):
        buffer.note_underrun(at_s + number * apart_s, lost_ms)
        asked |= buffer.should_reopen(at_s + number * apart_s, is_pause)
    return asked


def test_what_the_user_asked_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "200")
    ask_for_low_latency()
    buffer = ServerBuffer()
    assert not dry(buffer, 10.0)
    assert (os.environ[NAME], buffer.extra_ms) == ("200", 0.0)


def test_a_server_that_runs_dry_again_and_again_is_asked_for_more_step_by_step() -> None:
    ask_for_low_latency()
    buffer, asked = ServerBuffer(), []
    for at_s in (10.0, 20.0, 30.0, 40.0):
        asked.append((dry(buffer, at_s), os.environ[NAME], buffer.extra_ms))
    more = LATENCIES_MS[2:]
    assert asked == [
        *((True, str(latency_ms), latency_ms - USUAL_MS) for latency_ms in more),
        (False, str(more[-1]), more[-1] - USUAL_MS),
    ]


def test_it_is_asked_for_as_much_as_would_have_been_enough() -> None:
    ask_for_low_latency()
    for lost_ms, enough_ms in ((10.0, 25), (40.0, 60), (400.0, 150)):
        buffer = ServerBuffer()
        os.environ[NAME] = str(USUAL_MS)
        assert dry(buffer, 10.0, lost_ms=lost_ms)
        assert os.environ[NAME] == str(enough_ms)


def test_now_and_then_it_waits_for_a_pause() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    assert not dry(buffer, 10.0, times=4, apart_s=7.0)
    assert buffer.should_reopen(32.0, is_pause=True)
    assert buffer.extra_ms == MORE_MS - USUAL_MS
    # That was an answer to all of them.
    assert not buffer.should_reopen(33.0, is_pause=True)


def test_where_there_is_no_pause_it_waits_for_a_few_more() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    assert not dry(buffer, 10.0, times=5, apart_s=7.0)
    assert dry(buffer, 45.0, times=1)


def test_seldom_is_no_reason() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    assert not dry(buffer, 10.0, times=20, apart_s=31.0, is_pause=True)
    assert buffer.extra_ms == 0.0


def test_after_calm_minutes_less_will_do_with_the_next_opening() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    dry(buffer, 10.0)
    buffer.prepare_opening(60.0)
    assert buffer.extra_ms > 0
    buffer.prepare_opening(140.0)
    assert (buffer.extra_ms, os.environ[NAME]) == (0.0, str(USUAL_MS))
    # Without better threads that is the least.
    buffer.prepare_opening(400.0)
    assert buffer.extra_ms == 0.0


def test_after_calm_minutes_less_will_do_from_a_pause_on_step_by_step() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    dry(buffer, 10.0, lost_ms=40.0)
    assert buffer.extra_ms == 60 - USUAL_MS
    assert not buffer.should_reopen(140.0, is_pause=False)
    assert buffer.should_reopen(140.0, is_pause=True)
    # Opened anew for that, it stays at that.
    buffer.prepare_opening(140.1)
    assert buffer.extra_ms == MORE_MS - USUAL_MS
    assert not buffer.should_reopen(200.0, is_pause=True)
    assert buffer.should_reopen(270.0, is_pause=True)
    assert not buffer.should_reopen(800.0, is_pause=True)
    assert buffer.extra_ms == 0.0


def test_leave_that_comes_late_is_used_in_the_next_pause() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    buffer.prepare_opening(5.0)
    buffer.expect_low_latency()
    assert not buffer.should_reopen(6.0, is_pause=False)
    assert buffer.should_reopen(7.0, is_pause=True)
    assert buffer.extra_ms == LEAST_MS - USUAL_MS


def test_threads_that_go_first_need_less_until_it_is_seen_not_to_do() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    buffer.expect_low_latency()
    buffer.prepare_opening(5.0)
    assert (buffer.extra_ms, os.environ[NAME]) == (LEAST_MS - USUAL_MS, str(LEAST_MS))
    assert dry(buffer, 10.0)
    assert buffer.extra_ms == 0.0
    buffer.prepare_opening(60.0)
    assert buffer.extra_ms == 0.0
    # Nor is it tried again in calmer times.
    buffer.expect_low_latency()
    buffer.prepare_opening(600.0)
    assert buffer.extra_ms == 0.0


def test_threads_that_go_first_and_are_late_once_are_given_more_in_the_next_pause() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    buffer.expect_low_latency()
    buffer.prepare_opening(5.0)
    buffer.note_underrun(10.0, 4.0)
    assert not buffer.should_reopen(10.0, is_pause=False)
    assert buffer.should_reopen(11.0, is_pause=True)
    assert buffer.extra_ms == 0.0


def test_a_server_that_waits_its_turn_is_asked_for_more_from_the_start() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    buffer.expect_low_latency()
    buffer.set_server_realtime(False)
    buffer.prepare_opening(5.0)
    assert (buffer.extra_ms, os.environ[NAME]) == (MORE_MS - USUAL_MS, str(MORE_MS))
    # At no more than 10 ms of delay; and it is not asked for less in calm times.
    assert buffer.extra_ms <= 10.0
    buffer.prepare_opening(600.0)
    assert not buffer.should_reopen(600.0, is_pause=True)
    assert buffer.extra_ms == MORE_MS - USUAL_MS
