"""Length, seek and end of files that say the wrong thing about themselves, or change while they are read."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from atlas_desktop.errors import (
    CutShortError,
    EmptyAudioError,
    FileSilentError,
    MediaError,
    SilentAudioError,
    UnreadableAudioError,
)
from atlas_desktop.media.clip_reader import ClipReader
from atlas_desktop.media.sound_file import SoundFile
from tests.attempts import timing_sensitive
from tests.desk.slow_disk import SlowDisk, slow_disk
from tests.unit.media.clips import Sound, encode, noise, probed, read_all
from tests.unit.media.odd_files import ODD_FILES, OddFile, lying_xing
from tests.unit.media.stand_ins import tone, until, write_wav

RATE_HZ = 48_000


def length_of(file: SoundFile) -> float:
    return sum(len(part) for part in file.samples()) / RATE_HZ


@pytest.mark.parametrize("make", ODD_FILES.values(), ids=ODD_FILES.keys())
def test_the_length_is_what_can_be_heard_whatever_the_file_says(tmp_path: Path, make: OddFile) -> None:
    path = make(tmp_path, noise(8 * RATE_HZ))
    with SoundFile(path) as file:
        heard_s = length_of(file)
    assert heard_s == pytest.approx(8.0, abs=0.4)
    with SoundFile(path) as file:
        assert file.length_s() == pytest.approx(heard_s, abs=0.1)
    assert probed(path, exactly=True).duration_s == pytest.approx(heard_s, abs=0.1)


@pytest.mark.parametrize("make", ODD_FILES.values(), ids=ODD_FILES.keys())
def test_seek_reaches_the_true_end_and_not_further(tmp_path: Path, make: OddFile) -> None:
    path = make(tmp_path, noise(8 * RATE_HZ))
    with SoundFile(path) as file:
        heard_s = length_of(file)
        for before_s in (1.0, 0.2):
            file.seek_exactly(heard_s - before_s)
            assert length_of(file) == pytest.approx(before_s, abs=0.06)
        file.seek_exactly(heard_s + 0.2)
        assert length_of(file) == 0


@pytest.mark.parametrize("make", ODD_FILES.values(), ids=ODD_FILES.keys())
def test_speaking_a_file_shows_its_length(tmp_path: Path, make: OddFile) -> None:
    reader = ClipReader(make(tmp_path, noise(4 * RATE_HZ)), match_loudness=False)
    spoken = read_all(reader)
    assert reader.info.is_exact
    assert reader.info.duration_s == pytest.approx(len(spoken) / RATE_HZ, abs=0.001)
    assert reader.info.remark is None


def test_a_long_file_gets_its_true_length_without_being_spoken(tmp_path: Path) -> None:
    path = lying_xing(tmp_path, noise(260 * RATE_HZ))
    info = probed(path)
    assert info.duration_s == pytest.approx(65, abs=1)
    assert not info.is_exact
    measured = probed(path, exactly=True)
    assert measured.duration_s == pytest.approx(260, abs=0.1)
    assert measured.is_exact
    assert len(measured.peaks) == 48


def test_a_file_longer_than_the_minute_it_claims_is_not_shown_as_a_minute(tmp_path: Path) -> None:
    path = lying_xing(tmp_path, noise(150 * RATE_HZ))
    assert probed(path).duration_s is None
    assert probed(path, exactly=True).duration_s == pytest.approx(150, abs=0.1)


def test_measuring_can_be_stopped(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp3", "libmp3lame", noise(5 * RATE_HZ))
    stop = threading.Event()
    stop.set()
    with pytest.raises(UnreadableAudioError):
        SoundFile(path, stop)
    with SoundFile(path, late := threading.Event()) as file:
        late.set()
        assert file.length_s() is None
    assert probed(path, exactly=True).duration_s == pytest.approx(5.0, abs=0.1)


def zeros_from(path: Path, share: float) -> Path:
    """An M4A whose index, at its end, still speaks of sound that was overwritten."""
    content = bytearray(path.read_bytes())
    index = content.rfind(b"moov") - 4
    first = int(index * share)
    content[first:index] = bytes(index - first)
    path.write_bytes(content)
    return path


def test_a_seek_into_what_is_broken_ends(tmp_path: Path) -> None:
    path = zeros_from(encode(tmp_path / "a.m4a", "aac", noise(9 * RATE_HZ)), 0.66)
    with SoundFile(path) as file:
        heard_s = length_of(file)
        assert 5.0 < heard_s < 6.5
        assert file.length_s() == pytest.approx(heard_s, abs=0.1)
        for position_s in (8.0, 7.0, 2.0):
            file.seek_exactly(position_s)
            assert length_of(file) == pytest.approx(max(0.0, heard_s - position_s), abs=0.1)


@pytest.mark.parametrize("match_loudness", [True, False])
@pytest.mark.parametrize(
    "sound",
    [
        np.zeros((RATE_HZ, 2), np.int16),
        np.full((RATE_HZ, 1), 9000, np.int16),
        np.ones((RATE_HZ, 1), np.int16),
    ],
    ids=["silence", "constant", "one step"],
)
def test_a_file_without_sound_in_it_is_said(tmp_path: Path, sound: Sound, match_loudness: bool) -> None:
    path = write_wav(tmp_path / "quiet.wav", sound)
    assert type(probed(path).remark) is SilentAudioError
    reader = ClipReader(path, match_loudness=match_loudness)
    read_all(reader)
    assert reader.error is None
    assert type(reader.info.remark) is SilentAudioError
    assert "quiet.wav" in str(reader.info.remark)


@pytest.mark.parametrize("match_loudness", [True, False])
def test_a_soft_sound_is_not_said_to_be_silent(tmp_path: Path, match_loudness: bool) -> None:
    path = write_wav(tmp_path / "soft.wav", tone(1.0, level=0.003))
    assert probed(path).remark is None
    reader = ClipReader(path, match_loudness=match_loudness)
    read_all(reader)
    assert reader.info.remark is None


class Played:
    """A reader of two minutes of sound, of which only the beginning was read ahead."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sound = noise(120 * RATE_HZ)
        write_wav(path, self.sound)
        self.reader = ClipReader(path, match_loudness=False)
        until(lambda: self.reader.read() is not None)

    def rest(self) -> Sound:
        return read_all(self.reader, 20)


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Played]:
    made = Played(tmp_path / "a.wav")
    yield made
    made.reader.close()
    assert made.reader.join(2)


def test_a_file_truncated_while_it_is_spoken_ends_early_and_is_said(played: Played) -> None:
    os.truncate(played.path, 44 + 20 * RATE_HZ)
    rest = played.rest()
    assert 9.9 < len(rest) / RATE_HZ < 10.1
    assert played.reader.error is None
    assert type(played.reader.info.remark) is CutShortError
    assert played.reader.info.duration_s == pytest.approx(10.0, abs=0.1)


def test_a_file_deleted_while_it_is_spoken_is_spoken_to_its_end(played: Played) -> None:
    played.path.unlink()
    assert np.array_equal(played.rest(), played.sound[480:])
    assert played.reader.info.remark is None


def test_a_file_replaced_while_it_is_spoken_is_spoken_as_it_was(played: Played) -> None:
    other = write_wav(played.path.with_name("b.wav"), tone(1.0))
    other.replace(played.path)
    assert np.array_equal(played.rest(), played.sound[480:])
    played_again = ClipReader(played.path, match_loudness=False)
    assert np.array_equal(read_all(played_again), tone(1.0))


def test_a_file_overwritten_while_it_is_spoken_ends(played: Played) -> None:
    with played.path.open("r+b") as file:
        file.write(b"not a sound at all " * 1000)
        file.truncate()
    assert len(played.rest()) < 10 * RATE_HZ
    assert type(played.reader.info.remark) is CutShortError
    played.reader.close()


def test_a_seek_in_a_file_overwritten_while_it_is_spoken_ends_with_its_name(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp3", "libmp3lame", noise(90 * RATE_HZ))
    reader = ClipReader(path, match_loudness=False)
    until(lambda: reader.read() is not None)
    path.write_bytes(b"words " * 20_000)
    reader.seek(75.0)
    read_all(reader)
    assert isinstance(reader.error, MediaError)
    assert reader.error.params["name"] == "a.mp3"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SlowDisk]:
    content = write_wav(tmp_path / "a.wav", noise(90 * RATE_HZ)).read_bytes()
    with slow_disk(tmp_path / "disk", **{"a.wav": content}) as disk:
        yield disk


def test_a_disk_that_dies_while_a_file_is_spoken_is_said_and_not_waited_for(disk: SlowDisk) -> None:
    reader = ClipReader(disk.path("a.wav"), match_loudness=False, patience_s=0.3)
    until(lambda: reader.read() is not None)
    disk.read_s = 1000.0
    until(lambda: reader.read() is None and reader.finished, 20.0)
    assert 1.0 < reader.position_s < 50.0
    assert type(reader.error) is FileSilentError
    assert "a.wav doesn't answer" in str(reader.error)
    reader.close()
    assert not reader.join(0.1)
    disk.stop()
    assert reader.join(5)


def test_a_disk_that_needs_a_while_now_and_then_is_waited_for(disk: SlowDisk) -> None:
    reader = ClipReader(disk.path("a.wav"), match_loudness=False, patience_s=5.0)
    until(lambda: reader.read() is not None)
    disk.read_s = 0.05
    assert len(read_all(reader, 60)) == 90 * RATE_HZ - 480
    assert reader.error is None


@pytest.mark.parametrize(
    ("name", "codec"), [("a.wav", "pcm_s16le"), ("a.mp3", "libmp3lame"), ("a.aac", "aac")]
)
def test_a_file_that_grows_while_it_is_spoken_ends(tmp_path: Path, name: str, codec: str) -> None:
    path = encode(tmp_path / name, codec, noise(4 * RATE_HZ))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    reader = ClipReader(path, match_loudness=False)
    until(lambda: reader.read() is not None)
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    assert len(read_all(reader)) >= 1.9 * RATE_HZ
    assert reader.info.remark is None


def test_a_pipe_is_named_and_never_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    began_s = time.monotonic()
    with pytest.raises(UnreadableAudioError):
        probed(path)
    assert time.monotonic() - began_s < 2.0


def test_a_file_without_sound_behind_its_header_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyAudioError):
        probed(write_wav(tmp_path / "a.wav", np.zeros(0, np.int16)))


@timing_sensitive
def test_close_ends_a_walk_through_a_long_file_soon(tmp_path: Path) -> None:
    part = encode(tmp_path / "a.mp3", "libmp3lame", noise(20 * RATE_HZ), options={"write_xing": "0"})
    long = tmp_path / "long.mp3"
    long.write_bytes(part.read_bytes() * 720)
    reader = ClipReader(long)
    until(lambda: reader.read() is not None)
    reader.seek(14_000.0)
    began_s = time.monotonic()
    reader.close()
    assert reader.join(5)
    assert time.monotonic() - began_s < 0.6
