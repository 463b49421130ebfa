"""The app's side of the guard: gives it orders, passes its events on, and outlives its death."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from atlas_desktop.aio import ErrorHandler, TaskScope
from atlas_desktop.api.access import Access
from atlas_desktop.api.guard_protocol import EndReason, Frame, face_frame, grant_of_frame, receipt_of_frame
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import EndReceipt, Face, IdCallback, Mode, SessionGrant
from atlas_desktop.child import Child
from atlas_desktop.errors import GuardDownError, GuardLostError
from atlas_desktop.session.callbacks import Callbacks, Unsubscribe
from atlas_desktop.session.guard_events import GuardEvent, SessionStopped, event_of_frame
from atlas_desktop.session.guard_supervisor import (
    ENDING_SILENT_S,
    GuardStarter,
    GuardSupervisor,
    Heartbeat,
)

log = logging.getLogger(__name__)

_CLOSE_TIMEOUT_S = 1.0
R = TypeVar("R")


class GuardClient:
    """Keeps paid sessions from being left open, by a process of its own. Thread: one event loop.

    While a session is requested or held, a sign of life goes to the guard once a second, from this very
    loop: when the loop hangs, they stop. A guard that dies is replaced, and its successor is given what it
    has to hold; nobody else notices.

    Args:
        folder: The profile's.
        on_error: Called with what concerns nobody's call: above all a ``GuardDownError``, when a guard that
            held sessions died and could not be replaced. They are then held by this process.
        start_child: Starts the guard's process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        on_error: ErrorHandler,
        start_child: GuardStarter = Child.start,
    ) -> None:
        self._scope = TaskScope("guard", on_error)
        # Their errors are for who gave the order; a caller that leaves does not take them along.
        self._orders = TaskScope("guard.order")
        self._events: Callbacks[[GuardEvent]] = Callbacks("guard.event", on_error)
        self._supervisor = GuardSupervisor(folder, start_child, self._take_event, on_error)
        self._registry = self._supervisor.registry
        self._heartbeat = Heartbeat(self._supervisor, self._scope)
        self._reasons: dict[str, EndReason] = {}
        self._ends: dict[str, asyncio.Task[EndReceipt]] = {}
        self._limits = SpendingLimits()
        self._unguarded = False
        self._unrecorded = False
        self._closed = False

    async def start(self) -> None:
        """Bring the guard up, after the first paint. Never raises: one that can't start is remembered."""
        if not self._closed:
            await asyncio.wait({self._scope.start(self._supervisor.ready(), "first start")})

    @property
    def is_up(self) -> bool:
        """Whether a process of its own guards."""
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """The guard's process; ``None`` while there is none."""
        transport = self._supervisor.transport
        return transport.pid if transport is not None and transport.is_up else None

    def open(self, access: Access) -> "GuardedSource":
        """Return the source of paid sessions there; a guard that is up connects to its service at once."""
        name = self._registry.name_of(access)
        if self._supervisor.transport is not None:
            self._later(self._supervisor.open_ahead(name), "open")
        return GuardedSource(self, name, access.host)

    def set_limits(self, limits: SpendingLimits) -> None:
        """Set the limits of the next sessions, and from now on of those that run."""
        self._limits = limits
        for session_id in self._registry.sessions:
            self.set_session_limits(session_id, limits)

    def set_session_limits(self, session_id: str, limits: SpendingLimits) -> None:
        """Set the limits of one session that runs: after it was extended."""
        session = self._registry.sessions.get(session_id)
        if session is not None and session.limits != limits:
            session.limits = limits
            order = {"op": "limits", "session_id": session_id, "limits": asdict(limits)}
            self._later(self._repeated(order), "limits")

    def set_idle(self, idle_s: float) -> None:
        """Note for how long nobody spoke, typed, dropped or moved: goes with the next sign of life."""
        self._supervisor.idle_s = idle_s

    def note_reason(self, session_id: str, reason: EndReason) -> None:
        """Note why the program is about to end a session: for the record of it."""
        self._reasons[session_id] = reason

    def look_for_leftovers(self) -> None:
        """Have sessions ended that earlier runs left open: with the sources that were opened until now.

        What becomes of each is published as a ``Leftover``.
        """
        self._registry.wants_leftovers = True
        self._later(self._supervisor.recover_leftovers(), "leftovers")

    def dismiss(self, entry_key: str) -> None:
        """Take the user's word that a session of an earlier run is over."""
        self._later(self._repeated({"op": "dismiss", "entry": entry_key}), "dismiss")

    def allow_unguarded(self) -> None:
        """Note that the user agreed: without a guard, sessions are made and ended by this process."""
        self._unguarded = True

    def allow_unrecorded(self) -> None:
        """Note that the user agreed: the next session is made though no record of it can be written."""
        self._unrecorded = True

    def on_event(self, callback: Callable[[GuardEvent], None]) -> Unsubscribe:
        """Call ``callback`` with each event; what is returned ends that."""
        return self._events.add(callback)

    async def aclose(self) -> None:
        """Release the guard: it ends what is open by itself, and then itself."""
        self._closed = True
        self._supervisor.retire()
        await self._scope.aclose(_CLOSE_TIMEOUT_S)
        await self._orders.aclose(_CLOSE_TIMEOUT_S)
        await self._supervisor.aclose(_CLOSE_TIMEOUT_S)

    async def create(self, source: str, mode: Mode, face: Face | None) -> SessionGrant:
        """Have a session made and hold it from then on; see ``GuardedSource.create``."""
        creating = self._ordered(self._create(source, mode, face), "create")
        try:
            return await _outcome(creating)
        except asyncio.CancelledError:
            # Nobody waits any more, but the session may be made all the same.
            creating.add_done_callback(partial(self._end_unwanted, source))
            raise

    async def end(self, source: str, session_id: str) -> EndReceipt:
        """Have a session ended, by the next guard when this one dies; it is held until that is confirmed."""
        ending = self._ends.get(session_id)
        if ending is None or ending.done():
            reason = self._reasons.pop(session_id, EndReason.ASKED)
            ending = self._ends[session_id] = self._ordered(self._end(source, session_id, reason), "end")
        return await _outcome(ending)

    async def _create(self, source: str, mode: Mode, face: Face | None) -> SessionGrant:
        frame, content = face_frame(face)
        self._registry.requested += 1
        self._heartbeat.keep()
        try:
            transport = await self._supervisor.for_create(source, unguarded=self._unguarded)
            limits, unrecorded = self._limits, self._unrecorded
            order: Frame = {"op": "create", "source": source, "mode": mode.value, "face": frame}
            order |= {"limits": asdict(limits), "unrecorded": unrecorded}
            transport.beat(self._supervisor.idle_s)
            grant = grant_of_frame(await transport.request(order, content))
            self._unrecorded = False
            self._registry.add(grant, source, limits)
        except GuardLostError as error:
            # It may have been made, and its id written down: then the next guard finds it.
            self._registry.wants_leftovers = True
            raise self._registry.lost_error(source, mode) from error
        finally:
            self._registry.requested -= 1
        self.set_session_limits(grant.session_id, self._limits)
        return grant

    async def _end(self, source: str, session_id: str, reason: EndReason) -> EndReceipt:
        order = {"op": "end", "source": source, "session_id": session_id, "why": reason.value}
        self._later(self._heartbeat.check(ENDING_SILENT_S), "end check")
        try:
            receipt = receipt_of_frame(await self._repeated(order))
        finally:
            self._ends.pop(session_id, None)
        self._registry.take_end(session_id, reason, confirmed=receipt.confirmed)
        return receipt

    def _end_unwanted(self, source: str, creating: asyncio.Task[SessionGrant]) -> None:
        if not (self._closed or creating.cancelled() or creating.exception()):
            self._ordered(self.end(source, creating.result().session_id), "end unwanted")

    async def _repeated(self, order: Frame) -> Frame:
        """Have an order carried out by whichever guard lives: given again when one dies over it."""
        while True:
            transport = await self._supervisor.ready(persistent=True) or await self._supervisor.in_process()
            try:
                if "source" in order:
                    await self._supervisor.open_source(transport, order["source"])
                return await transport.request(order)
            except GuardLostError:
                log.info("order %s goes to the next guard", order["op"])

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
            self._registry.take_end(event.session_id, event.why, confirmed=event.receipt.confirmed)
        self._events(event)


class GuardedSource:
    """Sessions that the guard makes, holds and ends: a ``SessionSource``. Thread: one event loop.

    Args:
        client: Gives the orders.
        name: What the guard knows the source by.
        label: What the user knows it by.
    """

    def __init__(self, client: GuardClient, name: str, label: str) -> None:
        self._client = client
        self._name = name
        self._label = label

    def __repr__(self) -> str:
        return f"GuardedSource({self._label!r})"

    @property
    def label(self) -> str:
        return self._label

    @property
    def billed(self) -> bool:
        return True

    @property
    def retries_end(self) -> bool:
        return True

    async def create(self, mode: Mode, face: Face | None, on_id: IdCallback | None = None) -> SessionGrant:
        """Have a session made. A caller that is cancelled leaves none behind: what comes late is ended.

        The guard has written the id down long before ``on_id`` is called with it.

        Raises:
            GuardDownError: There is no guard, and the user has not agreed to do without.
            SessionIdLostError: It died before it answered.
            JournalError: The record can't be written, and the user has not agreed to do without.
            AppError: What the service said.
        """
        grant = await self._client.create(self._name, mode, face)
        if on_id is not None:
            on_id(grant.session_id)
        return grant

    async def end(self, session_id: str) -> EndReceipt:
        return await self._client.end(self._name, session_id)

    async def aclose(self) -> None:
        """Do nothing: the connections are the guard's, which may still have to end what it made."""


async def _outcome(task: asyncio.Task[R]) -> R:
    """Return the result of ``task``; who is cancelled here only stops waiting.

    Raises:
        GuardDownError: The guard was let go meanwhile.
    """
    await asyncio.wait({task})
    if task.cancelled():
        raise GuardDownError(detail="it was let go")
    return task.result()
