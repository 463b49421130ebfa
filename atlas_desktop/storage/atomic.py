"""Atomic writes and bounded reads of files: a crash leaves the old or the new one; pipes never block."""

import errno
import logging
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from atlas_desktop.descriptors import open_flags
from atlas_desktop.errors import MediaError, MissingFileError
from atlas_desktop.files import open_regular
from atlas_desktop.private_files import make_folder

log = logging.getLogger(__name__)

LONGEST_BYTES = 4 << 20
"""No file of ours is longer, unless its reader says so: anything longer would fill the memory."""
# The temporary file's name is a little longer than the file's own, which may be as long as the disk allows.
_PREFIX_SIGNS = 32
_MOST_ASIDE = 5
_CREATING = open_flags("O_WRONLY", "O_CREAT", "O_EXCL", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` (UTF-8; what can't be encoded becomes "?"), readable by its owner only.

    Raises:
        OSError: The disk is full or the folder is not writable; ``path`` is unchanged.
    """
    make_folder(path.parent)
    handle, name = mkstemp(dir=path.parent, prefix=f".{path.name[:_PREFIX_SIGNS]}-")
    _replace(handle, Path(name), path, text)


def export_text(path: Path, text: str) -> None:
    """Write as ``write_text`` does, but with the permissions of any new file in a place that the user chose.

    A replaced file keeps its permissions.

    Raises:
        OSError: The disk is full or the folder is not writable; ``path`` is unchanged.
    """
    beside = path.with_name(f".{path.name[:_PREFIX_SIGNS]}-{secrets.token_hex(6)}")
    # os.open applies the umask; reading it would mean changing it, for every thread.
    handle = os.open(beside, _CREATING, 0o666)
    with suppress(OSError, AttributeError):  # Windows
        os.fchmod(handle, stat.S_IMODE(path.stat().st_mode))
    _replace(handle, beside, path, text)


def read_text(path: Path, longest_bytes: int = LONGEST_BYTES, *, errors: str = "strict") -> str:
    """Read ``path`` (UTF-8, with or without a byte order mark).

    Args:
        path: The file.
        longest_bytes: Limit of its length.
        errors: How bytes that are not UTF-8 are handled, as in ``bytes.decode``.

    Raises:
        FileNotFoundError: It does not exist.
        OSError: It can't be read, is longer than ``longest_bytes``, or is not a file: a pipe never blocks.
        UnicodeDecodeError: It is not text.
    """
    try:
        with open_regular(path) as file:
            content = file.read(longest_bytes + 1)
    except MissingFileError as error:
        raise FileNotFoundError(errno.ENOENT, str(error)) from error
    except MediaError as error:
        raise OSError(errno.EIO, str(error)) from error
    if len(content) > longest_bytes:
        raise OSError(errno.EFBIG, f"{path.name} is too long to be ours")
    return content.decode("utf-8-sig", errors)


def move_aside(path: Path) -> Path | None:
    """Rename an unreadable JSON file to ``….damaged.json``; return its new path, ``None`` on failure."""
    for number in range(1, _MOST_ASIDE + 1):
        aside = path.with_suffix(".damaged.json" if number == 1 else f".damaged-{number}.json")
        try:
            path.replace(aside)
        except OSError as error:
            # A folder may be in that place since earlier.
            log.info("%s stays where it is: %s", path.name, error)
        else:
            return aside
    return None


def _replace(handle: int, beside: Path, path: Path, text: str) -> None:
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
