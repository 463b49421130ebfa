"""The guard's way into the billing journal: what can't be written now is written later."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from atlas_desktop.errors import JournalError
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.billing_journal import BillingJournal

log = logging.getLogger(__name__)

JournalRecord = dict[str, Any]
Stamp = tuple[int, int]
"""Size and time of a file: another one means that somebody wrote to it."""

_READING, _WRITING = "reading", "writing"
_TODAY_AT_MOST = timedelta(hours=49)
"""A session that ended before cannot have cost anything in this local day, whatever the zone."""


class Ledger:
    """Writes records in their order and forgets none while it lives. Blocks for the disk.

    Attributes:
        on_change: Called when ``recent`` has read what was written since it last did, maybe by another.

    Args:
        journal: The profile's.
        on_trouble: Told when the journal can't be written or read, once until it can be again.
    """

    def __init__(self, journal: BillingJournal, on_trouble: Callable[[JournalError], None]) -> None:
        self._journal = journal
        self.on_change: Callable[[], None] = _nobody_cares
        self._on_trouble = on_trouble
        self._in_trouble: set[str] = set()
        self._waiting: list[JournalRecord] = []
        self._recent: list[BillingEntry] = []
        self._read_stamp: Stamp | None = None

    @property
    def is_behind(self) -> bool:
        """Whether records wait for the journal."""
        return bool(self._waiting)

    @property
    def is_readable(self) -> bool:
        """Whether it could be read the last time."""
        return _READING not in self._in_trouble

    def write(self, record: JournalRecord) -> None:
        """Writes ``record`` to the disk, after all that waits.

        Raises:
            JournalError: It could not be written, and is not kept.
        """
        while self._waiting:
            self._append(self._waiting[0])
            del self._waiting[0]
        was_read = self._stamp() == self._read_stamp
        self._append(record)
        if was_read and record["event"] == "asked":
            # What was only asked for has cost nothing: no need to read it all again before the request.
            self._read_stamp = self._stamp()

    def keep(self, record: JournalRecord) -> None:
        """Writes ``record``, or keeps it until the journal can be written."""
        try:
            self.write(record)
        except JournalError as error:
            self._waiting.append(record)
            log.info("a record waits for the journal: %s", error)
            self._tell(_WRITING, error)

    def catch_up(self) -> None:
        """Tries again to write what waits."""
        if self.is_behind:
            self.keep(self._waiting.pop())

    def entries(self) -> list[BillingEntry]:
        """Every session of this profile, as the disk knows it; none when it can't be read."""
        return self._read() or []

    def recent(self, now: datetime) -> list[BillingEntry]:
        """The sessions that may have cost anything today; reads the disk only when somebody wrote to it.

        While it can't be read: those that were known before.
        """
        stamp = self._stamp()
        if stamp is not None and stamp == self._read_stamp:
            return self._recent
        entries = self._read()
        if entries is not None:
            since = now - _TODAY_AT_MOST
            self._recent = [entry for entry in entries if (entry.ended_at or now) >= since]
            self._read_stamp = stamp
            if stamp is not None:
                self.on_change()
        return self._recent

    def entry_of(self, session_id: str) -> BillingEntry | None:
        """The newest entry of a session."""
        found = (entry for entry in reversed(self.entries()) if entry.is_of(session_id))
        return next(found, None)

    def _append(self, record: JournalRecord) -> None:
        self._journal.append(record)
        self._in_trouble.discard(_WRITING)

    def _read(self) -> list[BillingEntry] | None:
        try:
            entries = self._journal.entries()
        except JournalError as error:
            self._tell(_READING, error)
            return None
        self._in_trouble.discard(_READING)
        return entries

    def _tell(self, what: str, error: JournalError) -> None:
        first = not self._in_trouble
        self._in_trouble.add(what)
        if first:
            self._on_trouble(error)

    def _stamp(self) -> Stamp | None:
        try:
            found = self._journal.file.stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns


def _nobody_cares() -> None:
    return None
