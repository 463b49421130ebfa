"""What earlier runs left open: taken over from guards that are gone, and ended."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from atlas_desktop.aio import TaskScope, guarded
from atlas_desktop.api.guard_protocol import Frame, LeftoverOutcome
from atlas_desktop.api.limits import cost_usd
from atlas_desktop.errors import JournalError
from atlas_desktop.guard.journal_writer import JournalWriter
from atlas_desktop.guard.lock import GuardLock
from atlas_desktop.guard.managed_session import SourceRegistry
from atlas_desktop.guard.session_creator import SessionCreator
from atlas_desktop.guard.session_store import SessionStore, orphan_event
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome, dismissed, taken_over

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecoveryTimeouts:
    """How long the unclear is waited for.

    Attributes:
        locked_s: After this the user is asked for the key that a session was made with.
        unknown_s: A create whose guard died may still be answered by the service for so long.
        again_s: How often it is looked again while another guard may still die and leave something.
    """

    locked_s: float = 5.0
    unknown_s: float = 120.0
    again_s: float = 45.0


class OrphanRecovery:
    """Looks through the journal for sessions whose guard is gone. Thread: one event loop.

    While another guard holds some it looks again and again, for that guard may die; otherwise it is idle.

    A dead guard's lock is held while its entries are moved to this guard's name; a later guard
    finds them under the name of one that runs. So no session is ever ended by two.

    Args:
        guard: This guard's name.
        folder: Where the guards' locks lie.
        journal: The journal.
        sources: What the app has opened.
        creator: Describes the sessions of entries.
        store: Ends them.
        publish: Takes the events.
        now: The wall clock, UTC.
        timeouts: How long the unclear is waited for.
    """

    def __init__(
        self,
        guard: str,
        folder: Path,
        journal: JournalWriter,
        sources: SourceRegistry,
        creator: SessionCreator,
        store: SessionStore,
        publish: Callable[[Frame], None],
        now: Callable[[], datetime],
        timeouts: RecoveryTimeouts | None = None,
    ) -> None:
        self._guard = guard
        self._folder = folder
        self._journal = journal
        self._sources = sources
        self._creator = creator
        self._store = store
        self._publish = publish
        self._now = now
        self._timeouts = timeouts or RecoveryTimeouts()
        self._is_wanted = False
        self._reported_locked: set[str] = set()
        self._waited_for: set[str] = set()
        self._again: asyncio.Task[None] | None = None
        self._closed = False
        self._scope = TaskScope("guard.recovery")

    def recover(self) -> None:
        """End what can be ended; report the rest once it is certain.

        To be called when the app has adopted what is its own.
        """
        if self._closed:
            return
        first = not self._is_wanted
        self._is_wanted = True
        self._take_over()
        if first:
            self._scope.start(self._take_over_later(self._timeouts.locked_s, locked=True), "locked")

    def source_opened(self) -> None:
        """Look again: another source may fit, once the app has asked for the recovery."""
        if self._is_wanted and not self._closed:
            self._take_over()

    def journal_changed(self) -> None:
        """Look again in a while where another guard that lives may have made a session: it may die, too."""
        if self._is_wanted and any(self._is_left(entry) for entry in self._journal.entries()):
            self._wait()

    async def aclose(self) -> None:
        """Stop looking."""
        self._closed = True
        await self._scope.aclose()

    async def _take_over_later(self, pause_s: float, *, locked: bool) -> None:
        await asyncio.sleep(pause_s)
        self._take_over(locked=locked)

    async def _take_over_again(self) -> None:
        await asyncio.sleep(self._timeouts.again_s)
        self._again = None
        self._take_over(locked=True)

    def _wait(self) -> None:
        """Look again in a while, once."""
        if self._again is None and not self._closed:
            self._again = self._scope.start(self._take_over_again(), "again")

    def _take_over(self, *, locked: bool = False) -> None:
        entries = self._journal.entries()
        if not self._journal.is_readable:
            self._wait()
        for guard in {entry.guard for entry in entries if self._is_left(entry)}:
            # What goes wrong with what one has left must not keep the others' from their end.
            guarded("guard.recovery")(self._take_over_from)(guard, locked=locked)

    def _take_over_from(self, guard: str, *, locked: bool) -> None:
        with GuardLock(self._folder, guard) as lock:
            if not lock.take():
                # It lives, as far as can be known.
                self._wait()
            elif self._take_all(guard, locked=locked):
                lock.discard()

    def _is_left(self, entry: BillingEntry) -> bool:
        left = entry.outcome in (Outcome.OPEN, Outcome.ASKED)
        return left and entry.guard != self._guard and not self._store.has_entry(entry.key)

    def _take_all(self, guard: str, *, locked: bool) -> bool:
        """Take what can be taken from a guard that is gone; return whether nothing is left under its name."""
        # Read again: until the lock was ours another guard may have taken some.
        left = [entry for entry in self._journal.entries() if entry.guard == guard and self._is_left(entry)]
        try:
            kept = [entry for entry in left if not self._take(entry, locked=locked)]
            return not kept
        except JournalError as error:
            log.info("what guard %s left can't be taken over: %s", guard, error)
            self._wait()
            return False

    def _take(self, entry: BillingEntry, *, locked: bool) -> bool:
        if not entry.is_open:
            return self._take_unknown(entry)
        opened = self._sources.maker_of(entry)
        if opened is None:
            if locked and entry.key not in self._reported_locked:
                self._reported_locked.add(entry.key)
                self._report(entry, LeftoverOutcome.LOCKED)
            return False
        self._journal.append(taken_over(entry.key, self._guard, self._now()))
        self._report(entry, LeftoverOutcome.ENDING)
        session = self._creator.describe_entry(entry, opened)
        session.orphan = entry
        self._store.end_orphan(session)
        return True

    def _take_unknown(self, entry: BillingEntry) -> bool:
        wait_s = self._timeouts.unknown_s - (self._now() - entry.asked_at) / timedelta(seconds=1)
        # A clock that was set back must not make it wait for years.
        if 0 < wait_s <= self._timeouts.unknown_s:
            if entry.key not in self._waited_for:
                self._waited_for.add(entry.key)
                self._scope.start(self._take_over_later(wait_s, locked=False), "unknown")
            return False
        # Reported once: there is nothing else to be done about it.
        self._journal.append({**dismissed(entry.key, self._now()), "why": LeftoverOutcome.UNKNOWN.value})
        self._report(entry, LeftoverOutcome.UNKNOWN, most_usd(entry, self._journal.entries()))
        return True

    def _report(self, entry: BillingEntry, outcome: LeftoverOutcome, most: float | None = None) -> None:
        self._publish(orphan_event(entry, outcome, self._now(), most_usd=most))


def most_usd(entry: BillingEntry, entries: Iterable[BillingEntry]) -> float | None:
    """Return what a session whose id is lost may cost at most, judged by the last one of its mode made there.

    ``None`` where no price or no longest time was granted there before.
    """
    for other in reversed(list(entries)):
        if other.mode is entry.mode and other.is_at(entry.address) and other.granted_at is not None:
            price, max_s = other.price_per_hour_usd, other.max_duration_s
            return None if price is None or max_s is None else cost_usd(max_s, price)
    return None
