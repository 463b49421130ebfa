"""The guard's heart: takes orders, makes, keeps and ends paid sessions, and writes down what they are."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.limits import SpendingLimits, Terms, day_left_s
from atlas_desktop.api.opening import open_source
from atlas_desktop.api.orders import (
    Frame,
    LeftoverOutcome,
    Why,
    complaint_of,
    face_in,
    grant_frame,
    limits_of_frame,
)
from atlas_desktop.api.source import EndReceipt, Face, SessionGrant, SessionSource, SourceKind
from atlas_desktop.clock import lasting_s
from atlas_desktop.errors import BugError, GuardDownError, JournalError, NotFoundError, ServiceError
from atlas_desktop.guard.endings import Ending, Endings, Persistence
from atlas_desktop.guard.held import Held, terms_of_entry
from atlas_desktop.guard.ledger import Ledger
from atlas_desktop.guard.leftovers import Grace, Leftovers, leftover_event
from atlas_desktop.guard.lock import GuardLock
from atlas_desktop.guard.making import Making
from atlas_desktop.guard.sources import Opened, Opener, Sources
from atlas_desktop.guard.twin import Maker, Twins, can_fork, made_here
from atlas_desktop.guard.watch import Watch
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome
from atlas_desktop.storage.billing_journal import BillingJournal

log = logging.getLogger(__name__)

_OVER = ("ended", "closed", "expired", "completed")
"""Words of a status that say that a session costs nothing more; ``ended`` is Atlas's."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Broker:
    """Carries out the app's orders, and ends what it holds when the app no longer does.

    Every session has a record on the disk before the app hears of it, and is ended once. Thread: one event
    loop; it blocks for the journal's disk.

    Attributes:
        guard: This guard's name.
        lock: Held until ``aclose``: who finds it free knows that this guard is gone.

    Args:
        journal: The profile's billing journal.
        guards_folder: Where the guards' locks lie.
        tell: Takes the events.
        opener: Makes sources.
        clock_s: Counts sleep.
        steady_s: Does not.
        now: The wall clock, UTC.
        persistence: How endings go on.
        grace: How long leftovers are waited for.
        twins: Have creates sent by twins, where that is possible: only in a process of its own.
    """

    def __init__(
        self,
        journal: BillingJournal,
        guards_folder: Path,
        tell: Callable[[Frame], None],
        opener: Opener = open_source,
        clock_s: Callable[[], float] = lasting_s,
        steady_s: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        persistence: Persistence | None = None,
        grace: Grace | None = None,
        *,
        twins: bool = False,
    ) -> None:
        self.guard = records.new_key()
        self.lock = GuardLock(guards_folder, self.guard)
        self.lock.take()
        self._tell = tell
        self._clock_s = clock_s
        self._now = now
        self._held: dict[str, Held] = {}
        self._left: dict[str, BillingEntry] = {}
        self._closing: Why | None = None
        self._scope = TaskScope("guard.broker")
        self._creating = TaskScope("guard.creating")
        self._sources = Sources(opener)
        self._ledger = Ledger(journal, self._tell_trouble)
        self._endings = Endings(self._take_answer, self._take_failure, persistence)
        make: Maker = made_here
        if twins and can_fork():
            make = Twins(self.guard, journal, guards_folder, opener).make
        self._making = Making(
            self.guard, self._ledger, self._sources, now, self._hold, self._end_unusable, make
        )
        self._watch = Watch(self._held, self._end, self._ask_status, clock_s, steady_s)
        self._leftovers = Leftovers(
            self.guard,
            guards_folder,
            self._ledger,
            self._sources,
            self._is_ours,
            self._end_leftover,
            tell,
            now,
            grace,
        )

    def beat(self, idle_s: float) -> None:
        """The app lives; nobody has done anything for ``idle_s``."""
        self._watch.beat(idle_s)
        # Read while nobody waits for it: the next create needs it.
        self._ledger.recent(self._now())

    def look(self) -> None:
        """Looks at once at what is held, as it does by itself every second."""
        self._watch.look()

    async def obey(self, order: Frame, content: bytes = b"") -> Frame:
        """Carries out an order (``api.orders``) and returns what came of it.

        Raises:
            AppError: What there is to say to the user.
        """
        match order["op"]:
            case "create":
                return await self._create(order, content)
            case "patch_face":
                face = face_in(order["face"], content) or Face()
                await self._source_for(order).patch_face(order["session_id"], face)
                return {}
            case "end":
                return asdict(await self._endings.end(self._held_for(order), Why(order["why"])))
            case "status":
                return asdict(await self._source_for(order).status(order["session_id"]))
            case "viewer":
                return grant_frame(await self._source_for(order).viewer(order["session_id"]))
        self._note(order)
        return {}

    async def end_all(self, why: Why) -> None:
        """Ends every session and waits until the service has confirmed each."""
        for held in tuple(self._held.values()):
            self._end(held, why)
        await self._endings.join()

    async def aclose(self, limit_s: float, why: Why = Why.APP_GONE) -> None:
        """Ends every session, also one that is only being made, and lets go.

        What is not confirmed within ``limit_s`` stays open in the journal.
        """
        if self._closing is not None:
            return
        self._closing = why
        for held in tuple(self._held.values()):
            self._end(held, why)
        for ending in self._endings.running:
            self._spare(ending)
            ending.hurry()
        try:
            async with asyncio.timeout(limit_s):
                while len(self._creating) or len(self._endings):
                    await self._creating.join()
                    await self._endings.join()
        except TimeoutError:
            log.warning("left to the journal: %s", ", ".join(self._held) or "a create")
        self._ledger.catch_up()
        await self._let_go()

    async def _let_go(self) -> None:
        for scope in (self._watch, self._leftovers, self._scope, self._creating, self._endings):
            await scope.aclose()
        await self._sources.aclose()
        left = (entry for entry in self._ledger.entries() if entry.guard == self.guard)
        if any(entry.outcome in (Outcome.OPEN, Outcome.ASKED) for entry in left):
            self.lock.release()
        else:
            self.lock.discard()

    def _note(self, order: Frame) -> None:
        """Carries out what asks nobody else."""
        match order["op"]:
            case "open":
                self._open(order)
            case "adopt":
                self._adopt(order)
            case "limits":
                if order["session_id"] in self._held:
                    self._held[order["session_id"]].limits = limits_of_frame(order["limits"])
            case "leftovers":
                self._leftovers.look()
                for ending in self._endings.running:
                    ending.hurry()
            case "dismiss":
                self._ledger.write(records.dismissed(order["entry"], self._now()))
            case unknown:
                raise BugError(where=f"the unknown order {unknown}")

    def _open(self, order: Frame) -> None:
        self._sources.open(order["source"], SourceKind(order["kind"]), order["address"], order["secret"])
        self._leftovers.look_again()

    async def _create(self, order: Frame, content: bytes) -> Frame:
        if self._closing is not None:
            raise GuardDownError(detail="it is going")
        making = self._creating.start(self._making.create(order, content), "create")
        try:
            return grant_frame(await asyncio.shield(making))
        except asyncio.CancelledError:
            # Nobody waits for what comes of it.
            making.add_done_callback(self._end_unwanted)
            raise

    def _hold(
        self,
        session_id: str,
        source: SessionSource,
        key: str,
        limits: SpendingLimits,
        terms: Terms,
        ran_s: float = 0.0,
    ) -> Held:
        held = self._described(session_id, source, key, limits, terms, ran_s)
        self._held[session_id] = held
        if self._closing is not None:
            self._end(held, self._closing)
        self._watch.wake()
        return held

    def _described(
        self,
        session_id: str,
        source: SessionSource,
        key: str,
        limits: SpendingLimits,
        terms: Terms,
        ran_s: float = 0.0,
    ) -> Held:
        now_s = self._clock_s()
        return Held(session_id, source, key, limits, terms, now_s - ran_s, now_s, now_s)

    def _adopt(self, order: Frame) -> None:
        session_id, limits = order["session_id"], limits_of_frame(order["limits"])
        if session_id in self._held or session_id in self._endings:
            return
        opened, now = self._sources.named(order["source"]), self._now()
        entry = self._ledger.entry_of(session_id)
        source = self._sources.for_session(opened, session_id)
        if entry is None:
            key = self._making.enter(opened, session_id)
            self._hold(session_id, source, key, limits, Terms(day_left_s=day_left_s(now)))
            return
        self._ledger.keep(records.taken_over(entry.key, self.guard, now))
        terms = terms_of_entry(entry, self._ledger.recent(now), now)
        self._hold(session_id, source, entry.key, limits, terms, entry.running_s(now))

    def _source_for(self, order: Frame) -> SessionSource:
        held = self._held.get(order["session_id"])
        return self._sources.named(order["source"]).source if held is None else held.source

    def _held_for(self, order: Frame) -> Held:
        """The session of an order; one that is not held may be of an earlier run."""
        session_id = order["session_id"]
        if session_id in self._held:
            return self._held[session_id]
        opened, entry = self._sources.named(order["source"]), self._ledger.entry_of(session_id)
        if entry is None or not opened.made(entry):
            return self._described(session_id, opened.source, "", SpendingLimits(), Terms())
        return self._described_of(entry, opened)

    def _described_of(self, entry: BillingEntry, opened: Opened) -> Held:
        source = self._sources.for_session(opened, entry.session_id)
        now = self._now()
        terms = terms_of_entry(entry, self._ledger.recent(now), now)
        ran_s = entry.running_s(now)
        return self._described(entry.session_id, source, entry.key, SpendingLimits(), terms, ran_s)

    def _end(self, held: Held, why: Why) -> None:
        if held.session_id not in self._endings:
            self._endings.begin(held, why)

    def _end_leftover(self, entry: BillingEntry, opened: Opened) -> None:
        self._left[entry.session_id] = entry
        self._end(self._described_of(entry, opened), Why.LEFT_OPEN)

    def _end_unusable(self, held: Held) -> None:
        self._end(held, Why.UNUSABLE)

    def _end_unwanted(self, making: "asyncio.Task[SessionGrant]") -> None:
        if not making.cancelled() and making.exception() is None:
            self._end(self._held[making.result().session_id], Why.ASKED)

    def _is_ours(self, session_id: str) -> bool:
        return session_id in self._held or session_id in self._endings

    def _ask_status(self, held: Held) -> None:
        self._ledger.catch_up()
        if held.session_id not in self._endings:
            self._scope.start(self._take_status(held), "status")

    async def _take_status(self, held: Held) -> None:
        try:
            found = await held.source.status(held.session_id)
        except NotFoundError:
            self._end(held, Why.SERVICE)
            return
        except ServiceError as error:
            log.info("no status of %s: %s", held.session_id, error)
            return
        self._tell({"event": "status", **asdict(found)})
        if found.status in _OVER:
            self._end(held, Why.SERVICE)

    def _take_answer(self, ending: Ending, receipt: EndReceipt) -> None:
        held = ending.held
        if receipt.confirmed:
            self._held.pop(held.session_id, None)
            counted = held.counted(receipt, self._clock_s())
            if held.key:
                usd = held.estimated_usd(counted.duration_s)
                self._ledger.keep(records.ended(held.key, counted, ending.why.value, usd, self._now()))
        elif self._closing is not None:
            self._spare(ending)
        if ending.unasked or not ending.listeners:
            self._tell_end(ending, receipt)
        else:
            ending.told = not receipt.confirmed

    def _take_failure(self, ending: Ending, receipt: EndReceipt) -> None:
        if ending.unasked and ending.held.session_id not in self._left:
            self._tell_end(ending, receipt)

    def _tell_end(self, ending: Ending, receipt: EndReceipt) -> None:
        if ending.told and not receipt.confirmed:
            return
        ending.told = True
        session_id = ending.held.session_id
        entry = self._left.get(session_id)
        if entry is None:
            self._tell(
                {
                    "event": "ended",
                    "session_id": session_id,
                    "why": ending.why.value,
                    "receipt": asdict(receipt),
                }
            )
            return
        outcome = LeftoverOutcome.ENDED if receipt.confirmed else LeftoverOutcome.UNCONFIRMED
        self._tell(leftover_event(entry, outcome, self._now(), receipt))

    def _spare(self, ending: Ending) -> None:
        """An earlier run's session that the service says nothing about keeps no guard alive."""
        if ending.held.session_id in self._left and ending.hopeless:
            ending.give_up()

    def _tell_trouble(self, error: JournalError) -> None:
        self._tell({"event": "journal", "error": complaint_of(error)})
