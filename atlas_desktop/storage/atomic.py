"""Files written whole: a crash leaves the old one or the new one, never half; a pipe is not waited for."""

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from atlas_desktop.errors import MediaError, MissingFileError
from atlas_desktop.files import open_regular
from atlas_desktop.private_files import make_folder

LONGEST_BYTES = 4 << 20
"""No file of ours is longer, but for those that say so; what is would fill the memory."""
# A name may be as long as the disk allows; that of the file beside it is a little longer.
_PREFIX_SIGNS = 32
_MAKING = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def write_text(path: Path, text: str) -> None:
    """Replaces ``path`` by ``text`` (UTF-8; what has no UTF-8 becomes "?"), readable by its owner only.

    Raises:
        OSError: The disk is full or the folder can't be written; ``path`` is as it was.
    """
    make_folder(path.parent)
    handle, name = mkstemp(dir=path.parent, prefix=f".{path.name[:_PREFIX_SIGNS]}-")
    _replace(handle, Path(name), path, text)


def export_text(path: Path, text: str) -> None:
    """As ``write_text``, where the user chose the place: who may read it is as with any file made there.

    A file that is replaced keeps its rights.

    Raises:
        OSError: The disk is full or the folder can't be written; ``path`` is as it was.
    """
    beside = path.with_name(f".{path.name[:_PREFIX_SIGNS]}-{secrets.token_hex(6)}")
    # The umask has its say: it can't be asked for without changing it, for every thread.
    handle = os.open(beside, _MAKING, 0o666)
    with suppress(OSError, AttributeError):  # Windows
        os.fchmod(handle, stat.S_IMODE(path.stat().st_mode))
    _replace(handle, beside, path, text)


def read_text(path: Path, longest_bytes: int = LONGEST_BYTES, *, errors: str = "strict") -> str:
    """Reads ``path`` (UTF-8, with or without the mark that some editors put before it).

    Args:
        path: Where it lies.
        longest_bytes: More is not read.
        errors: What bytes that are no UTF-8 become, as of ``bytes.decode``.

    Raises:
        FileNotFoundError: It is not there.
        OSError: It can't be read, is longer than ``longest_bytes``, or is no file: a pipe is not waited for.
        UnicodeDecodeError: It is no text.
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
