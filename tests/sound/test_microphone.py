"""The microphone on a real sound server: what is played into it is heard, when it should be."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk.bursts import BURST_S, bursts, onsets
from tests.desk.bus import session_bus
from tests.desk.player import tone
from tests.desk.process import start_prioritised, wait_until
from tests.desk.sound import MIC_SINK, MICROPHONE, RATE_HZ, Card, sound, write_wav

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
    return start_prioritised(words, env, stdout=subprocess.PIPE, text=True)


def started(card: Card, order: dict[str, Any]) -> "subprocess.Popen[str]":
    """A listener that listens."""
    process = start(card.env, order)
    nowhere = Path(os.devnull)
    wait_until(
        lambda: "QtmPulseStream" in card.control("list", "source-outputs"), "the listener", nowhere, 30.0
    )
    time.sleep(0.5)
    return process


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


def send(env: dict[str, str], order: dict[str, Any]) -> dict[str, Any]:
    words = [sys.executable, "-m", "tests.desk.wire", json.dumps(order)]
    said, _ = start_prioritised(words, env, stdout=subprocess.PIPE).communicate(timeout=30)
    report: dict[str, Any] = json.loads(said)
    return report


def test_an_open_microphone_is_on_the_wire_soon(card: Card, tmp_path: Path) -> None:
    write_wav(tmp_path / "bursts.wav", bursts(10))
    with card.recording(device=MICROPHONE) as recording, card.speaking(tmp_path / "bursts.wav"):
        sent_s = send(card.env, {"seconds": 5.0, "canceller": True})["onsets_s"]
        heard_s = [recording.started_s + at / RATE_HZ for at in onsets(recording.samples()[:, 0])]
    late_s = [sent - max(heard for heard in heard_s if heard < sent) for sent in sent_s]
    assert len(late_s) >= 4
    # 31 to 36 ms on a machine at ease.
    assert statistics.median(late_s) < 0.108


@pytest.mark.parametrize(("preroll_ms", "whole"), [(150, True), (0, False)])
def test_push_to_talk_cuts_no_first_syllable(
    card: Card, tmp_path: Path, preroll_ms: int, whole: bool
) -> None:
    write_wav(tmp_path / "bursts.wav", bursts(10))
    with card.speaking(tmp_path / "bursts.wav"):
        report = send(card.env, {"seconds": 4.0, "talk": preroll_ms})
    assert (report["first_s"] == pytest.approx(BURST_S, abs=0.002)) is whole


def test_a_microphone_that_goes_and_comes_back_is_followed(card: Card, voice: Path) -> None:
    with card.speaking(voice):
        process = started(card, {"seconds": 7.0})
        card.remove_microphone()
        time.sleep(1.2)
        card.add_microphone()
        report = json.loads(process.communicate(timeout=30)[0])
    assert len(report["opened"]) >= 2
    assert set(report["opened"]) == {"microphone"}
    assert report["meter_muted_dbfs"] > -30


def test_a_chosen_microphone_is_heard_in_place_of_the_systems(card: Card, voice: Path) -> None:
    words = ["module-remap-source", f"master={MIC_SINK}.monitor", "source_name=headset"]
    module = card.control("load-module", *words, "source_properties=device.description=headset").strip()
    card.control("set-default-source", MICROPHONE)
    with card.speaking(voice):
        process = started(card, {"seconds": 7.0, "microphone": "headset"})
        # It goes while it is heard: the sound server gives us the other one.
        card.control("unload-module", module)
        report = json.loads(process.communicate(timeout=30)[0])
    assert report["opened"] == ["headset"]
    assert report["meter_muted_dbfs"] > -30


def test_a_chosen_microphone_that_gives_nothing_is_replaced_by_the_systems(
    card: Card, voice: Path, tmp_path: Path
) -> None:
    words = ["module-pipe-source", f"file={tmp_path / 'pipe'}", "source_name=dead"]
    module = card.control("load-module", *words, "source_properties=device.description=dead").strip()
    card.control("set-default-source", MICROPHONE)
    with card.speaking(voice):
        report = listen(card.env, {"seconds": 9.0, "microphone": "dead"})
    card.control("unload-module", module)
    assert (report["opened"][0], report["opened"][-1]) == ("dead", "microphone")
    assert report["failures"] == ["device_lost"]
    assert report["meter_muted_dbfs"] > -30


def test_a_sound_server_that_blocks_holds_up_nothing_and_is_heard_again(card: Card, voice: Path) -> None:
    with card.speaking(voice):
        process = started(card, {"seconds": 12.0})
        # Longer than the microphone waits for a sound: it is closed meanwhile, and opened again.
        card.block(4.5)
        report = json.loads(process.communicate(timeout=40)[0])
    assert report["failures"] == ["device_lost"]
    # Without a fault the longest turn is that of the first use of Qt's devices.
    assert report["main_longest_ms"] < 900
    assert report["meter_muted_dbfs"] > -30


def test_without_a_microphone_it_says_so_once() -> None:
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PULSE_SERVER": "unix:/nonexistent"}
    report = listen(env, {"seconds": 1.5})
    assert report["failures"] == ["no_microphone"]
    assert report["read"] == 0
