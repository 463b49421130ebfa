"""The app's side of the guard: gives it orders, tells what it tells, and outlives its death."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from atlas_desktop.aio import ErrorHandler, TaskScope
from atlas_desktop.api.access import Access
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.orders import Frame, Why
from atlas_desktop.child import Child
from atlas_desktop.clock import lasting_s
from atlas_desktop.errors import GuardDownError, GuardLostError
from atlas_desktop.session.callbacks import Callbacks, Unsubscribe
from atlas_desktop.session.guard_book import GuardBook, HeldSession
from atlas_desktop.session.guard_events import GuardEvent, SessionStopped, event_of_frame
from atlas_desktop.session.guard_keeper import GuardKeeper, GuardStarter
from atlas_desktop.session.guard_line import Line, OwnLine
from atlas_desktop.session.guard_pulse import ENDING_SILENT_S, GuardPulse
from atlas_desktop.session.guarded_source import GuardedSource

log = logging.getLogger(__name__)

_LET_GO_S = 1.0
R = TypeVar("R")


class Guard:
    """Keeps paid sessions from being left open, by a process of its own. Thread: one event loop.

    While a session is asked for or held, a sign of life goes to the guard once a second, from this very
    loop: when the loop hangs, they stop. A guard that dies is replaced, and its successor told what it
    has to keep; nobody else notices.

    Args:
        folder: The profile's.
        on_error: Told of what concerns nobody's call: above all a ``GuardDownError``, when a guard that
            held sessions died and could not be replaced. They are then kept by this process.
        start_child: Starts the guard's process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        on_error: ErrorHandler,
        start_child: GuardStarter = Child.start,
    ) -> None:
        self._on_error = on_error
        self._scope = TaskScope("guard", on_error)
        # Their errors are for who gave the order; a caller that leaves does not take them along.
        self._orders = TaskScope("guard.order")
        self._events: Callbacks[[GuardEvent]] = Callbacks("guard.event", on_error)
        self._book = GuardBook()
        self._keeper = GuardKeeper(
            folder, start_child, self._scope, self._settle, self._take_event, self._take_down
        )
        self._pulse = GuardPulse(self._scope, self._line_now, self._is_needed)
        self._whys: dict[str, Why] = {}
        self._ends: dict[str, asyncio.Task[Frame]] = {}
        self._asked = 0
        self._limits = SpendingLimits()
        self._unguarded = False
        self._unrecorded = False
        self._wants_leftovers = False
        self._closed = False

    async def start(self) -> None:
        """Brings the guard up, after the first paint. Never raises: one that can't start is remembered."""
        if not self._closed:
            await asyncio.wait({self._scope.start(self._keeper.present(), "first start")})

    @property
    def is_up(self) -> bool:
        """Whether a process of its own guards."""
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """The guard's process; ``None`` while there is none."""
        line = self._keeper.line
        return line.pid if line is not None and line.is_up else None

    def open(self, access: Access) -> GuardedSource:
        """A ``SourceOpener``: the source of paid sessions there."""
        return GuardedSource(self, self._book.name_of(access), access.address)

    def set_limits(self, limits: SpendingLimits) -> None:
        """The limits of the next sessions, and from now on of those that run."""
        self._limits = limits
        for session_id in self._book.held:
            self.set_session_limits(session_id, limits)

    def set_session_limits(self, session_id: str, limits: SpendingLimits) -> None:
        """The limits of one session that runs: after it was extended."""
        held = self._book.held.get(session_id)
        if held is not None and held.limits != limits:
            held.limits = limits
            order = {"op": "limits", "session_id": session_id, "limits": asdict(limits)}
            self._later(self._steadily(order), "limits")

    def tell_idle(self, idle_s: float) -> None:
        """For how long nobody spoke, typed, dropped or moved: goes with the next sign of life."""
        self._pulse.idle_s = idle_s

    def note_why(self, session_id: str, why: Why) -> None:
        """Why the program is about to end a session: for the record of it."""
        self._whys[session_id] = why

    def look_for_leftovers(self) -> None:
        """Has sessions ended that earlier runs left open: with the sources that were opened until now.

        What becomes of each is told as a ``Leftover``.
        """
        self._wants_leftovers = True
        self._later(self._look(), "leftovers")

    def dismiss(self, entry_key: str) -> None:
        """Takes the user's word that a session of an earlier run is over."""
        self._later(self._steadily({"op": "dismiss", "entry": entry_key}), "dismiss")

    def allow_unguarded(self) -> None:
        """The user agreed: without a guard, sessions are made and ended by this process."""
        self._unguarded = True

    def allow_unrecorded(self) -> None:
        """The user agreed: the next session is made though no record of it can be written."""
        self._unrecorded = True

    def on_event(self, callback: Callable[[GuardEvent], None]) -> Unsubscribe:
        """Calls ``callback`` with each event; what is returned ends that."""
        return self._events.add(callback)

    async def aclose(self) -> None:
        """Lets go: the guard ends what is open by itself, and then itself."""
        self._closed = True
        self._keeper.retire()
        await self._scope.aclose(_LET_GO_S)
        await self._orders.aclose(_LET_GO_S)
        await self._keeper.aclose()

    # For ``GuardedSource``: an ``OrderDesk``.

    async def create(self, source: str, order: Frame, content: bytes) -> Frame:
        making = self._ordered(self._create(source, order, content), "create")
        try:
            return await _outcome(making)
        except asyncio.CancelledError:
            # Nobody waits any more, but the session may be made all the same.
            making.add_done_callback(partial(self._end_unwanted, source))
            raise

    async def end(self, source: str, session_id: str, why: Why) -> Frame:
        ending = self._ends.get(session_id)
        if ending is None or ending.done():
            why = self._whys.pop(session_id, why)
            ending = self._ends[session_id] = self._ordered(self._end(source, session_id, why), "end")
        return await _outcome(ending)

    async def order(self, source: str, order: Frame, content: bytes = b"") -> Frame:
        work = self._steadily({**order, "source": source}, content)
        return await _outcome(self._ordered(work, str(order["op"])))

    async def _create(self, source: str, order: Frame, content: bytes) -> Frame:
        self._asked += 1
        self._pulse.keep()
        try:
            line = await self._line_for_new(source)
            limits, unrecorded = self._limits, self._unrecorded
            order = {**order, "source": source, "limits": asdict(limits), "unrecorded": unrecorded}
            line.beat(self._pulse.idle_s)
            answer = await line.ask(order, content)
            self._unrecorded = False
            self._book.held[answer["session_id"]] = HeldSession(
                source,
                limits,
                lasting_s(),
                answer.get("price_per_hour_usd"),
                answer.get("max_duration_s"),
            )
        except GuardLostError:
            # It may have been made and written down: then the next guard finds it.
            self._wants_leftovers = True
            raise
        finally:
            self._asked -= 1
        self.set_session_limits(answer["session_id"], self._limits)
        return answer

    async def _end(self, source: str, session_id: str, why: Why) -> Frame:
        order = {"op": "end", "source": source, "session_id": session_id, "why": why.value}
        self._later(self._pulse.check(ENDING_SILENT_S), "end check")
        try:
            answer = await self._steadily(order)
        finally:
            self._ends.pop(session_id, None)
        self._book.take_stop(session_id, why, confirmed=bool(answer.get("confirmed")))
        return answer

    def _end_unwanted(self, source: str, making: asyncio.Task[Frame]) -> None:
        if not (self._closed or making.cancelled() or making.exception()):
            session_id = making.result()["session_id"]
            self._ordered(self.end(source, session_id, Why.ASKED), "end unwanted")

    async def _steadily(self, order: Frame, content: bytes = b"") -> Frame:
        """Has an order carried out that may be repeated: by whichever guard lives."""
        while True:
            line = await self._keeper.present(patiently=True) or await self._keeper.own()
            try:
                if "source" in order:
                    await self._book.open_on(line, order["source"])
                return await line.ask(order, content)
            except GuardLostError:
                log.info("order %s goes to the next guard", order["op"])

    async def _line_for_new(self, source: str) -> Line:
        """The line on which a session may be asked for, its source opened."""
        while True:
            line = await self._allowed_line()
            try:
                await self._book.open_on(line, source)
            except GuardLostError:
                continue
            return line

    async def _allowed_line(self) -> Line:
        keeper = self._keeper
        if isinstance(keeper.line, OwnLine) and not self._unguarded:
            if self._book.held and keeper.down is not None:
                raise keeper.down
            await keeper.drop()
        line = await keeper.present()
        if line is None:
            if not self._unguarded:
                raise keeper.down or GuardDownError()
            line = await keeper.own()
        return line

    async def _settle(self, line: Line) -> None:
        await self._book.tell_all(line)
        if self._book.held:
            line.beat(self._pulse.idle_s)
        for session_id, held in self._book.held.items():
            if held.stopped is not None:
                # What the guard before was ending must not go on with this one.
                self._later(self.end(held.source, session_id, held.stopped), "end stopped")
        if self._wants_leftovers:
            self._scope.start(self._book.ask_leftovers(line), "leftovers")

    async def _look(self) -> None:
        line_before = self._keeper.line
        line = await self._keeper.present()
        # One that came up just now was asked when it did.
        if line is not None and line is line_before:
            await self._book.ask_leftovers(line)

    def _line_now(self) -> Line | None:
        return self._keeper.line

    def _is_needed(self) -> bool:
        return bool(self._book.held or self._asked)

    def _ordered(self, work: Coroutine[Any, Any, R], name: str) -> asyncio.Task[R]:
        if self._closed:
            work.close()
            raise GuardDownError(detail="it was let go")
        return self._orders.start(work, name)

    def _later(self, work: Coroutine[Any, Any, object], name: str) -> None:
        if self._closed:
            work.close()
        else:
            self._scope.start(work, name)

    def _take_event(self, frame: Frame) -> None:
        event = event_of_frame(frame)
        if event is None:
            return
        if isinstance(event, SessionStopped):
            self._book.take_stop(event.session_id, event.why, confirmed=event.receipt.confirmed)
        self._events(event)

    def _take_down(self, error: GuardDownError) -> None:
        if self._book.held:
            self._on_error(error)
            # Somebody must end them: better this process than nobody.
            self._scope.start(self._keeper.own(), "take over")


async def _outcome(task: asyncio.Task[R]) -> R:
    """What becomes of ``task``; who is cancelled here only stops waiting.

    Raises:
        GuardDownError: The guard was let go meanwhile.
    """
    await asyncio.wait({task})
    if task.cancelled():
        raise GuardDownError(detail="it was let go")
    return task.result()
