"""What earlier runs left open: taken over from guards that are gone, and ended."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from atlas_desktop.aio import TaskScope, guarded
from atlas_desktop.api.orders import Frame, LeftoverOutcome
from atlas_desktop.api.source import EndReceipt
from atlas_desktop.errors import JournalError
from atlas_desktop.guard.ledger import Ledger
from atlas_desktop.guard.lock import GuardLock
from atlas_desktop.guard.sources import Opened, Sources
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome, dismissed, taken_over

log = logging.getLogger(__name__)

_SECRETS = ("sealed_id", "salt", "fingerprint")


@dataclass(frozen=True, slots=True)
class Grace:
    """How long the unclear is waited for.

    Attributes:
        locked_s: After this the user is asked for the key that a session was made with.
        unknown_s: A create whose guard died may still be answered by the service for so long.
        again_s: While another guard may still die and leave something, it is looked so often.
    """

    locked_s: float = 5.0
    unknown_s: float = 120.0
    again_s: float = 45.0


def leftover_event(
    entry: BillingEntry, outcome: LeftoverOutcome, now: datetime, receipt: EndReceipt | None = None
) -> Frame:
    """What the app is told: the entry without what could tell a key, and what it may have cost."""
    plain = {name: _plain(value) for name, value in asdict(entry).items() if name not in _SECRETS}
    cost_usd = entry.cost_by(now) if receipt is None or receipt.cost_usd is None else receipt.cost_usd
    return {
        "event": "leftover",
        "entry": {**plain, "address": entry.place, "running_s": entry.running_s(now)},
        "outcome": outcome.value,
        "cost_usd": cost_usd,
        "receipt": None if receipt is None else asdict(receipt),
    }


class Leftovers:
    """Looks through the journal for sessions whose guard is gone. Thread: one event loop.

    While another guard holds some it looks again and again: that guard may die. Else it waits for nothing.

    A dead guard's lock is held while its entries are moved to this guard's name; whoever comes later
    finds them under a name that lives. So no session is ever ended by two.

    Args:
        guard: This guard's name.
        folder: Where the guards' locks lie.
        ledger: The journal.
        sources: What the app has opened.
        is_held: Whether an entry's session is this guard's already.
        end: Ends a session that was taken over.
        tell: Hands events out.
        now: The wall clock, UTC.
    """

    def __init__(
        self,
        guard: str,
        folder: Path,
        ledger: Ledger,
        sources: Sources,
        is_held: Callable[[BillingEntry], bool],
        end: Callable[[BillingEntry, Opened], None],
        tell: Callable[[Frame], None],
        now: Callable[[], datetime],
        grace: Grace | None = None,
    ) -> None:
        self._guard = guard
        self._folder = folder
        self._ledger = ledger
        self._sources = sources
        self._is_held = is_held
        self._end = end
        self._tell = tell
        self._now = now
        self._grace = grace or Grace()
        self._asked_for = False
        self._told_locked: set[str] = set()
        self._waited_for: set[str] = set()
        self._again: asyncio.Task[None] | None = None
        self._closed = False
        self._scope = TaskScope("guard.leftovers")
        ledger.on_change = self._take_change

    def look(self) -> None:
        """Ends what can be ended; says the rest once it is sure.

        To be called when the app has adopted what is its own.
        """
        if self._closed:
            return
        first = not self._asked_for
        self._asked_for = True
        self._take_over()
        if first:
            self._scope.start(self._look_later(self._grace.locked_s, locked=True), "locked")

    def look_again(self) -> None:
        """Another source was opened: it may fit, once the app has asked for the leftovers."""
        if self._asked_for and not self._closed:
            self._take_over()

    async def aclose(self) -> None:
        self._closed = True
        await self._scope.aclose()

    async def _look_later(self, pause_s: float, *, locked: bool) -> None:
        await asyncio.sleep(pause_s)
        self._take_over(locked=locked)

    async def _look_in_a_while(self) -> None:
        await asyncio.sleep(self._grace.again_s)
        self._again = None
        self._take_over(locked=True)

    def _take_change(self) -> None:
        """Another guard that lives may have made a session; it may die, too."""
        if self._asked_for and any(self._is_left(entry) for entry in self._ledger.entries()):
            self._wait()

    def _wait(self) -> None:
        """Looks again in a while, once."""
        if self._again is None and not self._closed:
            self._again = self._scope.start(self._look_in_a_while(), "again")

    def _take_over(self, *, locked: bool = False) -> None:
        entries = self._ledger.entries()
        if not self._ledger.is_readable:
            self._wait()
        for guard in {entry.guard for entry in entries if self._is_left(entry)}:
            # What goes wrong with what one has left must not keep the others' from their end.
            guarded("guard.leftovers")(self._look_at)(guard, locked=locked)

    def _look_at(self, guard: str, *, locked: bool) -> None:
        with GuardLock(self._folder, guard) as lock:
            if not lock.take():
                # It lives, as far as can be told.
                self._wait()
            elif self._take_from(guard, locked=locked):
                lock.discard()

    def _is_left(self, entry: BillingEntry) -> bool:
        left = entry.outcome in (Outcome.OPEN, Outcome.ASKED)
        return left and entry.guard != self._guard and not self._is_held(entry)

    def _take_from(self, guard: str, *, locked: bool) -> bool:
        """Takes what it can from a guard that is gone; whether nothing is left under its name."""
        # Read anew: until the lock was ours another guard may have taken some.
        left = [entry for entry in self._ledger.entries() if entry.guard == guard and self._is_left(entry)]
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
            if locked and entry.key not in self._told_locked:
                self._told_locked.add(entry.key)
                self._say(entry, LeftoverOutcome.LOCKED)
            return False
        self._ledger.write(taken_over(entry.key, self._guard, self._now()))
        self._say(entry, LeftoverOutcome.ENDING)
        self._end(entry, opened)
        return True

    def _take_unknown(self, entry: BillingEntry) -> bool:
        wait_s = self._grace.unknown_s - (self._now() - entry.asked_at) / timedelta(seconds=1)
        # A clock that was set back must not make it wait for years.
        if 0 < wait_s <= self._grace.unknown_s:
            if entry.key not in self._waited_for:
                self._waited_for.add(entry.key)
                self._scope.start(self._look_later(wait_s, locked=False), "unknown")
            return False
        # Said once: there is nothing else to be done about it.
        self._ledger.write({**dismissed(entry.key, self._now()), "why": LeftoverOutcome.UNKNOWN.value})
        self._say(entry, LeftoverOutcome.UNKNOWN)
        return True

    def _say(self, entry: BillingEntry, outcome: LeftoverOutcome) -> None:
        self._tell(leftover_event(entry, outcome, self._now()))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
