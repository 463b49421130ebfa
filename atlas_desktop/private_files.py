"""Files and folders private to this user on a shared computer: folders 0700, files 0600, nobody else's used.

On Windows a user's folders inherit that from their parent: there nothing is changed or refused.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from atlas_desktop.descriptors import open_flags

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_READING = open_flags("O_RDONLY", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC")


class ForeignFolderError(PermissionError):
    """A folder of another user in the place of ours: that user could read and change its content."""

    def __init__(self, folder: Path) -> None:
        super().__init__(errno.EACCES, "it belongs to another user", str(folder))


def is_ours(found: os.stat_result) -> bool:
    """Return whether the owner of a ``stat`` result is the user who runs this program."""
    return sys.platform == "win32" or found.st_uid == os.geteuid()


def is_closed(folder: Path) -> bool:
    """Return whether ``folder`` is our own folder, not a link, that nobody else may enter."""
    try:
        found = folder.lstat()
    except (OSError, ValueError):
        return False
    if sys.platform == "win32":
        return stat.S_ISDIR(found.st_mode)
    return stat.S_ISDIR(found.st_mode) and is_ours(found) and not found.st_mode & _OTHERS


def is_movable_by_others(folder: Path) -> bool:
    """Return whether others may replace ``folder``: its parent is writable by them."""
    if sys.platform == "win32":
        return False
    try:
        above = folder.parent.stat()
    except (OSError, ValueError):
        return False
    is_guarded = above.st_mode & stat.S_ISVTX or not above.st_mode & _OTHERS_WRITE
    return not is_guarded or above.st_uid not in (0, os.geteuid())


def make_folder(folder: Path) -> None:
    """Create ``folder`` and missing parents for us alone; existing ones are unchanged.

    Raises:
        OSError: It can't be created, or something else is in its place.
    """
    try:
        folder.mkdir(FOLDER_MODE)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        # Not ``parents=True``: that leaves the parents' permissions to the umask.
        make_folder(folder.parent)
        folder.mkdir(FOLDER_MODE, exist_ok=True)
    except OSError:
        if not folder.is_dir():
            raise


def open_private(path: str, flags: int) -> int:
    """Opener for ``open``: new files are private; a pipe without a reader raises instead of blocking."""
    return os.open(path, flags | open_flags("O_NONBLOCK"), FILE_MODE)


def close_to_others(paths: Iterable[Path]) -> None:
    """Revoke others' permissions on files and folders of ours; links and what is not ours are unchanged.

    Thread: any; blocks for the disk.
    """
    if sys.platform == "win32":
        return
    for path in paths:
        with suppress(OSError, ValueError):
            _close(path, path.lstat())


def _close(path: Path, found: os.stat_result) -> None:
    if not (found.st_mode & _OTHERS and is_ours(found) and _is_kept(found)):
        return
    # Through the open file: between lstat and chmod another file may take the name.
    handle = os.open(path, _READING)
    try:
        opened = os.fstat(handle)
        if is_ours(opened) and _is_kept(opened):
            os.fchmod(handle, stat.S_IMODE(opened.st_mode) & ~_OTHERS)
    finally:
        os.close(handle)


def _is_kept(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
