"""A session that was made and that nobody took: it is ended by whoever made it."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path

from atlas_desktop.api.orders import Why
from atlas_desktop.api.source import EndReceipt, SessionSource
from atlas_desktop.errors import AppError, JournalError
from atlas_desktop.guard.asking import Patience, end_on_server
from atlas_desktop.guard.lock import GuardLock
from atlas_desktop.storage.billing_entry import Outcome, ended
from atlas_desktop.storage.billing_journal import BillingJournal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Care:
    """How long one goes on for it.

    Attributes:
        lock_s: The longest wait for a lock that somebody holds for the dead guard: who ends its sessions
            from a terminal does so for a minute at most.
        look_s: The lock is tried so often.
        pauses_s: The waits after answers that say nothing about the session; the last one stays.
        in_all_s: What is not confirmed by then is the journal's.
        patience: While the service can't be reached, or fails.
    """

    lock_s: float = 90.0
    look_s: float = 1.0
    pauses_s: tuple[float, ...] = (10.0, 15.0)
    in_all_s: float = 900.0
    patience: Patience = field(default_factory=lambda: Patience(endless=True))


class Stranded:
    """Ends one session of a guard that did not take it, unless somebody else has it. Thread: one event loop.

    Args:
        guard: The guard's name.
        folder: Where the guards' locks lie.
        journal: Gets the end, and tells who has the session.
        key: The session's entry in it.
        guard_lives: Whether the guard is there still; then its lock says nothing.
        care: How long one goes on.
    """

    def __init__(
        self,
        guard: str,
        folder: Path,
        journal: BillingJournal,
        key: str,
        guard_lives: Callable[[], bool],
        care: Care | None = None,
    ) -> None:
        self._guard = guard
        self._journal = journal
        self._key = key
        self._guard_lives = guard_lives
        self._care = care or Care()
        self._lock = GuardLock(folder, guard)

    async def end(self, source: SessionSource, session_id: str) -> None:
        """Ends it and writes that down; after ``in_all_s`` it stays open in the journal."""
        with self._lock, suppress(TimeoutError):
            async with asyncio.timeout(self._care.in_all_s):
                await self._wait_for_lock()
                receipt = await self._ask(source, session_id)
            if receipt is not None:
                with suppress(JournalError):
                    self._journal.append(ended(self._key, receipt, Why.LEFT_OPEN.value, None, _now()))
                self._lock.discard()

    async def _wait_for_lock(self) -> None:
        """Waits until the dead guard's lock is held, or there is no sense in waiting."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._care.lock_s):
                while not self._may_ask() and not self._is_anothers():
                    await asyncio.sleep(self._care.look_s)

    def _may_ask(self) -> bool:
        return self._lock.take() or not self._lock.is_anothers or self._guard_lives()

    async def _ask(self, source: SessionSource, session_id: str) -> EndReceipt | None:
        """The confirmed receipt; ``None`` when somebody else has it, or has ended it."""
        for pause_s in chain(self._care.pauses_s, repeat(self._care.pauses_s[-1])):
            if self._is_anothers():
                break
            receipt = await self._answer(source, session_id)
            if receipt.confirmed:
                return receipt
            await asyncio.sleep(pause_s)
            # A guard that died meanwhile has left it.
            self._lock.take()
        return None

    async def _answer(self, source: SessionSource, session_id: str) -> EndReceipt:
        try:
            return await end_on_server(source, session_id, self._care.patience)
        except AppError as error:
            log.info("the end of %s failed: %s", session_id, error)
            return EndReceipt(session_id, confirmed=False)

    def _is_anothers(self) -> bool:
        try:
            entries = self._journal.entries()
        except JournalError:
            return False
        entry = next((one for one in entries if one.key == self._key), None)
        if entry is None:
            return False
        return entry.guard != self._guard or entry.outcome not in (Outcome.OPEN, Outcome.ASKED)


def _now() -> datetime:
    return datetime.now(UTC)
