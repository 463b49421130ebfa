"""Keeps a guard running: starts it, gives it what it has to know, replaces it when it dies or is silent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from atlas_desktop.aio import ErrorHandler, TaskScope
from atlas_desktop.api.guard_protocol import EndReason, Frame
from atlas_desktop.child import Child
from atlas_desktop.errors import AppError, ChildError, GuardDownError, GuardLostError
from atlas_desktop.session.guard_transport import GuardTransport, InProcessTransport, ProcessTransport
from atlas_desktop.session.session_registry import SessionRegistry

log = logging.getLogger(__name__)

ROLE = "guard"
START_PAUSES_S = (0.0, 0.2, 1.0, 3.0)
"""Before each attempt to start it again. One that dies young uses them up, too."""
YOUNG_S = 10.0
RESTORE_TIMEOUT_S = 60.0
"""A guard that does not take what it has to know in this time never will."""

BEAT_S = 1.0
PROBE_S = 5.0
SILENT_S = 20.0
"""A guard that answers nothing for so long is replaced: it may be stopped, or got SIGTERM."""
ENDING_SILENT_S = 2.0
"""The same while a session is to be ended: that costs money, and a closing window does not wait for long."""
_GRACE_SHARE = 0.25
_PROBE: Frame = {"op": "limits", "session_id": "", "limits": {}}
"""Changes nothing: any answer shows that the guard is alive."""

GuardStarter = Callable[..., Awaitable[Child]]
"""Starts a process of ours: ``child.Child.start``."""


class GuardSupervisor:
    """Holds the transport to the guard. Thread: one event loop.

    Attributes:
        registry: What a guard has to know.
        transport: Carries orders out now; ``None`` while nothing does.
        down: Why the guard does not start; ``None`` while it does.
        idle_s: For how long nobody did anything; goes with each sign of life.

    Args:
        folder: The profile's.
        start_child: Starts the guard's process.
        on_event: Called with each event.
        on_error: Called with a ``GuardDownError`` when a guard that held sessions died and could not be
            replaced. They are then held by this process.
    """

    def __init__(
        self,
        folder: Path,
        start_child: GuardStarter,
        on_event: Callable[[Frame], None],
        on_error: ErrorHandler,
    ) -> None:
        self.registry = SessionRegistry()
        self.transport: GuardTransport | None = None
        self.down: GuardDownError | None = None
        self.idle_s = 0.0
        self._folder = folder
        self._start_child = start_child
        self._on_event = on_event
        self._on_error = on_error
        self._scope = TaskScope("guard.supervisor", on_error)
        self._opened: set[tuple[GuardTransport, str]] = set()
        self._opening = asyncio.Lock()
        self._starting: asyncio.Task[None] | None = None
        self._died_young = 0
        self._up_since_s = 0.0
        self._retired = False

    async def ready(self, *, persistent: bool = False) -> GuardTransport | None:
        """Return the transport, after waiting for a guard that comes up; ``None`` when none does.

        Args:
            persistent: Make as many attempts as after a death; else one.

        Raises:
            GuardDownError: It was retired.
        """
        if self._retired:
            raise GuardDownError(detail="it was let go")
        if self.transport is None or not self.transport.is_up:
            if self._starting is None or self._starting.done():
                pauses_s = START_PAUSES_S if persistent else START_PAUSES_S[:1]
                self._starting = self._scope.start(self._start(pauses_s), "start")
            # Who is cancelled here stops waiting; the guard comes up all the same.
            await asyncio.shield(self._starting)
        return self.transport

    async def in_process(self) -> GuardTransport:
        """Return a transport that needs no process, for want of a guard."""
        if self.transport is None:
            log.info("sessions are held without a guard")
            self.transport = transport = InProcessTransport(self._folder, self._on_event)
            await self._restore(transport)
        return self.transport

    async def for_create(self, source: str, *, unguarded: bool) -> GuardTransport:
        """Return the transport on which a session may be requested, its source opened.

        Raises:
            GuardDownError: There is no guard, and the user has not agreed to do without (``unguarded``).
            AppError: The source can't be opened.
        """
        while True:
            if isinstance(self.transport, InProcessTransport) and not unguarded:
                if self.registry.sessions and self.down is not None:
                    raise self.down
                await self._drop()
            transport = await self.ready()
            if transport is None:
                if not unguarded:
                    raise self.down or GuardDownError()
                transport = await self.in_process()
            try:
                await self.open_source(transport, source)
            except GuardLostError:
                continue
            return transport

    async def open_source(self, transport: GuardTransport, name: str) -> None:
        """Have a source opened on ``transport``, once.

        Raises:
            GuardLostError: The guard died over it.
            AppError: It can't be opened: a key would be sent in the clear.
        """
        async with self._opening:
            if (transport, name) not in self._opened:
                access = self.registry.accesses[name]
                await transport.request({"op": "open", "source": name, **asdict(access)})
                self._opened.add((transport, name))

    async def open_ahead(self, name: str) -> None:
        """Have a source opened by a guard that is up: it connects ahead of the first request."""
        if self.transport is not None:
            with suppress(GuardLostError):  # the next one opens it, too
                await _best_effort(self.open_source(self.transport, name))

    async def recover_leftovers(self) -> None:
        """Have the guard look for what earlier runs left open, with every source that is known."""
        before = self.transport
        transport = await self.ready()
        # One that came up just now did so when its state was restored.
        if transport is not None and transport is before:
            await self._recover_leftovers(transport)

    def retire(self) -> None:
        """Start no guard any more."""
        self._retired = True

    async def aclose(self, timeout_s: float) -> None:
        """Release the guard: it ends what is open by itself, and then itself."""
        self.retire()
        await self._scope.aclose(timeout_s)
        await self._drop()

    async def _drop(self) -> None:
        transport, self.transport = self.transport, None
        if transport is not None:
            await transport.aclose()

    async def _start(self, pauses_s: Sequence[float]) -> None:
        detail = ""
        for pause_s in pauses_s:
            await asyncio.sleep(pause_s)
            try:
                await self._start_once()
            except (ChildError, GuardLostError) as error:
                detail = str(error.params.get("detail") or "it died at once")
                log.info("the guard does not start: %s", detail)
            else:
                return
        self.down = GuardDownError(detail=detail or "it died again and again")
        if self.registry.sessions:
            self._on_error(self.down)
            # Somebody must end them: better this process than nobody.
            self._scope.start(self.in_process(), "take over")

    async def _start_once(self) -> None:
        process = await self._start_child(ROLE, "--profile", str(self._folder))
        transport = ProcessTransport(process, self._on_event, self._take_loss)
        try:
            async with asyncio.timeout(RESTORE_TIMEOUT_S):
                await self._restore(transport)
        except TimeoutError as error:
            transport.kill()
            await transport.aclose()
            raise GuardLostError() from error
        except BaseException:
            await transport.aclose()
            raise
        if not transport.is_up:
            raise GuardLostError()
        self.transport, self.down = transport, None
        self._up_since_s = asyncio.get_running_loop().time()
        log.info("guarded by process %d", process.pid)

    def _take_loss(self, transport: ProcessTransport) -> None:
        if transport is not self.transport or self._retired:
            return
        self.transport = None
        age_s = asyncio.get_running_loop().time() - self._up_since_s
        self._died_young = self._died_young + 1 if age_s < YOUNG_S else 0
        self._starting = self._scope.start(self._start(START_PAUSES_S[self._died_young :]), "restart")

    async def _restore(self, transport: GuardTransport) -> None:
        """Give a new guard all that it has to know: it goes on where another died.

        Raises:
            GuardLostError: It died over it.
        """
        self._opened.clear()
        sessions = tuple(self.registry.sessions.items())
        await self._open_all(transport)
        for session_id, session in sessions:
            await _best_effort(transport.request(session.adopt_order(session_id)))
        if self.registry.sessions:
            transport.beat(self.idle_s)
        for session_id, session in sessions:
            if session.stopped is not None:
                # What the guard before was ending must not go on with this one.
                work = self._end_stopped(transport, session_id, session.source, session.stopped)
                self._scope.start(work, "end stopped")
        if self.registry.wants_leftovers:
            self._scope.start(self._recover_leftovers(transport), "leftovers")

    async def _open_all(self, transport: GuardTransport) -> None:
        for name in self.registry.accesses:
            await _best_effort(self.open_source(transport, name))

    async def _end_stopped(
        self, transport: GuardTransport, session_id: str, source: str, why: EndReason
    ) -> None:
        order = {"op": "end", "source": source, "session_id": session_id, "why": why.value}
        try:
            answer = await transport.request(order)
        except GuardLostError:
            return  # the next one does it
        self.registry.take_end(session_id, why, confirmed=bool(answer.get("confirmed")))

    async def _recover_leftovers(self, transport: GuardTransport) -> None:
        try:
            await self._open_all(transport)
            await transport.request({"op": "leftovers"})
        except GuardLostError:
            log.info("the next guard looks for leftovers")


class Heartbeat:
    """Signs of life between the app and its guard, both ways, while anything depends on them.

    They come from the loop it lives on: when that hangs, the guard hears nothing.

    Args:
        supervisor: Has the guard.
        scope: Owns the tasks.
    """

    def __init__(self, supervisor: GuardSupervisor, scope: TaskScope) -> None:
        self._supervisor = supervisor
        self._scope = scope
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def keep(self) -> None:
        """Go on until nothing depends on it any more."""
        for name, work in (("beat", self._beat), ("probe", self._probe)):
            if name not in self._tasks or self._tasks[name].done():
                self._tasks[name] = self._scope.start(work(), name)

    async def check(self, timeout_s: float) -> None:
        """Kill a guard that does not answer within ``timeout_s``: the next one goes on with its work."""
        transport = self._supervisor.transport
        if transport is not None and not await self._answers(transport, timeout_s):
            log.info("the guard answers nothing: it is replaced")
            transport.kill()

    async def _beat(self) -> None:
        while self._supervisor.registry.is_needed:
            if self._supervisor.transport is not None:
                self._supervisor.transport.beat(self._supervisor.idle_s)
            await asyncio.sleep(BEAT_S)

    async def _probe(self) -> None:
        while self._supervisor.registry.is_needed:
            await self.check(SILENT_S)
            await asyncio.sleep(PROBE_S)

    async def _answers(self, transport: GuardTransport, timeout_s: float) -> bool:
        probing = self._scope.start(_probed(transport), "probe answer")
        await asyncio.wait({probing}, timeout=timeout_s)
        if not probing.done():
            # After a hang of our own its answer may wait behind the timer.
            await asyncio.sleep(timeout_s * _GRACE_SHARE)
        if probing.done():
            return True
        probing.cancel()
        return False


async def _best_effort(work: Awaitable[object]) -> None:
    try:
        await work
    except GuardLostError:
        raise
    except AppError as error:
        # An order that depends on it fails by itself; the others don't need it.
        log.info("the guard did not take all that it has to know: %s", error)


async def _probed(transport: GuardTransport) -> None:
    try:
        await transport.request(_PROBE)
    except GuardLostError:
        return  # its exit is about to be reported
