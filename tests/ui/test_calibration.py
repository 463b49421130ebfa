"""The calibration on a real sound server, whose microphone hears the speaker."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.desk.bus import session_bus
from tests.desk.sound import Card, sound

GAIN_DB = -12.0
LONGEST_S = 16.0


@pytest.fixture(scope="module")
def card() -> Iterator[Card]:
    with session_bus(os.environ) as env, sound({**env, "QT_QPA_PLATFORM": "offscreen"}) as card:
        yield card


def calibrate(card: Card, *, microphone: bool = True, seconds: float = LONGEST_S) -> dict[str, Any]:
    order = json.dumps({"microphone": microphone, "seconds": seconds})
    said = subprocess.run(
        [sys.executable, "-m", "tests.desk.calibrator", order],
        env=card.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    report: dict[str, Any] = json.loads(said)
    return report


def test_a_microphone_hears_how_late_the_speaker_is(card: Card) -> None:
    found = []
    for delay_ms in (30, 130):
        with card.echoing(delay_ms, GAIN_DB):
            report = calibrate(card)
        assert report["heard"] is not None
        assert report["heard"]["beeps"] >= 6
        assert report["heard"]["spread_ms"] < 16
        assert 9 < report["seconds"] < 12
        assert report["flashes"] >= 7
        found.append(report["heard"]["delay_ms"])
    # What the sound server adds by itself is the same in both; its loopback keeps its own time to 15 ms.
    assert found[1] - found[0] == pytest.approx(100, abs=15)


def test_a_deaf_microphone_says_so(card: Card) -> None:
    report = calibrate(card)
    assert (report["heard"], report["errors"]) == (None, [])
    assert report["seconds"] < 12


def test_without_a_microphone_it_flashes_until_it_is_stopped(card: Card) -> None:
    report = calibrate(card, microphone=False, seconds=4.5)
    assert report["seconds"] is None
    assert 3 <= report["flashes"] <= 4
    # 1 to 12 ms: the window would stand still for longer.
    assert report["stop_s"] < 0.1


def test_speaker_and_microphone_may_be_opened_at_the_same_moment(card: Card) -> None:
    # Every second of such processes died.
    for _ in range(8):
        words = [sys.executable, "-m", "tests.desk.openers"]
        found = subprocess.run(words, env=card.env, capture_output=True, text=True, timeout=60, check=False)
        assert (found.returncode, found.stdout.strip()) == (0, "opened"), found.stderr
