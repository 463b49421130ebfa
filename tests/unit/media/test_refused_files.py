"""What is no file, or goes wrong while it is read: named, and never waited for."""

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_desktop.errors import AppError, DiskError, FileDeniedError, UnreadableAudioError
from atlas_desktop.media.clip_reader import ClipReader
from tests.desk.slow_disk import SlowDisk, slow_disk
from tests.unit.media.clips import probed, read_all
from tests.unit.media.stand_ins import tone, write_wav

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the slow disk is a file system of Linux")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SlowDisk]:
    with slow_disk(tmp_path / "disk") as disk:
        yield disk


def assert_named(path: Path, kind: type[AppError]) -> None:
    with pytest.raises(kind):
        probed(path)
    reader = ClipReader(path)
    assert len(read_all(reader)) == 0
    assert type(reader.error) is kind


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert_named(tmp_path / "pipe.wav", UnreadableAudioError)


def test_a_device_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    assert_named(tmp_path / "zero.wav", UnreadableAudioError)


@pytest.mark.parametrize(("number", "kind"), [(errno.EACCES, FileDeniedError), (errno.EIO, DiskError)])
def test_a_disk_that_refuses_is_named(disk: SlowDisk, number: int, kind: type[AppError]) -> None:
    disk.errors[b"bad.wav"] = number
    assert_named(disk.path("bad.wav"), kind)


@pytest.mark.parametrize("name", [b"caf\xe9.wav", b"a:b.wav", b"two\nlines.wav", b"50%25#?.wav"])
def test_a_name_may_be_any_bytes(tmp_path: Path, name: bytes) -> None:
    path = write_wav(tmp_path / "a.wav", tone(0.5)).rename(tmp_path / os.fsdecode(name))
    assert probed(path).duration_s == 0.5
    assert len(read_all(ClipReader(path, match_loudness=False))) == 24_000
