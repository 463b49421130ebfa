"""The billing journal: one append-only file per profile, in which no session is forgotten.

A line of JSON for each thing that happened to a session (``billing_entry``). It is synced to the disk
before anything is done that it tells of. Two programs may append at once.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from atlas_desktop.errors import JournalError
from atlas_desktop.storage.billing_entry import VERSION, BillingEntry, fold

_LOCK_LIMIT_S = 5.0


class BillingJournal:
    """Appends to and reads the journal of one profile. Thread: any; blocks for the disk."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = FileLock(file.with_suffix(".lock"), timeout=_LOCK_LIMIT_S)

    def append(self, record: dict[str, Any]) -> None:
        """Writes ``record``; when this returns it is on the disk.

        Raises:
            JournalError: It could not be written; what was there before is whole.
        """
        line = json.dumps({"v": VERSION, **record}, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock:
                self._append(line)
        except Timeout as error:
            raise JournalError(detail="another program holds it") from error
        except OSError as error:
            raise JournalError(detail=error.strerror or str(error)) from error

    def entries(self) -> list[BillingEntry]:
        """Every session of this profile, oldest first; torn and foreign lines are passed over.

        Raises:
            JournalError: The file is there but can't be read.
        """
        return fold(self._records())

    def _append(self, line: bytes) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        handle = os.open(self.file, flags, 0o600)
        try:
            length = os.fstat(handle).st_size
            try:
                # What a crash tore ends here; its beginning must not swallow this line.
                _write_all(handle, line if _ends_whole(handle, length) else b"\n" + line)
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, length)
                raise
        finally:
            os.close(handle)

    def _records(self) -> Iterator[dict[str, Any]]:
        try:
            text = self.file.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalError(detail=error.strerror or str(error)) from error
        for line in text.split(b"\n"):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def _ends_whole(handle: int, length: int) -> bool:
    if length == 0:
        return True
    os.lseek(handle, length - 1, os.SEEK_SET)
    return os.read(handle, 1) == b"\n"


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
