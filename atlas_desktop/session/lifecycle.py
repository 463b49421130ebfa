"""Moves a session through its states: the one place where the state changes."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from atlas_desktop.aio import ErrorHandler, TaskScope, guarded
from atlas_desktop.api.source import EndReceipt, Mode
from atlas_desktop.clock import boottime_s
from atlas_desktop.errors import AppError, AvatarMissingError, LongestTimeError, StoppedError
from atlas_desktop.session.room.room_errors import lost_error
from atlas_desktop.session.server_session import ServerSession, SessionRequest, Timeouts
from atlas_desktop.session.state import (
    Closed,
    Confirmed,
    ConnectionChanged,
    EndAsked,
    Ending,
    Event,
    FirstFrame,
    Granted,
    Idle,
    Joined,
    Next,
    RetryScheduled,
    SessionState,
    StartAsked,
    Stop,
    Stopped,
    Switch,
    Waiting,
    is_over,
    transition,
)

if TYPE_CHECKING:
    from atlas_desktop.media.feeds import VideoFeed
    from atlas_desktop.session.room.livekit_room import LiveKitRoom

log = logging.getLogger(__name__)

_EXPIRY_TOLERANCE_S = 5.0
"""The service ends a session by its own clock, which may have started before ours."""

ChangeCallback = Callable[[SessionState, SessionState], None]


class Lifecycle:
    """The state of a session, the one task that starts it and the one that ends it.

    Thread: one event loop, running when the first session starts.

    Attributes:
        run: The current server session, or the last one.

    Args:
        name: Names the scopes of its tasks.
        make_room: Makes the room of the current server session.
        video: Signals the first picture.
        on_change: Called with the state before and after each change.
        on_notice: Called with errors that do not end the session, and with an unconfirmed end.
        timeouts: Time limits of its steps.
        clock_s: The clock of cost and limits.
    """

    def __init__(
        self,
        name: str,
        make_room: "Callable[[], Coroutine[Any, Any, LiveKitRoom]]",
        video: "VideoFeed",
        on_change: ChangeCallback,
        on_notice: ErrorHandler,
        timeouts: Timeouts | None = None,
        clock_s: Callable[[], float] = boottime_s,
    ) -> None:
        self.state: SessionState = Idle()
        self.run: ServerSession | None = None
        self._timeouts = timeouts or Timeouts()
        self._clock_s = clock_s
        self._make_room = make_room
        self._video = video
        # A failing observer must not keep a session from being ended.
        self._on_change = guarded(f"{name}.change", self._take_bug)(on_change)
        self._on_notice = on_notice
        self._main = TaskScope(name, self._take_bug)
        # Tasks that run to their end, whatever happens to the session that started them.
        self._kept = TaskScope(f"{name}.kept")
        # Earlier sessions that may still be open on the server.
        self._unconfirmed: list[ServerSession] = []
        self._starting: asyncio.Task[None] | None = None
        self._waiting_since_s = 0.0
        self._closed_for_good = False
        self._changed: list[asyncio.Event] = []

    @property
    def waited_s(self) -> float:
        """Seconds since waiting for the first picture began; 0 unless waiting."""
        return time.monotonic() - self._waiting_since_s if isinstance(self.state, Waiting) else 0.0

    @property
    def expired(self) -> bool:
        """Whether the session has run for the longest time that the service allows."""
        grant = self.run.grant if self.run is not None else None
        if self.run is None or grant is None or grant.max_duration_s is None:
            return False
        return self.run.cost.spent_s >= grant.max_duration_s - _EXPIRY_TOLERANCE_S

    def start(self, request: SessionRequest) -> None:
        """Start a session, unless one exists or the program is closing."""
        if is_over(self.state) and not self._closed_for_good:
            self._prepare(request)
            self.dispatch(StartAsked())

    def end(self, following: Next, error: AppError | None = None) -> None:
        """Request the end, in any state."""
        before = self.state
        self.dispatch(EndAsked(following, error))
        if isinstance(self.state, Ending) and not isinstance(before, Ending):
            if self._starting is not None:
                self._starting.cancel()
            self._main.start(self._close(), "close")

    def switch(self, mode: Mode, microphone: bool) -> None:
        """End the session and start one in ``mode``, with the same source and face."""
        self.end(Switch(mode, microphone))

    def stop(self, reason: StoppedError) -> None:
        """End the session unasked; ``reason`` also explains a room that was lost just before."""
        self._fail(reason)
        self.dispatch(Stopped(reason))

    def take_receipt(self, session_id: str, receipt: EndReceipt) -> None:
        """Take the service's confirmation, received elsewhere, that ``session_id`` is over."""
        for run in {self.run, *self._unconfirmed}:
            if run is not None and run.session_id == session_id:
                run.take_receipt(receipt)

    def keep_waiting(self) -> None:
        """Restart the time limit of the first picture."""
        if self._waiting_since_s:
            self._waiting_since_s = time.monotonic()

    def end_again(self) -> None:
        """Request the end of every session whose end was not confirmed once more."""
        for run in self._unconfirmed:
            run.end_again()

    def connection_changed(self, connected: bool) -> None:
        """Move to Reconnecting, or back."""
        self.dispatch(ConnectionChanged(connected))

    def room_lost(self, reason: str, proxy: str = "") -> None:
        """End the session, on the server too: its room is gone."""
        log.info("the room was lost: %s", reason)
        self._fail(LongestTimeError() if self.expired else lost_error(reason, proxy))

    def dispatch(self, event: Event) -> None:
        """Apply ``event`` and notify if the state changed."""
        before = self.state
        self.state = transition(before, event)
        if self.state != before:
            if isinstance(self.state, Waiting) and not self._waiting_since_s:
                self._waiting_since_s = time.monotonic()
            self._on_change(before, self.state)
            for changed in self._changed:
                changed.set()

    async def wait_for(self, reached: Callable[[SessionState], bool]) -> SessionState:
        """Wait for a state that satisfies ``reached``, and return it."""
        changed = asyncio.Event()
        self._changed.append(changed)
        try:
            while not reached(self.state):
                await changed.wait()
                changed.clear()
        finally:
            self._changed.remove(changed)
        return self.state

    async def aclose(self, timeout_s: float) -> None:
        """End the session and wait for tasks that must complete, at most ``timeout_s``."""
        self._closed_for_good = True
        until_s = time.monotonic() + timeout_s
        self.end(Stop())
        await self._main.join(timeout_s)
        await self._kept.join(max(0.0, until_s - time.monotonic()))
        await self._main.aclose(0.1)

    def _prepare(self, request: SessionRequest) -> None:
        self.run = ServerSession(
            request, self._make_room, self._kept, self._timeouts, self._late, self._clock_s
        )
        self._waiting_since_s = 0.0
        self._starting = self._main.start(self._start(self.run), "start")

    async def _start(self, run: ServerSession) -> None:
        try:
            grant = await run.create(lambda wait_s: self.dispatch(RetryScheduled(wait_s)))
            self.dispatch(Granted(grant))
            await run.join()
            self.dispatch(Joined())
            await self._first_frame()
            self.dispatch(FirstFrame())
        except AppError as error:
            self._fail(error)

    async def _first_frame(self) -> None:
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()

        def signal() -> None:
            # In the native thread that delivers frames.
            loop.call_soon_threadsafe(arrived.set)

        self._video.on_first_frame(signal)
        try:
            while self._video.first_frame_us is None and not arrived.is_set():
                left_s = self._waiting_since_s + self._timeouts.first_frame_s - time.monotonic()
                if left_s <= 0:
                    raise AvatarMissingError(waited_s=self._timeouts.first_frame_s)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left_s):
                        await arrived.wait()
        finally:
            self._video.on_first_frame(None)

    async def _close(self) -> None:
        run = self.run
        assert run is not None
        try:
            await run.close()
        finally:
            self._closed(run)

    def _closed(self, run: ServerSession) -> None:
        following = self.state.next if isinstance(self.state, Ending) and not self.state.error else Stop()
        if isinstance(following, Switch):
            self._prepare(replace(run.request, mode=following.mode, microphone=following.microphone))
        unconfirmed = run.unconfirmed
        self.dispatch(Closed(run.summary, unconfirmed.params["session_id"] if unconfirmed else None))
        if unconfirmed is not None:
            self._unconfirmed.append(run)
            self._on_notice(unconfirmed)

    def _late(self, run: ServerSession) -> None:
        """Take an end that was confirmed, or given up, after the session had closed."""
        if run.unconfirmed is not None:
            if run not in self._unconfirmed:
                self._unconfirmed.append(run)
            self._on_notice(run.unconfirmed)
            return
        if run in self._unconfirmed:
            self._unconfirmed.remove(run)
        if run.summary is not None:
            self.dispatch(Confirmed(run.summary))

    def _take_bug(self, error: AppError) -> None:
        """End the session on the server after a bug in our own tasks; the window stays."""
        if is_over(self.state):
            self._on_notice(error)
        else:
            self._fail(error)

    def _fail(self, error: AppError) -> None:
        # A failure while it ends needs no notice, and must not turn a switch into a stop.
        if not isinstance(self.state, Ending):
            self.end(Stop(), error)
