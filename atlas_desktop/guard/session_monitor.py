"""What is checked while sessions are held: signs of life, limits, absence, sleep, the service's own view."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import asdict

from atlas_desktop.aio import TaskScope, guarded
from atlas_desktop.api.guard_protocol import EndReason, Frame
from atlas_desktop.api.limits import is_absent, is_spent
from atlas_desktop.clock import SleepDetector, boottime_s
from atlas_desktop.errors import NotFoundError, ServiceError
from atlas_desktop.guard.journal_writer import JournalWriter
from atlas_desktop.guard.managed_session import ManagedSession
from atlas_desktop.guard.session_store import SessionStore

log = logging.getLogger(__name__)

TICK_S = 1.0
AFTER_APP_S = 2.0
"""The app ends a session in sight; where it does not, the guard does, so much later."""
AFTER_ANSWER_S = 3.0
"""The same where the app asks first whether anybody is there."""
POLL_PERIOD_S = 60.0
SECOND_POLL_S = 5.0
"""Before a session that the service does not know is taken for one that is over."""
NAP_S = 2.0
LONG_GAP_S = 30.0
"""So late is no tick of a computer that is awake, where both clocks count sleep (Windows)."""
LATE_TICK_S = 1.0

_OVER = ("ended", "closed", "expired", "completed")
"""Words of a status that say that a session costs nothing more; ``ended`` is Atlas's."""

Clock = Callable[[], float]


class StatusPoller:
    """Asks the service how sessions stand, and ends those that it says are over. Thread: one event loop.

    Args:
        store: The sessions.
        publish: Takes the events.
    """

    def __init__(self, store: SessionStore, publish: Callable[[Frame], None]) -> None:
        self._store = store
        self._publish = publish
        self._scope = TaskScope("guard.poller")

    def poll(self, session: ManagedSession) -> None:
        """Ask about one session; return at once."""
        if self._store.is_running(session):
            self._scope.start(self._poll(session), "status")

    async def aclose(self) -> None:
        """Cancel what is being asked."""
        await self._scope.aclose()

    async def _poll(self, session: ManagedSession) -> None:
        is_over = await self._is_over(session)
        if is_over is None:
            # A slip of one server must not end a session that runs.
            await asyncio.sleep(SECOND_POLL_S)
            is_over = self._store.is_running(session) and await self._is_over(session) is not False
        if is_over and self._store.is_running(session):
            self._store.end(session, EndReason.SERVICE)

    async def _is_over(self, session: ManagedSession) -> bool | None:
        """Return what the service says; ``None`` when it does not know the session."""
        try:
            status = await session.source.status(session.session_id)
        except NotFoundError:
            # Of a backend that may only mean that it has no such call.
            return None if session.has_status else False
        except ServiceError as error:
            log.info("no status of %s: %s", session.session_id, error)
            return False
        session.was_found = True
        self._publish({"event": "status", **asdict(status)})
        return status.status in _OVER


class SessionMonitor:
    """Checks the held sessions once a second, while there are any. Thread: one event loop.

    Args:
        store: The sessions.
        poller: Asks the service about each once a minute.
        journal: Its queue is flushed as often.
        clock_s: Counts sleep.
        steady_s: Does not, where the platform has such a clock.
    """

    def __init__(
        self,
        store: SessionStore,
        poller: StatusPoller,
        journal: JournalWriter,
        clock_s: Clock = boottime_s,
        steady_s: Clock = time.monotonic,
    ) -> None:
        self._store = store
        self._poller = poller
        self._journal = journal
        self._clock_s = clock_s
        self._sleep = SleepDetector(NAP_S, clock_s, steady_s, longest_gap_s=TICK_S + LONG_GAP_S)
        self._scope = TaskScope("guard.monitor")
        self._beat_s = clock_s()
        self._idle_s = 0.0

    def start(self) -> None:
        """Check from now on, whenever a session is held."""
        self._scope.start(self._run(), "tick")

    async def aclose(self) -> None:
        """Stop checking."""
        await self._scope.aclose()

    def beat(self, idle_s: float) -> None:
        """Take a sign of life of the app's; nobody has done anything there for ``idle_s``."""
        self._beat_s = self._clock_s()
        self._idle_s = idle_s

    def check(self) -> None:
        """End what is to be ended."""
        slept_s = self._sleep.look()
        if slept_s:
            log.info("the computer slept for about %.0f s", slept_s)
        is_late = self._sleep.passed_s - TICK_S > LATE_TICK_S
        for session in tuple(self._store.sessions.values()):
            # What goes wrong with one must not keep the others from their limits.
            guarded("guard.monitor")(self._check)(session, has_slept=bool(slept_s), is_late=is_late)

    async def _run(self) -> None:
        while True:
            await self._store.occupied.wait()
            self._sleep.look()
            while self._store.sessions:
                await asyncio.sleep(TICK_S)
                # A bug in one check must not be the end of all.
                guarded("guard.monitor")(self.check)()

    def _check(self, session: ManagedSession, *, has_slept: bool, is_late: bool) -> None:
        reason = EndReason.SLEEP if has_slept else self._reason(session, is_late=is_late)
        if reason is not None:
            self._store.end(session, reason)
        elif self._clock_s() - session.polled_s >= POLL_PERIOD_S:
            session.polled_s = self._clock_s()
            self._journal.flush()
            self._poller.poll(session)

    def _reason(self, session: ManagedSession, *, is_late: bool) -> EndReason | None:
        now_s, limits = self._clock_s(), session.limits
        if is_spent(limits, session.terms, now_s - session.granted_s, AFTER_APP_S):
            return EndReason.LIMIT
        # A guard that was itself held up finds the app's beats in its pipe only after this check.
        if not is_late and now_s - max(self._beat_s, session.since_s) >= limits.hang_s:
            return EndReason.HANG
        if is_absent(limits, self._idle_s, AFTER_ANSWER_S):
            return EndReason.IDLE
        return None
