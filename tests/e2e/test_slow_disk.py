"""Disks that take their time, hang or fail, and what is no file at all: the window goes on, nothing is lost."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.slow_disk import SlowDisk, slow_disk
from tests.e2e.accessibility import poll
from tests.e2e.program import Window
from tests.e2e.sounds import make_tone
from tests.e2e.stage import Stage

A_LONG_TIME_S = 10.0


@pytest.fixture(scope="module")
def tone(desk: Stage) -> Path:
    return make_tone_at(desk.new_folder("tone") / "tone.wav")


def make_tone_at(path: Path) -> Path:
    make_tone(path, 700, 1.0)
    return path


@pytest.fixture
def disk(desk: Stage, tone: Path) -> Iterator[SlowDisk]:
    sound = tone.read_bytes()
    with slow_disk(desk.new_folder("slow") / "disk", **{"first.wav": sound, "second.wav": sound}) as disk:
        yield disk


@pytest.fixture
def program(desk: Stage) -> Iterator[Window]:
    with desk.open("--mode", "passthrough") as opened:
        opened.screen.wait("push button", "Rehearse")
        yield opened


def assert_it_answers(program: Window, seconds: float) -> None:
    """The window answers a screen reader all the time: usually at once, never late."""
    button = program.screen.wait("push button", "Rehearse")
    took_s = []
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        asked_s = time.monotonic()
        assert button.name == "Rehearse"
        took_s.append(time.monotonic() - asked_s)
        time.sleep(0.02)
    assert statistics.median(took_s) < 0.1, sorted(took_s)[-5:]
    assert max(took_s) < 1.0, sorted(took_s)[-5:]


def test_a_drop_from_a_disk_that_takes_10_s_a_look_holds_nothing_up_and_arrives(
    desk: Stage, program: Window, disk: SlowDisk, tone: Path
) -> None:
    disk.lookup_s = A_LONG_TIME_S
    desk.drop(program, disk.path("first.wav"), disk.path("second.wav"))
    assert poll(program.cues, 2) == ["first.wav, reading…", "second.wav, reading…"]
    desk.drop(program, tone)
    assert_it_answers(program, 3.0)
    program.wait_cue("^tone.wav, 0:01, waiting$")
    program.wait_cue("^second.wav.*, waiting$", 3 * A_LONG_TIME_S)
    assert [cue.split(",")[0] for cue in program.cues()] == ["first.wav", "second.wav", "tone.wav"]
    disk.lookup_s = 0.2
    program.screen.press("Rehearse")
    program.wait_cue("^tone.wav, 0:01, done$", 30)
    assert [cue.split(", ")[-1] for cue in program.cues()] == ["done"] * 3
