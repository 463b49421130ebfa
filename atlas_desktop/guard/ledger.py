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

_TODAY_AT_MOST = timedelta(hours=49)
"""A session that ended before cannot have cost anything in this local day, whatever the zone."""


class Ledger:
    """Writes records in their order and forgets none while it lives. Blocks for the disk.

    Args:
        journal: The profile's.
        on_trouble: Told when the journal can't be written, once until it can be again.
    """

    def __init__(self, journal: BillingJournal, on_trouble: Callable[[JournalError], None]) -> None:
        self._journal = journal
        self._on_trouble = on_trouble
        self._waiting: list[JournalRecord] = []
        self._recent: list[BillingEntry] = []
        self._read_stamp: Stamp | None = None

    @property
    def is_behind(self) -> bool:
        """Whether records wait for the journal."""
        return bool(self._waiting)

    def write(self, record: JournalRecord) -> None:
        """Writes ``record`` to the disk, after all that waits.

        Raises:
            JournalError: It could not be written, and is not kept.
        """
        while self._waiting:
            self._journal.append(self._waiting[0])
            del self._waiting[0]
        was_read = self._stamp() == self._read_stamp
        self._journal.append(record)
        if was_read and record["event"] == "asked":
            # What was only asked for has cost nothing: no need to read it all again before the request.
            self._read_stamp = self._stamp()

    def keep(self, record: JournalRecord) -> None:
        """Writes ``record``, or keeps it until the journal can be written."""
        in_trouble = self.is_behind
        try:
            self.write(record)
        except JournalError as error:
            self._waiting.append(record)
            log.info("a record waits for the journal: %s", error)
            if not in_trouble:
                self._on_trouble(error)

    def catch_up(self) -> None:
        """Tries again to write what waits."""
        if self.is_behind:
            self.keep(self._waiting.pop())

    def entries(self) -> list[BillingEntry]:
        """Every session of this profile, as the disk knows it; none when it can't be read."""
        try:
            return self._journal.entries()
        except JournalError as error:
            self._on_trouble(error)
            return []

    def recent(self, now: datetime) -> list[BillingEntry]:
        """The sessions that may have cost anything today; reads the disk only when somebody wrote to it."""
        stamp = self._stamp()
        if stamp is None or stamp != self._read_stamp:
            entries, since = self.entries(), now - _TODAY_AT_MOST
            self._recent = [entry for entry in entries if (entry.ended_at or now) >= since]
            self._read_stamp = stamp
        return self._recent

    def entry_of(self, session_id: str) -> BillingEntry | None:
        """The newest entry of a session."""
        found = (entry for entry in reversed(self.entries()) if entry.session_id == session_id)
        return next(found, None)

    def _stamp(self) -> Stamp | None:
        try:
            found = self._journal.file.stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns
