"""Moves a session through its life: the one place where its state changes."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol

from atlas_desktop.aio import ErrorHandler, TaskScope, guarded
from atlas_desktop.api.source import EndReceipt, Mode
from atlas_desktop.clock import lasting_s
from atlas_desktop.errors import AppError, AvatarMissingError, LongestTimeError, StoppedError
from atlas_desktop.session.life import (
    Closed,
    Confirmed,
    ConnectionBroke,
    ConnectionMended,
    EndAsked,
    Ending,
    Event,
    FirstFrame,
    Granted,
    Idle,
    Joined,
    Life,
    Next,
    RetryScheduled,
    StartAsked,
    Stop,
    Stopped,
    Switch,
    Waiting,
    advance,
    is_over,
)
from atlas_desktop.session.ports import RoomPort
from atlas_desktop.session.room_errors import lost_error
from atlas_desktop.session.run import Limits, Request, Run

log = logging.getLogger(__name__)

_EXPIRY_SLACK_S = 5.0

ChangeCallback = Callable[[Life, Life], None]


class FirstFrameSource(Protocol):
    """What tells of the first picture: a ``VideoFeed``."""

    first_frame_us: int | None

    def on_first_frame(self, signal: Callable[[], None] | None) -> None: ...


class Lifecycle:
    """The state of a session, the one task that starts it and the one that ends it.

    Thread: one event loop, running when the first session starts.

    Args:
        name: Names the scopes of its tasks.
        make_room: Makes the room of a run.
        video: Tells of the first picture.
        on_change: Called with the state before and after each change.
        on_notice: Told of what does not end the session, and of an end that was not confirmed.
        limits: How long its steps may take.
        clock_s: The clock of cost and limits.
    """

    def __init__(
        self,
        name: str,
        make_room: Callable[[Run], Coroutine[Any, Any, RoomPort]],
        video: FirstFrameSource,
        on_change: ChangeCallback,
        on_notice: ErrorHandler,
        limits: Limits | None = None,
        clock_s: Callable[[], float] = lasting_s,
    ) -> None:
        self.life: Life = Idle()
        self.run: Run | None = None
        self._limits = limits or Limits()
        self._clock_s = clock_s
        self._make_room = make_room
        self._video = video
        # What breaks in there must not keep a session from being ended.
        self._on_change = guarded(f"{name}.change", self._broke)(on_change)
        self._on_notice = on_notice
        self._main = TaskScope(name, self._broke)
        # What lives here runs to its end, whatever happens to the session that began it.
        self._kept = TaskScope(f"{name}.kept")
        # Sessions of before that may still be open on the server.
        self._unconfirmed: list[Run] = []
        self._starting: asyncio.Task[None] | None = None
        self._waiting_since_s = 0.0
        self._closed_for_good = False

    @property
    def waited_s(self) -> float:
        """How long the first picture has been waited for; 0 unless it is."""
        return time.monotonic() - self._waiting_since_s if isinstance(self.life, Waiting) else 0.0

    @property
    def expired(self) -> bool:
        """Whether the service ended the session because its longest time was over."""
        grant = self.run.grant if self.run is not None else None
        if self.run is None or grant is None or grant.max_duration_s is None:
            return False
        return self.run.cost.spent_s >= grant.max_duration_s - _EXPIRY_SLACK_S

    def start(self, request: Request) -> None:
        """Begins a session, unless one is on its way or the program goes."""
        if is_over(self.life) and not self._closed_for_good:
            self._prepare(request)
            self.dispatch(StartAsked())

    def end(self, following: Next, error: AppError | None = None) -> None:
        """Asks for the end, at whatever stage the session is."""
        before = self.life
        self.dispatch(EndAsked(following, error))
        if isinstance(self.life, Ending) and not isinstance(before, Ending):
            if self._starting is not None:
                self._starting.cancel()
            self._main.start(self._close(), "close")

    def switch(self, mode: Mode, microphone: bool) -> None:
        """Ends the session and begins one in ``mode``, with the same source and face."""
        self.end(Switch(mode, microphone))

    def stop(self, reason: StoppedError) -> None:
        """Ends the session unasked; ``reason`` also explains why its room was lost just before."""
        self._fail(reason)
        self.dispatch(Stopped(reason))

    def take_receipt(self, session_id: str, receipt: EndReceipt) -> None:
        """The service confirmed elsewhere that ``session_id`` is over."""
        for run in {self.run, *self._unconfirmed}:
            if run is not None and run.session_id == session_id:
                run.take_receipt(receipt)

    def keep_waiting(self) -> None:
        """The user waits on for the picture: the time starts anew."""
        if self._waiting_since_s:
            self._waiting_since_s = time.monotonic()

    def end_again(self) -> None:
        """Asks the service once more to end every session whose end it did not confirm."""
        for run in self._unconfirmed:
            run.end_again()

    def connection_broke(self) -> None:
        self.dispatch(ConnectionBroke())

    def connection_mended(self) -> None:
        self.dispatch(ConnectionMended())

    def room_lost(self, reason: str, proxy: str = "") -> None:
        """The room is gone unasked: the session ends, on the server too."""
        log.info("the room was lost: %s", reason)
        self._fail(LongestTimeError() if self.expired else lost_error(reason, proxy))

    def dispatch(self, event: Event) -> None:
        """Applies ``event`` and tells of the change, if it is one."""
        before = self.life
        self.life = advance(before, event)
        if self.life != before:
            if isinstance(self.life, Waiting) and not self._waiting_since_s:
                self._waiting_since_s = time.monotonic()
            self._on_change(before, self.life)

    async def aclose(self, timeout_s: float) -> None:
        """Ends the session and waits for what must run to its end, at most ``timeout_s``."""
        self._closed_for_good = True
        until_s = time.monotonic() + timeout_s
        self.end(Stop())
        await self._main.join(timeout_s)
        await self._kept.join(max(0.0, until_s - time.monotonic()))
        await self._main.aclose(0.1)

    def _prepare(self, request: Request) -> None:
        self.run = Run(request, self._make_room, self._kept, self._limits, self._late, self._clock_s)
        self._waiting_since_s = 0.0
        self._starting = self._main.start(self._start(self.run), "start")

    async def _start(self, run: Run) -> None:
        try:
            grant = await run.ask(lambda wait_s: self.dispatch(RetryScheduled(wait_s)))
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
            # In the native thread that took the frame.
            loop.call_soon_threadsafe(arrived.set)

        self._video.on_first_frame(signal)
        try:
            while self._video.first_frame_us is None and not arrived.is_set():
                left_s = self._waiting_since_s + self._limits.first_frame_s - time.monotonic()
                if left_s <= 0:
                    raise AvatarMissingError(waited_s=self._limits.first_frame_s)
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

    def _closed(self, run: Run) -> None:
        following = self.life.next if isinstance(self.life, Ending) and not self.life.error else Stop()
        if isinstance(following, Switch):
            self._prepare(replace(run.request, mode=following.mode, microphone=following.microphone))
        unconfirmed = run.unconfirmed
        self.dispatch(Closed(run.summary, unconfirmed.params["session_id"] if unconfirmed else None))
        if unconfirmed is not None:
            self._unconfirmed.append(run)
            self._on_notice(unconfirmed)

    def _late(self, run: Run) -> None:
        """The end of ``run`` was confirmed, or given up, after it had left the stage."""
        if run.unconfirmed is not None:
            if run not in self._unconfirmed:
                self._unconfirmed.append(run)
            self._on_notice(run.unconfirmed)
            return
        if run in self._unconfirmed:
            self._unconfirmed.remove(run)
        if run.summary is not None:
            self.dispatch(Confirmed(run.summary))

    def _broke(self, error: AppError) -> None:
        """A bug in our own tasks: the session is ended on the server, the window stays."""
        if is_over(self.life):
            self._on_notice(error)
        else:
            self._fail(error)

    def _fail(self, error: AppError) -> None:
        # What breaks while it ends is no news, and must not turn a switch into a stop.
        if not isinstance(self.life, Ending):
            self.end(Stop(), error)
