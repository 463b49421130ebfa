"""The guard's heart: takes orders, makes, keeps and ends paid sessions, and writes down what they are."""

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
from atlas_desktop.api.limits import SpendingLimits, Terms
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
from atlas_desktop.errors import BugError, GuardDownError, JournalError
from atlas_desktop.guard.day import Day
from atlas_desktop.guard.endings import Ending, Endings, Persistence
from atlas_desktop.guard.held import Held
from atlas_desktop.guard.holdings import Holdings
from atlas_desktop.guard.ledger import Ledger
from atlas_desktop.guard.leftovers import Grace, Leftovers, leftover_event
from atlas_desktop.guard.lock import GuardLock
from atlas_desktop.guard.making import Making
from atlas_desktop.guard.own_lock import OwnLock
from atlas_desktop.guard.rounds import Rounds
from atlas_desktop.guard.sources import Opened, Opener, Sources
from atlas_desktop.guard.twin import Maker, Twins, can_fork, made_here
from atlas_desktop.guard.watch import Watch
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome
from atlas_desktop.storage.billing_journal import BillingJournal

log = logging.getLogger(__name__)

_LET_GO_S = 2.0


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
        self._own_lock = OwnLock(self.lock)
        self._tell = tell
        self._clock_s = clock_s
        self._now = now
        self._closing: Why | None = None
        self._scope = TaskScope("guard.broker")
        self._creating = TaskScope("guard.creating")
        self._sources = Sources(opener)
        self._ledger = Ledger(journal, self._tell_trouble)
        self._holdings = Holdings(self.guard, self._ledger, self._sources, clock_s, now)
        self._endings = Endings(self._take_answer, self._take_failure, persistence)
        make: Maker = made_here
        if twins and can_fork():
            make = Twins(self.guard, journal, guards_folder, opener).make
        self._making = Making(
            self.guard, self._ledger, self._sources, now, self._hold_new, self._end_unusable, make
        )
        self._rounds = Rounds(self._is_running, self._end, tell)
        self._day = Day(self._holdings.held, self._ledger, tell, clock_s, now)
        self._watch = Watch(self._holdings.held, self._end, self._on_minute, clock_s, steady_s)
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
        self._own_lock.keep()
        # This reads the journal while nobody waits for it: the next create needs it.
        self._day.look()

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
                return asdict(await self._end_asked(order))
            case "status":
                return asdict(await self._source_for(order).status(order["session_id"]))
            case "viewer":
                return grant_frame(await self._source_for(order).viewer(order["session_id"]))
        self._note(order)
        return {}

    async def aclose(self, limit_s: float, why: Why = Why.APP_GONE) -> None:
        """Ends every session, also one that is only being made, and lets go.

        What is not confirmed within ``limit_s`` stays open in the journal.
        """
        if self._closing is not None:
            return
        self._closing = why
        self._end_held(why)
        for ending in self._endings.running:
            self._spare(ending)
            ending.hurry()
        try:
            async with asyncio.timeout(limit_s):
                while len(self._creating) or len(self._endings):
                    await self._creating.join()
                    await self._endings.join()
        except TimeoutError:
            left = ", ".join(held.session_id for held in self._holdings.held.values())
            log.warning("left to the journal: %s", left or "a create")
        self._ledger.catch_up()
        await self._let_go()

    async def _let_go(self) -> None:
        parts = (self._watch, self._leftovers, self._rounds, self._creating, self._endings, self._scope)
        for part in (*parts, self._sources):
            # What does not end at once ends with the process.
            with suppress(TimeoutError):
                async with asyncio.timeout(_LET_GO_S):
                    await part.aclose()
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
                for held in self._holdings.with_id(order["session_id"]):
                    held.limits = limits_of_frame(order["limits"])
            case "leftovers":
                self._leftovers.look()
                for ending in self._endings.running:
                    ending.hurry()
            case "dismiss":
                self._ledger.write(records.dismissed(order["entry"], self._now()))
            case unknown:
                raise BugError(where=f"the unknown order {unknown}")

    def _open(self, order: Frame) -> None:
        access = Access(SourceKind(order["kind"]), order["secret"], order["address"])
        self._sources.open(order["source"], access)
        self._leftovers.look_again()

    async def _create(self, order: Frame, content: bytes) -> Frame:
        if self._closing is not None:
            raise GuardDownError(detail="it is going")
        trouble = await self._own_lock.secure()
        if trouble is not None and not order.get("unrecorded"):
            raise trouble
        making = self._creating.start(self._making.create(order, content), "create")
        try:
            return grant_frame(await asyncio.shield(making))
        except asyncio.CancelledError:
            # Nobody waits for what comes of it.
            making.add_done_callback(partial(self._end_unwanted, order))
            raise

    def _hold_new(
        self, session_id: str, opened: Opened, key: str, limits: SpendingLimits, terms: Terms
    ) -> Held:
        held = self._holdings.described(session_id, opened, key, limits, terms)
        # The service may give an id again.
        self._endings.forget(held.name)
        return self._hold(held)

    def _hold(self, held: Held) -> Held:
        self._holdings.held[held.name] = held
        trouble = self._own_lock.news()
        if trouble is not None:
            self._tell_trouble(trouble)
        if self._closing is not None:
            self._end(held, self._closing)
        self._watch.wake()
        return held

    def _adopt(self, order: Frame) -> None:
        name = self._holdings.name_in(order)
        if name not in self._holdings.held and name not in self._endings:
            self._hold(self._holdings.adopted(order, self._making.enter))

    def _source_for(self, order: Frame) -> SessionSource:
        held = self._holdings.held.get(self._holdings.name_in(order))
        return self._sources.named(order["source"]).source if held is None else held.source

    async def _end_asked(self, order: Frame) -> EndReceipt:
        """Ends the session of an order; one that is not held may be of an earlier run."""
        name = self._holdings.name_in(order)
        held, over = self._holdings.held.get(name), self._endings.receipt_of(name)
        if held is None and over is not None:
            return over
        return await self._endings.end(held or self._holdings.unheld(order), Why(order["why"]))

    def _end(self, held: Held, why: Why) -> None:
        # Not asked by its name: the service may have given that to a session that is over, too.
        self._endings.begin(held, why)

    def _end_held(self, why: Why) -> None:
        for held in tuple(self._holdings.held.values()):
            self._end(held, why)

    def _end_leftover(self, entry: BillingEntry, opened: Opened) -> None:
        held = self._holdings.of_entry(entry, opened)
        held.leftover = entry
        self._endings.forget(held.name)
        self._end(held, Why.LEFT_OPEN)

    def _end_unusable(self, held: Held) -> None:
        self._end(held, Why.UNUSABLE)

    def _end_unwanted(self, order: Frame, making: "asyncio.Task[SessionGrant]") -> None:
        if making.cancelled() or making.exception() is not None:
            return
        held = self._holdings.held.get(
            self._holdings.name_in({**order, "session_id": making.result().session_id})
        )
        if held is not None:
            self._end(held, Why.ASKED)

    def _is_ours(self, entry: BillingEntry) -> bool:
        return self._endings.knows(entry.key) or any(
            held.key == entry.key for held in self._holdings.held.values()
        )

    def _is_running(self, held: Held) -> bool:
        return self._holdings.is_held(held) and held.name not in self._endings

    def _on_minute(self, held: Held) -> None:
        self._ledger.catch_up()
        self._rounds.ask(held)

    def _take_answer(self, ending: Ending, receipt: EndReceipt) -> None:
        held = ending.held
        if receipt.confirmed:
            self._take_end(ending, held.counted(receipt, self._clock_s()))
        elif self._closing is not None:
            self._spare(ending)
        if ending.unasked or not ending.listeners:
            self._tell_end(ending, receipt)
        else:
            ending.told = not receipt.confirmed

    def _take_end(self, ending: Ending, counted: EndReceipt) -> None:
        held = ending.held
        self._holdings.let_go(held)
        self._scope.start(self._sources.let_go(held.opened, held.session_id), "let go")
        if held.key:
            usd = held.estimated_usd(counted.duration_s)
            self._ledger.keep(records.ended(held.key, counted, ending.why.value, usd, self._now()))

    def _take_failure(self, ending: Ending, receipt: EndReceipt) -> None:
        if ending.unasked and ending.held.leftover is None:
            self._tell_end(ending, receipt)

    def _tell_end(self, ending: Ending, receipt: EndReceipt) -> None:
        if ending.told and not receipt.confirmed:
            return
        ending.told = True
        session_id, entry = ending.held.session_id, ending.held.leftover
        if entry is not None:
            outcome = LeftoverOutcome.ENDED if receipt.confirmed else LeftoverOutcome.UNCONFIRMED
            self._tell(leftover_event(entry, outcome, self._now(), receipt))
            return
        why, plain = ending.why.value, asdict(receipt)
        self._tell({"event": "ended", "session_id": session_id, "why": why, "receipt": plain})

    def _spare(self, ending: Ending) -> None:
        """An earlier run's session that the service says nothing about keeps no guard alive."""
        if ending.held.leftover is not None and ending.hopeless:
            ending.give_up()

    def _tell_trouble(self, error: JournalError) -> None:
        self._tell({"event": "journal", "error": complaint_of(error)})
