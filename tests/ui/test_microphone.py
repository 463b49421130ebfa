"""The microphone on a real sound server: what is played into it is heard, when it should be."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk.bus import session_bus
from tests.desk.player import tone
from tests.desk.sound import Card, sound, write_wav

TONE_HZ = 700


@pytest.fixture(scope="module")
def card() -> Iterator[Card]:
    with session_bus(os.environ) as env, sound({**env, "QT_QPA_PLATFORM": "offscreen"}) as card:
        yield card


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    write_wav(path, tone(12, TONE_HZ)[:, 0])
    return path


def start(env: dict[str, str], order: dict[str, Any]) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "tests.desk.listener", json.dumps(order)]
    return subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)


def listen(env: dict[str, str], order: dict[str, Any]) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(start(env, order).communicate(timeout=30)[0])
    return report


def test_a_voice_is_heard_and_the_meter_runs_on_while_muted(card: Card, voice: Path) -> None:
    with card.speaking(voice):
        report = listen(card.env, {"seconds": 3.0})
    assert not report["open_before"]
    assert report["opened"] == ["microphone"]
    assert report["failures"] == []
    assert report["peak_hz"] == pytest.approx(TONE_HZ, abs=5)
    # 1.9 s until it is muted, 10 ms each; the opening takes some of it.
    assert 120 < report["read"] < 200
    assert report["read_while_muted"] == 0
    assert report["meter_muted_dbfs"] > -30
    assert report["close_s"] < 1.0


def test_the_real_canceller_lets_a_voice_through(card: Card, voice: Path) -> None:
    with card.speaking(voice):
        report = listen(card.env, {"seconds": 4.0, "canceller": True})
    assert report["opened"] == ["microphone"]
    assert report["read"] > 100
    assert report["loudest_dbfs"] > -40


def test_a_microphone_that_goes_and_comes_back_is_followed(card: Card, voice: Path) -> None:
    with card.speaking(voice):
        process = start(card.env, {"seconds": 7.0})
        time.sleep(2.0)
        card.remove_microphone()
        time.sleep(1.2)
        card.add_microphone()
        report = json.loads(process.communicate(timeout=30)[0])
    assert len(report["opened"]) >= 2
    assert set(report["opened"]) == {"microphone"}
    assert report["meter_muted_dbfs"] > -30


def test_without_a_microphone_it_says_so_once() -> None:
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PULSE_SERVER": "unix:/nonexistent"}
    report = listen(env, {"seconds": 1.5})
    assert report["failures"] == ["no_microphone"]
    assert report["read"] == 0
