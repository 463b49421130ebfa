"""The calibration on a real sound server, whose microphone hears the speaker."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest

from tests.attempts import timing_sensitive
from tests.bench.versus.card import RATE_HZ, Heard, recorder
from tests.desk.bus import session_bus
from tests.desk.process import running, start_prioritised
from tests.desk.sound import MIC_SINK, SPEAKER, Card, sound

GAIN_DB = -12.0
LONGEST_S = 16.0


@pytest.fixture(scope="module")
def card() -> Iterator[Card]:
    with session_bus(os.environ) as env, sound({**env, "QT_QPA_PLATFORM": "offscreen"}) as card:
        yield card


def calibrate(card: Card, *, microphone: bool = True, seconds: float = LONGEST_S) -> dict[str, Any]:
    order = json.dumps({"microphone": microphone, "seconds": seconds})
    words = [sys.executable, "-m", "tests.desk.calibrator", order]
    said, _ = start_prioritised(words, card.env, stdout=subprocess.PIPE, text=True).communicate(timeout=60)
    report: dict[str, Any] = json.loads(said)
    return report


class Judge:
    """Records speaker and microphone from outside, and says how far apart the beeps are there."""

    def __init__(self, card: Card, folder: Path) -> None:
        self._files = {name: (folder / f"{name}.raw", folder / f"{name}.log") for name in (SPEAKER, MIC_SINK)}
        self._stack = ExitStack()
        self._card = card

    def __enter__(self) -> "Judge":
        for name, (raw, log) in self._files.items():
            words = recorder(f"{name}.monitor", raw, log)
            self._stack.enter_context(running(words, self._card.env, log.with_suffix(".said")))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def apart_ms(self) -> float:
        """To be asked once the recording is over."""
        played, heard = (self._beeps(*files) for files in self._files.values())
        apart_s = [min((at_s - one for at_s in heard if at_s >= one), default=np.nan) for one in played]
        return float(np.nanmedian(apart_s)) * 1000

    @staticmethod
    def _beeps(raw: Path, log: Path) -> list[float]:
        recording = Heard.read(raw, log)
        loud = np.abs(recording.samples)
        at = np.flatnonzero(loud > loud.max() / 2)
        return [
            recording.started_s + one / RATE_HZ for one in at[np.diff(at, prepend=-RATE_HZ) > RATE_HZ // 4]
        ]


@timing_sensitive
def test_a_microphone_hears_how_late_the_speaker_is(card: Card, tmp_path: Path) -> None:
    found, apart = [], []
    for delay_ms in (30, 130):
        folder = Path(mkdtemp(dir=tmp_path))
        with card.echoing(delay_ms, GAIN_DB):
            with Judge(card, folder) as judge:
                report = calibrate(card)
            apart.append(judge.apart_ms())
        assert report["heard"] is not None
        assert report["heard"]["beeps"] >= 6
        assert report["heard"]["spread_ms"] < 16
        assert 9 < report["seconds"] < 12
        assert report["flashes"] >= 7
        found.append(report["heard"]["delay_ms"])
    # The sound server's loopback keeps its own time to some 30 ms: what it really did is what is to be found.
    assert apart[1] - apart[0] > 50
    assert found[1] - found[0] == pytest.approx(apart[1] - apart[0], abs=12)


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
