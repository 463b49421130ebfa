"""Whatever reads a file ends soon once nothing more is wanted of it; what goes wrong over one names it."""

import contextlib
import struct
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from atlas_desktop.errors import BugError, CutShortError, FileFaultError, MediaError, UnreadableAudioError
from atlas_desktop.media.blocks import Samples
from atlas_desktop.media.clip_reader import ClipReader
from atlas_desktop.media.probe import probe
from atlas_desktop.media.sound_file import SoundFile
from tests.unit.media.clips import encode, probed, read_all
from tests.unit.media.stand_ins import tone, until, write_wav

CLOSE_CPU_S = 0.2
LONG_S = 120.0


@pytest.fixture(scope="module")
def long_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An M4A with its index in front, and what a download leaves that broke off after two thirds."""
    folder = tmp_path_factory.mktemp("long")
    sound = np.tile(tone(10.0), round(LONG_S / 10))
    whole = encode(folder / "whole.m4a", "aac", sound, options={"movflags": "faststart"})
    content = bytearray(whole.read_bytes())
    content[len(content) * 2 // 3 :] = bytes(len(content) - len(content) * 2 // 3)
    (folder / "zeros.m4a").write_bytes(content)
    return {path.stem: path for path in folder.glob("*.m4a")}


def has_begun(reader: ClipReader) -> bool:
    return reader.read() is not None


def closing_s(close: Callable[[], object], join: Callable[[float], object]) -> float:
    """What ending takes of a processor's time: others may use the processor as well."""
    began_s = time.process_time()
    close()
    join(10)
    return time.process_time() - began_s


@pytest.mark.parametrize("name", ["whole", "zeros"])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.66, 0.67, 0.7, 0.99, 1.0, 2.0])
def test_a_clip_that_is_sought_in_can_be_closed(long_files: dict[str, Path], name: str, place: float) -> None:
    for match_loudness in (False, True):
        reader = ClipReader(long_files[name], match_loudness=match_loudness)
        until(partial(has_begun, reader))
        reader.seek(place * LONG_S)
        assert closing_s(reader.close, reader.join) < CLOSE_CPU_S
        assert reader.join(0)


def test_what_is_sought_behind_the_last_sound_is_over(long_files: dict[str, Path]) -> None:
    reader = ClipReader(long_files["zeros"], match_loudness=False)
    until(partial(has_begun, reader))
    reader.seek(0.9 * LONG_S)
    assert len(read_all(reader)) < 48_000
    assert reader.error is None


@pytest.mark.parametrize("name", ["whole", "zeros"])
def test_looking_at_a_file_ends_where_it_is_stopped(long_files: dict[str, Path], name: str) -> None:
    for wait_s in (0.0, 0.002, 0.01, 0.03, 0.1, 0.2):
        stop = threading.Event()
        looking = threading.Thread(target=_look, args=(long_files[name], stop))
        looking.start()
        time.sleep(wait_s)
        assert closing_s(stop.set, looking.join) < CLOSE_CPU_S
        assert not looking.is_alive()


def _look(path: Path, stop: threading.Event) -> None:
    with contextlib.suppress(MediaError):  # stopped before anything was seen
        for _info in probe(path, stop):
            pass


def test_a_file_that_was_not_to_be_looked_at_any_more_is_not_read(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(MediaError):
        next(probe(write_wav(tmp_path / "a.wav", tone(1.0)), stop))


def ape(samples: int) -> bytes:
    """Monkey's Audio: a packet that says to be silence of so many samples."""
    frame = struct.pack("<II", 1 << 31, 3) + bytes(64)
    described = struct.pack("<HHIIIIIII", 3990, 0, 52, 24, 4, 0, len(frame), 0, 0) + bytes(16)
    head = struct.pack("<HHIIIHHI", 2000, 0, samples, samples, 1, 16, 2, 48_000)
    return b"MAC " + described + head + struct.pack("<I", 80) + frame


def test_silence_of_hours_in_a_packet_is_not_unpacked(tmp_path: Path) -> None:
    usual, bomb = tmp_path / "usual.ape", tmp_path / "bomb.ape"
    usual.write_bytes(ape(73_728 * 4))
    assert probed(usual).duration_s == pytest.approx(6.144)
    bomb.write_bytes(ape(250_000_000))
    began_s = time.thread_time()
    with pytest.raises(UnreadableAudioError):
        probed(bomb)
    assert time.thread_time() - began_s < 1.0


class SlowClock:
    """A processor on which everything takes longer than it sounds."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def thread_time(self) -> float:
        self._now_s += 0.02
        return self._now_s


def test_what_takes_longer_to_decode_than_to_hear_is_given_up_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(tmp_path / "a.m4a", "aac", tone(10.0))
    clock = SlowClock()
    for module in ("sound_frames", "sound_bytes"):
        monkeypatch.setattr(f"atlas_desktop.media.{module}.time", clock)
    reader = ClipReader(path, match_loudness=False)
    assert 0 < len(read_all(reader)) < 240_000
    assert isinstance(reader.info.remark, CutShortError)


@pytest.mark.logs("media.clip_reader failed")
def test_a_fault_of_ours_over_a_file_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(_file: SoundFile) -> Iterator[Samples]:
        raise RuntimeError("nobody expected this")

    path = write_wav(tmp_path / "take 2.wav", tone(1.0))
    monkeypatch.setattr(SoundFile, "samples", stumble)
    reader = ClipReader(path, match_loudness=False)
    assert len(read_all(reader)) == 0
    assert isinstance(reader.error, FileFaultError)
    assert "take 2.wav" in str(reader.error)
    assert isinstance(reader.error.__cause__, BugError)
