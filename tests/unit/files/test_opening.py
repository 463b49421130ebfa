import errno
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from atlas_desktop.errors import (
    BadFileNameError,
    DiskError,
    FileDeniedError,
    FileSilentError,
    LinkLoopError,
    MediaError,
    MissingFileError,
    NotAFileError,
)
from atlas_desktop.files import PathKind, list_folder, open_regular, probe_path
from tests.desk.slow_disk import SlowDisk, slow_disk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pipes, and the kernel's own file systems")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlowDisk]:
    with slow_disk(tmp_path_factory.mktemp("fuse") / "disk") as disk:
        yield disk


@pytest.fixture(params=[probe_path, open_regular], ids=["probe", "open"])
def touch(request: pytest.FixtureRequest) -> Callable[[Path], object]:
    function: Callable[[Path], object] = request.param
    return function


def test_a_file_is_opened_and_read(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 4096)
    assert probe_path(path) is PathKind.FILE
    with open_regular(path) as file:
        assert file.size_bytes == 1 << 20
        assert file.read(3) == b"\0\1\2"
        assert len(file.read()) == (1 << 20) - 3
        assert file.read(5) == b""
        assert not os.get_inheritable(file.fileno())


def test_what_has_no_length_has_nothing_in_it(tmp_path: Path) -> None:
    """A table of all memory: a quarter of a million gigabytes, of no size."""
    link = tmp_path / "a.wav"
    link.symlink_to("/proc/self/pagemap")
    with open_regular(link) as file:
        assert (file.read(1000), file.read()) == (b"", b"")


def test_what_is_written_meanwhile_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    with open_regular(path) as file, path.open("ab") as more:
        assert file.read() == b"abc"
        more.write(b"def")
        more.flush()
        assert (file.read(2), file.read(), file.read(1)) == (b"de", b"f", b"")


def test_a_folder_is_seen_and_not_opened(tmp_path: Path) -> None:
    assert probe_path(tmp_path) is PathKind.FOLDER
    with pytest.raises(NotAFileError, match="not a file, but a folder"):
        open_regular(tmp_path)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.relpath(path))
    listener.close()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_pipe, "pipe"),
        (make_socket, "socket"),
        (lambda path: path.symlink_to("/dev/zero"), "device"),
        (lambda path: path.symlink_to("/dev/tty"), "device"),
    ],
    ids=["pipe", "socket", "zero", "tty"],
)
def test_what_is_no_file_is_named_and_never_waited_for(
    tmp_path: Path, touch: Callable[[Path], object], make: Callable[[Path], None], words: str
) -> None:
    make(tmp_path / "odd.wav")
    with pytest.raises(NotAFileError, match=f"odd.wav is not a file, but a {words}"):
        touch(tmp_path / "odd.wav")


def test_a_pipe_that_takes_the_place_of_a_file_at_the_last_moment_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")
    real = os.open

    def swap_first(name: str, flags: int) -> int:
        path.unlink()
        os.mkfifo(path)
        return real(name, flags)

    monkeypatch.setattr(os, "open", swap_first)
    with pytest.raises(NotAFileError, match="pipe"):
        open_regular(path)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_names_that_no_disk_takes(tmp_path: Path, touch: Callable[[Path], object]) -> None:
    for name in ("n" * 300, "zero\0byte"):
        with pytest.raises(BadFileNameError):
            touch(tmp_path / name)


def test_circles_and_dead_ends(tmp_path: Path, touch: Callable[[Path], object]) -> None:
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "dead end").symlink_to("nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(LinkLoopError, match="circle is a link"):
        touch(tmp_path / "circle")
    for gone in ("dead end", "nowhere", "file/below"):
        with pytest.raises(MissingFileError):
            touch(tmp_path / gone)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EACCES, FileDeniedError),
        (errno.EPERM, FileDeniedError),
        (errno.EIO, DiskError),
        (errno.ESTALE, DiskError),
        (errno.ENOTCONN, DiskError),
        (errno.ELOOP, LinkLoopError),
        (errno.ENAMETOOLONG, BadFileNameError),
        (errno.ETIMEDOUT, FileSilentError),
        (errno.ENOENT, MissingFileError),
        (errno.ENOTDIR, MissingFileError),
        (errno.ENOMEM, MediaError),
    ],
)
def test_each_error_of_a_disk_is_one_of_ours(
    disk: SlowDisk, touch: Callable[[Path], object], number: int, kind: type[MediaError]
) -> None:
    disk.errors[b"bad.wav"] = number
    with pytest.raises(kind) as caught:
        touch(disk.path("bad.wav"))
    assert type(caught.value) is kind
    assert caught.value.params["name"] == "bad.wav"
    assert isinstance(caught.value.__cause__, OSError)


def test_a_folder_is_listed_without_what_is_no_file(tmp_path: Path) -> None:
    for name in ("a.wav", ".hidden.wav", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "link.wav").symlink_to("a.wav")
    (tmp_path / "circle.wav").symlink_to("circle.wav")
    (tmp_path / "dead end.wav").symlink_to("nowhere")
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")).touch()
    found = list_folder(tmp_path, lambda path: path.suffix == ".wav")
    assert sorted(os.fsencode(path.name) for path in found) == [b"a.wav", b"caf\xe9.wav", b"link.wav"]


def test_a_folder_that_can_not_be_listed_is_named(tmp_path: Path, disk: SlowDisk) -> None:
    disk.errors[b"closed"] = errno.EACCES
    with pytest.raises(FileDeniedError, match="closed may not be read"):
        list_folder(disk.path("closed"), lambda _path: True)
    with pytest.raises(MissingFileError):
        list_folder(tmp_path / "gone", lambda _path: True)
