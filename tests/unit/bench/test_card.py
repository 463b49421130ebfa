"""Beeps and dropouts are found in what was heard, where they are."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bench.versus.card import RATE_HZ, Heard, beeps, dropouts
from tests.bench.versus.stream import sound_block

_START_S = 1000.0


def stream_of(seconds: float, volume: float = 1.0) -> NDArray[np.float32]:
    """What the sender sends, as floats."""
    blocks = [sound_block(block) for block in range(round(seconds * 50))]
    samples = np.concatenate(blocks).ravel().astype(np.float32) / np.float32(32_768)
    return samples * np.float32(volume)


@pytest.mark.parametrize("volume", [1.0, 0.3])
def test_beeps_are_found_to_the_millisecond(volume: float) -> None:
    late = round(0.0734 * RATE_HZ)
    samples = np.concatenate([np.zeros(late, np.float32), stream_of(4, volume)])
    rng = np.random.default_rng(1)
    samples += rng.normal(0, 0.001, len(samples)).astype(np.float32)
    found = beeps(Heard(samples, _START_S))
    assert found == pytest.approx([_START_S + 0.0734 + second for second in range(4)], abs=0.001)


def test_an_unbroken_tone_has_no_dropouts() -> None:
    assert dropouts(Heard(stream_of(3), _START_S)) == []


def test_dropouts_are_counted_and_timed() -> None:
    samples = stream_of(3)
    for at_s, lost_s in ((0.5, 0.010), (1.4, 0.2), (2.2, 0.001)):
        samples[round(at_s * RATE_HZ) : round((at_s + lost_s) * RATE_HZ)] = 0
    # A millisecond is a click, not a dropout.
    assert dropouts(Heard(samples, _START_S)) == pytest.approx([_START_S + 0.5, _START_S + 1.4], abs=0.006)


def test_silence_is_a_dropout() -> None:
    assert len(dropouts(Heard(np.zeros(0, np.float32), _START_S))) == 1
    assert beeps(Heard(np.zeros(0, np.float32), _START_S)) == []


def test_a_long_recording_is_looked_at_without_seams() -> None:
    samples = stream_of(61.5)
    # The first one has no beginning here.
    assert len(beeps(Heard(samples, _START_S))) == 61
    assert dropouts(Heard(samples, _START_S)) == []


def test_a_recording_starts_where_its_promptest_piece_says(tmp_path: Path) -> None:
    raw, log = tmp_path / "heard", tmp_path / "times"
    raw.write_bytes(np.zeros(4800, np.int16).tobytes())
    log.write_text("\n".join(json.dumps(row) for row in ([50.020, 480], [50.024, 960], [50.070, 1440])))
    heard = Heard.read(raw, log)
    assert heard.started_s == pytest.approx(50.004)
    assert len(heard.between(50.014, 50.034).samples) == 960
