"""Opening and listing files without waiting for pipes, the system's errors mapped to ours.

All of it blocks as long as the disk does: to be called through ``FileThreads``, or in a thread that may hang.
"""

import contextlib
import errno
import io
import os
import stat
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

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
from atlas_desktop.files.threads import answered

_PIECE_BYTES = 1 << 18
_MOST_LISTED = 100_000
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_MEANINGS: tuple[tuple[type[MediaError], str], ...] = (
    (MissingFileError, "ENOENT ENOTDIR"),
    (FileDeniedError, "EACCES EPERM"),
    (BadFileNameError, "ENAMETOOLONG EINVAL EILSEQ"),
    (LinkLoopError, "ELOOP"),
    (DiskError, "EIO ESTALE ENXIO ENODEV ENOTCONN EREMOTEIO EHOSTDOWN EHOSTUNREACH ENETDOWN ENETUNREACH"),
    (FileSilentError, "ETIMEDOUT"),
)
# Not every system has them all.
_KINDS = {
    getattr(errno, name): kind for kind, names in _MEANINGS for name in names.split() if hasattr(errno, name)
}
_DETAILS = {
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class PathKind(Enum):
    """What a path leads to, links followed."""

    FILE = "file"
    FOLDER = "folder"


def probe_path(path: Path) -> PathKind:
    """Return what lies at ``path``, with one system call.

    Raises:
        NotAFileError: A pipe, a socket or a device.
        MediaError: It is not there, may not be seen, or its disk fails.
    """
    with mapped(path):
        mode = path.stat().st_mode
    answered()
    if stat.S_ISDIR(mode):
        return PathKind.FOLDER
    _check_regular(path, mode)
    return PathKind.FILE


class RegularFile(io.FileIO):
    """A file on a disk, open for reading; each read that returns is noted as an answer of the disk."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to ``size`` bytes, or all; in pieces, so that a slow disk is not taken for a dead one.

        Never beyond the size that the system states: a file without one, as in /proc, may have no end.
        """
        left = max(0, self.size_bytes - self.tell())
        if size is not None and size >= 0:
            left = min(left, size)
        parts = []
        while left > 0:
            part = super().read(min(left, _PIECE_BYTES))
            answered()
            if not part:
                break
            parts.append(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def size_bytes(self) -> int:
        """Its size now."""
        return os.fstat(self.fileno()).st_size


def open_regular(path: Path) -> RegularFile:
    """Open the file at ``path``, and nothing but a file: a pipe is not waited for, a device not touched.

    Raises:
        NotAFileError: A folder, a pipe, a socket or a device, even one that has just taken the file's place.
        MediaError: It is not there, may not be read, or its disk fails.
    """
    with mapped(path):
        # A device may act on being opened: the kind is checked first, and again once the file is open.
        _check_regular(path, path.stat().st_mode)
        answered()
        file = RegularFile(path, "rb", opener=_open)
        try:
            answered()
            _check_regular(path, os.fstat(file.fileno()).st_mode)
        except BaseException:
            file.close()
            raise
    return file


def list_folder(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """Return the files right in ``folder`` that are ``wanted`` by name, unsorted; hidden ones are left out.

    At most a hundred thousand: more can't be sorted in a reasonable time, or be of use.

    Raises:
        MediaError: It is not there, may not be read, or its disk fails.
    """
    found = []
    with mapped(folder), os.scandir(folder) as entries:
        for entry in entries:
            answered()
            path = folder / entry.name
            if not entry.name.startswith(".") and wanted(path) and _is_file(entry):
                found.append(path)
                if len(found) >= _MOST_LISTED:
                    break
    return found


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Map the system's errors about ``path`` to ours."""
    try:
        yield
    except OSError as error:
        raise error_of(path, error) from error
    except ValueError as error:  # a zero byte in the name
        raise BadFileNameError(name=path.name or str(path)) from error


def error_of(path: Path, error: OSError) -> MediaError:
    """Return our error for the system's ``error`` about the file at ``path``."""
    kind = _KINDS.get(error.errno or 0, MediaError)
    return kind(name=path.name or str(path), detail=error.strerror or type(error).__name__)


def _open(path: str, _flags: int) -> int:
    return os.open(path, _FLAGS)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:
        # A link that leads nowhere or in a circle.
        return False


def _check_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotAFileError(name=path.name or str(path), detail=_DETAILS.get(stat.S_IFMT(mode), "device"))
