"""The billing journal: one append-only file per profile, with every paid session.

One line of JSON for each event of a session (``billing_entry``), synced to the disk before the event
takes effect. Two processes may append at once.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from atlas_desktop.descriptors import open_flags, write_all
from atlas_desktop.errors import JournalError, MediaError, MissingFileError
from atlas_desktop.files import open_regular
from atlas_desktop.private_files import FILE_MODE, make_folder, open_private
from atlas_desktop.storage.billing_entry import VERSION, BillingEntry
from atlas_desktop.storage.billing_replay import fold, records_in

_LOCK_LIMIT_S = 5.0
_LOOK_EVERY_S = 0.005
_APPENDING = open_flags("O_RDWR", "O_APPEND", "O_CREAT", "O_BINARY")


class BillingJournal:
    """Appends to and reads the journal of one profile. Thread: any; blocks for the disk.

    Args:
        file: Its path; the folder is created with the first record.
        lock_limit_s: How long to wait for another process's append.
    """

    def __init__(self, file: Path, lock_limit_s: float = _LOCK_LIMIT_S) -> None:
        self.file = file
        self._lock = FileLock(file.with_suffix(".lock"), timeout=lock_limit_s, mode=FILE_MODE)
        self._entries: tuple[BillingEntry, ...] = ()
        self._seen: tuple[int, int, int] | None = None

    def append(self, record: dict[str, Any], *, durable: bool = True) -> None:
        """Write ``record``; when this returns it is on the disk.

        Args:
            record: One of ``billing_entry``.
            durable: False: it survives this process, not a power cut. Saves about a millisecond.

        Raises:
            JournalError: It could not be written; the earlier records are intact.
        """
        line = json.dumps({"v": VERSION, **record}, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        try:
            make_folder(self.file.parent)
            with self._lock.acquire(poll_interval=_LOOK_EVERY_S):
                self._append(line, durable)
        except Timeout as error:
            raise JournalError(detail="another program holds it") from error
        except (OSError, NotImplementedError) as error:
            # NotImplementedError: a file system without locks.
            raise JournalError(detail=_system_words(error)) from error

    def entries(self) -> list[BillingEntry]:
        """Return every session of this profile, oldest first; torn and foreign lines are skipped.

        The file is read again only after a change: ten thousand sessions take 0.2 s.

        Raises:
            JournalError: The file exists but can't be read.
        """
        seen = self._state()
        if seen is None or seen != self._seen:
            self._entries, self._seen = tuple(fold(self._records())), seen
        return list(self._entries)

    def _append(self, line: bytes, durable: bool) -> None:
        handle = open_private(str(self.file), _APPENDING)
        try:
            found = os.fstat(handle)
            if stat.S_ISFIFO(found.st_mode):
                # A pipe stores nothing.
                raise OSError(errno.EINVAL, f"{self.file.name} is not a file, but a pipe")
            length = found.st_size
            try:
                # Ends a line that a crash tore, which would otherwise swallow this one.
                write_all(handle, line if _ends_whole(handle, length) else b"\n" + line)
                if durable:
                    os.fsync(handle)
                if length == 0:
                    _sync_folder(self.file.parent)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(handle, length)
                raise
        finally:
            os.close(handle)

    def _state(self) -> tuple[int, int, int] | None:
        """Return what changes with every append; ``None`` where there is no file."""
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _records(self) -> Iterator[dict[str, Any]]:
        try:
            with open_regular(self.file) as file:
                yield from records_in(file)
        except MissingFileError:
            return
        except (MediaError, OSError) as error:
            raise JournalError(detail=_system_words(error)) from error


def _system_words(error: Exception) -> str:
    """Return the system's error message, where there is one."""
    said = error if isinstance(error, OSError) else error.__cause__
    return getattr(said, "strerror", None) or str(error)


def _ends_whole(handle: int, length: int) -> bool:
    if length == 0:
        return True
    os.lseek(handle, length - 1, os.SEEK_SET)
    return os.read(handle, 1) == b"\n"


def _sync_folder(folder: Path) -> None:
    """Sync the entry of a new file in its folder. Windows has no such call, and no need."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
