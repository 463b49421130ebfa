"""The guard's service: carries out the app's orders; creates, holds and ends paid sessions."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.access import Access, open_source
from atlas_desktop.api.guard_protocol import EndReason, Frame, encode_error, grant_frame, limits_of_frame
from atlas_desktop.api.source import EndReceipt, SessionGrant, SourceKind
from atlas_desktop.clock import boottime_s
from atlas_desktop.errors import BugError, GuardDownError
from atlas_desktop.guard.daily_spend import DailySpend
from atlas_desktop.guard.journal_writer import JournalWriter
from atlas_desktop.guard.lock import GuardLock, OwnLock
from atlas_desktop.guard.managed_session import SessionName, SourceFactory, SourceRegistry
from atlas_desktop.guard.orphan_recovery import OrphanRecovery, RecoveryTimeouts
from atlas_desktop.guard.session_creator import SessionCreator
from atlas_desktop.guard.session_monitor import SessionMonitor, StatusPoller
from atlas_desktop.guard.session_store import SessionStore
from atlas_desktop.guard.termination import RetryPolicy
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_entry import Outcome
from atlas_desktop.storage.billing_journal import BillingJournal

log = logging.getLogger(__name__)

_CLOSE_TIMEOUT_S = 2.0


def utc_now() -> datetime:
    """Return the wall clock's time."""
    return datetime.now(UTC)


class SessionService:
    """Carries out the app's orders, and ends what it holds when the app no longer does.

    Every session has a record on the disk before the app hears of it, and is ended once. Thread: one event
    loop, which runs; it blocks for the journal's disk.

    Attributes:
        guard: This guard's name.
        lock: Held until ``aclose``: who finds it free knows that this guard is gone.

    Args:
        journal: The profile's billing journal.
        guards_folder: Where the guards' locks lie.
        publish: Takes the events.
        factory: Makes sources.
        clock_s: Counts sleep.
        steady_s: Does not.
        now: The wall clock, UTC.
        policy: When DELETEs are repeated.
        timeouts: How long orphans are waited for.
        keep_warm: Connect to the services of opened sources ahead of the first request.
    """

    def __init__(
        self,
        journal: BillingJournal,
        guards_folder: Path,
        publish: Callable[[Frame], None],
        factory: SourceFactory = open_source,
        clock_s: Callable[[], float] = boottime_s,
        steady_s: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        policy: RetryPolicy | None = None,
        timeouts: RecoveryTimeouts | None = None,
        *,
        keep_warm: bool = True,
    ) -> None:
        self.guard = records.new_key()
        self.lock = GuardLock(guards_folder, self.guard)
        self._own_lock = OwnLock(self.lock)
        self._publish = publish
        self._now = now
        self._closing = False
        self._creating = TaskScope("guard.creating")
        self._journal = JournalWriter(journal, publish)
        self._sources = SourceRegistry(factory, keep_warm=keep_warm)
        self._store = SessionStore(self._journal, self._sources, publish, clock_s, now, policy)
        self._creator = SessionCreator(self.guard, self._journal, self._sources, self._store, clock_s, now)
        self._poller = StatusPoller(self._store, publish)
        self._monitor = SessionMonitor(self._store, self._poller, self._journal, clock_s, steady_s)
        self._daily = DailySpend(self._store, self._journal, publish, clock_s, now)
        self._orphans = OrphanRecovery(
            self.guard,
            guards_folder,
            self._journal,
            self._sources,
            self._creator,
            self._store,
            publish,
            now,
            timeouts,
        )
        self._monitor.start()

    def beat(self, idle_s: float) -> None:
        """Take a sign of life of the app's; nobody has done anything there for ``idle_s``."""
        self._monitor.beat(idle_s)
        self._own_lock.retry()
        # This reads the journal while nobody waits for it: the next create needs it.
        if self._daily.update():
            self._orphans.journal_changed()

    def check(self) -> None:
        """Check at once what is held, as happens by itself every second."""
        self._monitor.check()

    async def handle(self, order: Frame, content: bytes = b"") -> Frame:
        """Carry out an order (``api.orders``) and return its result.

        Raises:
            AppError: What there is to say to the user.
        """
        match order["op"]:
            case "open":
                access = Access(SourceKind(order["kind"]), order["secret"], order["address"])
                self._sources.open(order["source"], access)
                self._orphans.source_opened()
            case "create":
                return await self._create(order, content)
            case "end":
                return asdict(await self._end(order))
            case "adopt":
                self._creator.adopt(order)
                self._report_lock()
            case "limits":
                for session in self._store.with_id(order["session_id"]):
                    session.limits = limits_of_frame(order["limits"])
            case "leftovers":
                self._orphans.recover()
                self._store.skip_pauses()
            case "dismiss":
                self._journal.append(records.dismissed(order["entry"], self._now()))
            case unknown:
                raise BugError(where=f"the unknown order {unknown}")
        return {}

    async def aclose(self, timeout_s: float, reason: EndReason = EndReason.APP_GONE) -> None:
        """End every session, also one that is only being created, and release everything.

        What is not confirmed within ``timeout_s`` stays open in the journal.
        """
        if self._closing:
            return
        self._closing = True
        self._store.close(reason)
        try:
            async with asyncio.timeout(timeout_s):
                while len(self._creating) or len(self._store):
                    await self._creating.join()
                    await self._store.join()
        except TimeoutError:
            left = [session.session_id for session in self._store.sessions.values()]
            left += ["a create"] * len(self._creating)
            if left:
                log.warning("left to the journal: %s", ", ".join(left))
        self._journal.flush()
        await self._release()

    async def _release(self) -> None:
        parts = (self._monitor, self._orphans, self._poller, self._creating, self._store, self._sources)
        for part in parts:
            # What does not end at once ends with the process.
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await part.aclose()
        left = (entry for entry in self._journal.entries() if entry.guard == self.guard)
        if any(entry.outcome in (Outcome.OPEN, Outcome.ASKED) for entry in left):
            self.lock.release()
        else:
            self.lock.discard()

    async def _create(self, order: Frame, content: bytes) -> Frame:
        if self._closing:
            raise GuardDownError(detail="it is going")
        error = await self._own_lock.secure()
        if error is not None and not order.get("unrecorded"):
            raise error
        creating = self._creating.start(self._creator.create(order, content), "create")
        try:
            grant = await asyncio.shield(creating)
        except asyncio.CancelledError:
            # Nobody waits for the session any more.
            creating.add_done_callback(partial(self._end_unwanted, order))
            raise
        self._report_lock()
        return grant_frame(grant)

    async def _end(self, order: Frame) -> EndReceipt:
        name = self._name_in(order)
        over = self._store.receipt_of(name)
        if over is not None:
            return over
        session = self._store.sessions.get(name) or self._creator.find(order)
        return await self._store.end_and_wait(session, EndReason(order["why"]))

    def _end_unwanted(self, order: Frame, creating: "asyncio.Task[SessionGrant]") -> None:
        if creating.cancelled() or creating.exception() is not None:
            return
        name = self._name_in({**order, "session_id": creating.result().session_id})
        session = self._store.sessions.get(name)
        if session is not None:
            self._store.end(session, EndReason.ASKED)

    def _name_in(self, order: Frame) -> SessionName:
        """Return which session an order is about.

        Raises:
            BugError: The app has not opened its source.
        """
        return self._sources.named(order["source"]).address, order["session_id"]

    def _report_lock(self) -> None:
        """Publish that a session is held without this guard's lock."""
        error = self._own_lock.unreported_error()
        if error is not None:
            self._publish({"event": "journal", "error": encode_error(error)})
