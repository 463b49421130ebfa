"""What one pass over a clip shows, and that its file is opened once for it."""

import threading
from pathlib import Path

import numpy as np
import pytest

from atlas_desktop.errors import AppError
from atlas_desktop.files import RegularFile, open_regular
from atlas_desktop.media import sound_bytes
from atlas_desktop.media.blocks import Samples, no_samples
from atlas_desktop.media.clip_reader import ClipReader
from atlas_desktop.media.probe import BARS, ClipInfo, ClipScan, peak_percent
from tests.unit.media.clips import noise, probed, read_all
from tests.unit.media.stand_ins import tone, until, write_wav

RATE_HZ = 48_000


def test_the_loudest_sample_of_either_sign_is_the_peak() -> None:
    assert peak_percent(np.array([0.0001, -1.0, 0.0005], np.float32)) == 100
    assert peak_percent(np.array([0.5, -0.0001], np.float32)) == 50
    assert peak_percent(no_samples()) == 0


@pytest.mark.parametrize("samples", [1, 30, 480, 2_303, 2_304, 48_001])
@pytest.mark.parametrize("size", [1, 97, 4_096])
def test_the_outline_of_a_clip_of_any_length_follows_its_sound(samples: int, size: int) -> None:
    rising: Samples = np.linspace(0.1, 1.0, samples, dtype=np.float32)
    scan = ClipScan(measures_loudness=False)
    for at in range(0, samples, size):
        scan.add(rising[at : at + size])
    bars = scan.bars()
    assert len(bars) == BARS
    assert list(bars) == sorted(bars)
    assert bars[-1] == round(float(rising[-1]) * 100)


class Opened:
    """The files that were opened as sound, in order."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def __call__(self, path: Path) -> RegularFile:
        self.paths.append(path)
        return open_regular(path)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    opened = Opened()
    monkeypatch.setattr(sound_bytes, "open_regular", opened)
    return opened


@pytest.mark.parametrize("seconds", [0.05, 3.0, 70.0])
@pytest.mark.parametrize("match_loudness", [True, False])
def test_speaking_a_clip_opens_its_file_once_and_shows_all_of_it(
    tmp_path: Path, opened: Opened, seconds: float, match_loudness: bool
) -> None:
    path = write_wav(tmp_path / "a.wav", noise(round(seconds * RATE_HZ)))
    found: list[ClipInfo | AppError] = []
    reader = ClipReader(path, None, match_loudness, found.append)
    until(lambda: reader.info.is_exact and bool(reader.info.peaks), 60)
    assert reader.info.duration_s == pytest.approx(seconds, abs=0.001)
    assert len(reader.info.peaks) == BARS
    assert min(reader.info.peaks) > 0
    assert len(read_all(reader, 60)) == round(seconds * RATE_HZ)
    assert opened.paths == [path]
    last = found[-1]
    assert isinstance(last, ClipInfo)
    assert last == reader.info
    assert (last.loudness_lufs is not None) == match_loudness


def test_what_is_known_of_a_clip_is_not_found_out_again(tmp_path: Path, opened: Opened) -> None:
    path = write_wav(tmp_path / "a.wav", noise(90 * RATE_HZ))
    known = probed(path, exactly=True)
    found: list[ClipInfo | AppError] = []
    reader = ClipReader(path, known, False, found.append)
    assert len(read_all(reader, 60)) == 90 * RATE_HZ
    assert found == []
    assert opened.paths == [path, path]


def test_a_seek_at_once_takes_nothing_from_what_is_known_of_a_short_clip(tmp_path: Path) -> None:
    sound = tone(5.0)
    reader = ClipReader(write_wav(tmp_path / "a.wav", sound), match_loudness=False)
    reader.seek(4.0)
    assert np.array_equal(read_all(reader), sound[4 * RATE_HZ :])
    assert reader.info.is_exact
    assert reader.info.duration_s == 5.0
    assert len(reader.info.peaks) == BARS


def test_a_clip_that_can_not_be_read_is_reported(tmp_path: Path) -> None:
    reported = threading.Event()
    found: list[ClipInfo | AppError] = []

    def report(one: ClipInfo | AppError) -> None:
        found.append(one)
        reported.set()

    reader = ClipReader(tmp_path / "missing.wav", None, True, report)
    assert reported.wait(60)
    assert found == [reader.error]
    reader.close()
