"""Speakers that change while the avatar speaks, and speakers of every shape, on a real sound server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.desk.bus import session_bus
from tests.desk.player import PEAK, TONE_HZ
from tests.desk.process import start_prioritised, wait_until
from tests.desk.sound import RATE_HZ, SPEAKER, Card, Recording, sound

SECOND = "second"
LOUD = PEAK // 8
CHANGE_MS = 300


@pytest.fixture
def card() -> Iterator[Card]:
    with session_bus(os.environ) as env, sound({**env, "QT_QPA_PLATFORM": "offscreen"}) as card:
        yield card


def add(card: Card, name: str, rate_hz: int = RATE_HZ, channels: int = 2) -> None:
    shape = f"rate={rate_hz} channels={channels} format=s16le norewinds=1"
    about = f"sink_properties=device.description={name}"
    card.control("load-module", "module-null-sink", f"sink_name={name}", shape, about)


def started(card: Card, seconds: float, speaker: str = "") -> "subprocess.Popen[str]":
    """A player that is heard."""
    words = [sys.executable, "-m", "tests.desk.player", json.dumps({"seconds": seconds, "speaker": speaker})]
    process = start_prioritised(words, card.env, stdout=subprocess.PIPE, text=True)
    wait_until(
        lambda: "QtmPulseStream" in card.control("list", "sink-inputs"), "the player", Path(os.devnull)
    )
    time.sleep(0.7)
    return process


def report(process: "subprocess.Popen[str]") -> dict[str, Any]:
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(said)
    return found


def speakers(report: dict[str, Any]) -> list[str]:
    """Those that were played on, in turn. On a busy machine one is opened anew, to ask for more of it."""
    return [name for name, _ in groupby(report["opened"])]


def first_loud_s(recording: Recording) -> float:
    loud = np.flatnonzero(np.abs(recording.samples()[:, 0]) > LOUD)
    assert len(loud)
    return recording.started_s + float(loud[0]) / RATE_HZ


def test_another_default_speaker_is_followed_at_once(card: Card) -> None:
    add(card, SECOND)
    card.control("set-default-sink", SPEAKER)
    with card.recording(device=f"{SECOND}.monitor") as recording:
        process = started(card, 4.0)
        changed_s = time.monotonic()
        card.control("set-default-sink", SECOND)
        said = report(process)
        # 15 ms were measured.
        assert (first_loud_s(recording) - changed_s) * 1000 < CHANGE_MS
    assert speakers(said) == [SPEAKER, SECOND]
    assert said["failures"] == []
    assert said["ring_overruns"] == 0
    # Nothing piled up meanwhile.
    assert said["counters"]["level_ms"] < 60


def test_a_speaker_that_is_unplugged_is_replaced_at_once(card: Card) -> None:
    with card.recording(device="mic_sink.monitor") as recording:
        process = started(card, 4.0)
        changed_s = time.monotonic()
        card.remove_speaker()
        said = report(process)
        # 35 to 75 ms were measured.
        assert (first_loud_s(recording) - changed_s) * 1000 < CHANGE_MS
    assert speakers(said) == [SPEAKER, "mic_sink"]


def test_a_speaker_that_vanishes_while_it_is_opened_is_no_storm(card: Card) -> None:
    process = started(card, 6.0)
    for _ in range(6):
        add(card, SECOND)
        card.control("set-default-sink", SECOND)
        remove(card, SECOND)
    card.control("set-default-sink", SPEAKER)
    with card.recording() as recording:
        said = report(process)
        assert np.abs(recording.samples()).max() > PEAK // 2
    assert len(said["opened"]) <= 20
    assert said["counters"]["level_ms"] < 60


def remove(card: Card, name: str) -> None:
    numbers = [line for line in card.control("list", "short", "modules").splitlines() if name in line]
    card.control("unload-module", numbers[0].split()[0])


def test_a_chosen_speaker_that_goes_is_replaced_and_used_again_when_it_returns(card: Card) -> None:
    add(card, SECOND)
    card.control("set-default-sink", SPEAKER)
    with card.recording() as recording:
        process = started(card, 5.0, speaker=SECOND)
        removed_s = time.monotonic()
        remove(card, SECOND)
        time.sleep(1.0)
        assert (first_loud_s(recording) - removed_s) * 1000 < CHANGE_MS
        add(card, SECOND)
        with card.recording(device=f"{SECOND}.monitor") as back:
            said = report(process)
            assert np.abs(back.samples()).max() > PEAK // 2
    assert said["opened"][0] == SECOND


def channels_heard(card: Card, name: str, rate_hz: int, channels: int, seconds: float) -> NDArray[np.int16]:
    words = ["parec", f"--device={name}.monitor", "--format=s16le", f"--rate={rate_hz}", "--raw"]
    words += [f"--channels={channels}", "--latency-msec=20"]
    with start_prioritised(words, card.env, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        raw = process.stdout.read(round(rate_hz * seconds) * channels * 2)
        process.terminate()
    return np.frombuffer(raw, np.int16).reshape(-1, channels)


@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(44_100, 1), (44_100, 2), (48_000, 2), (96_000, 6), (192_000, 8)]
)
def test_speakers_of_every_shape_play_the_right_pitch_at_the_right_level(
    card: Card, rate_hz: int, channels: int
) -> None:
    add(card, SECOND, rate_hz, channels)
    card.control("set-default-sink", SECOND)
    process = started(card, 4.0)
    heard = channels_heard(card, SECOND, rate_hz, channels, 1.5)
    said = report(process)
    assert speakers(said) == [SECOND]
    front = heard[rate_hz // 2 :, : min(2, channels)].astype(np.float64)
    for side in front.T:
        spectrum = np.abs(np.fft.rfft(side * np.hanning(len(side))))
        assert np.argmax(spectrum) * rate_hz / len(side) == pytest.approx(TONE_HZ, abs=2.5)
        assert np.percentile(np.abs(side), 99) == pytest.approx(PEAK, rel=0.15)
    assert said["counters"]["level_ms"] < said["counters"]["target_ms"] + 40
