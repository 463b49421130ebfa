"""How much the sound server is asked to keep."""

import os
import sys

import pytest

from atlas_desktop.audio.server import LATENCIES_MS, ServerBuffer, ask_for_low_latency

NAME = "PULSE_LATENCY_MSEC"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the server is PulseAudio")


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set and deleted again: what the tests write is taken back after them.
    monkeypatch.setenv(NAME, "")
    monkeypatch.delenv(NAME)


def dry(buffer: ServerBuffer, at_s: float, times: int = 3, apart_s: float = 0.5) -> bool:
    return True in [buffer.lost(at_s + number * apart_s) for number in range(times)]


def test_what_the_user_asked_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "200")
    ask_for_low_latency()
    buffer = ServerBuffer()
    assert not dry(buffer, 10.0)
    assert (os.environ[NAME], buffer.extra_ms) == ("200", 0.0)


def test_a_server_that_runs_dry_again_and_again_is_asked_for_more_step_by_step() -> None:
    ask_for_low_latency()
    buffer, asked = ServerBuffer(), []
    for at_s in (10.0, 20.0, 30.0):
        asked.append((dry(buffer, at_s), os.environ[NAME], buffer.extra_ms))
    first, second, third = LATENCIES_MS
    assert asked == [
        (True, str(second), second - first),
        (True, str(third), third - first),
        (False, str(third), third - first),
    ]


def test_now_and_then_is_no_reason() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    assert not dry(buffer, 10.0, times=20, apart_s=3.0)
    assert buffer.extra_ms == 0.0


def test_after_calm_minutes_less_will_do_with_the_next_opening() -> None:
    ask_for_low_latency()
    buffer = ServerBuffer()
    dry(buffer, 10.0)
    buffer.opening(60.0)
    assert buffer.extra_ms > 0
    buffer.opening(140.0)
    assert (buffer.extra_ms, os.environ[NAME]) == (0.0, str(LATENCIES_MS[0]))
