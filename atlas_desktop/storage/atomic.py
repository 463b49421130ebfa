"""Our own files: a crash leaves the old one or the new one, never half; a pipe is not waited for."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from atlas_desktop.errors import MediaError, MissingFileError
from atlas_desktop.files import open_regular

LONGEST_BYTES = 4 << 20
"""No file of ours is longer, but for those that say so; what is would fill the memory."""
# A name may be as long as the disk allows; that of the file beside it is a little longer.
_PREFIX_SIGNS = 32


def write_text(path: Path, text: str) -> None:
    """Replaces ``path`` by ``text`` (UTF-8; what has no UTF-8 becomes "?"), readable by its owner only.

    Raises:
        OSError: The disk is full or the folder can't be written; ``path`` is as it was.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = mkstemp(dir=path.parent, prefix=f".{path.name[:_PREFIX_SIGNS]}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise


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
