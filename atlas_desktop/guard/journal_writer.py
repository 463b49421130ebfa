"""The guard's access to the billing journal: what can't be written now is written later."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from atlas_desktop.api.guard_protocol import Frame, encode_error
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


class JournalWriter:
    """Appends records in their order and loses none while it lives. Blocks for the disk.

    Args:
        journal: The profile's.
        publish: Takes an event when the journal can't be written or read: once until it can be again.
    """

    def __init__(self, journal: BillingJournal, publish: Callable[[Frame], None]) -> None:
        self._journal = journal
        self._publish = publish
        self._failing: set[str] = set()
        self._queued: list[JournalRecord] = []
        self._recent: list[BillingEntry] = []
        self._read_stamp: Stamp | None = None

    @property
    def is_behind(self) -> bool:
        """Whether records are queued."""
        return bool(self._queued)

    @property
    def is_readable(self) -> bool:
        """Whether the last read succeeded."""
        return _READING not in self._failing

    def append(self, record: JournalRecord, *, durable: bool = True) -> None:
        """Write ``record`` to the disk, after all that is queued.

        Args:
            record: What to write.
            durable: As in ``BillingJournal.append``.

        Raises:
            JournalError: It could not be written, and is not queued.
        """
        while self._queued:
            self._write(self._queued[0])
            del self._queued[0]
        was_read = self._stamp() == self._read_stamp
        self._write(record, durable=durable)
        if was_read and record["event"] == "asked":
            # What was only asked for has cost nothing: no need to read it all again before the request.
            self._read_stamp = self._stamp()

    def append_or_queue(self, record: JournalRecord, *, durable: bool = True) -> None:
        """Write ``record``, or queue it until the journal can be written."""
        try:
            self.append(record, durable=durable)
        except JournalError as error:
            self._queued.append(record)
            log.info("a record is queued for the journal: %s", error)
            self._report(_WRITING, error)

    def flush(self) -> None:
        """Try again to write what is queued."""
        if self.is_behind:
            self.append_or_queue(self._queued.pop())

    def entries(self) -> list[BillingEntry]:
        """Return every session of this profile, as the disk knows it; none when it can't be read."""
        return self._read() or []

    def recent(self, now: datetime) -> list[BillingEntry]:
        """Return the sessions that may have cost anything today: another list once the journal changed.

        The disk is read only then. While it can't be read: those that were known before.
        """
        stamp = self._stamp()
        if stamp is not None and stamp == self._read_stamp:
            return self._recent
        entries = self._read()
        if entries is not None:
            since = now - _TODAY_AT_MOST
            self._recent = [entry for entry in entries if (entry.ended_at or now) >= since]
            self._read_stamp = stamp
        return self._recent

    def entry_of(self, session_id: str, key: str = "") -> BillingEntry | None:
        """Return the newest entry of a session, or the one named ``key``."""
        entries = reversed(self.entries())
        return next((one for one in entries if (one.key == key if key else one.is_of(session_id))), None)

    def _write(self, record: JournalRecord, *, durable: bool = True) -> None:
        self._journal.append(record, durable=durable)
        self._failing.discard(_WRITING)

    def _read(self) -> list[BillingEntry] | None:
        try:
            entries = self._journal.entries()
        except JournalError as error:
            self._report(_READING, error)
            return None
        self._failing.discard(_READING)
        return entries

    def _report(self, what: str, error: JournalError) -> None:
        first = not self._failing
        self._failing.add(what)
        if first:
            self._publish({"event": "journal", "error": encode_error(error)})

    def _stamp(self) -> Stamp | None:
        try:
            found = self._journal.file.stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns
