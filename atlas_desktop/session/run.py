"""One server session, from the request to its confirmed end."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from atlas_desktop.aio import TaskScope, wait_full
from atlas_desktop.api.limits import Terms
from atlas_desktop.api.source import EndReceipt, Face, Mode, SessionGrant, SessionSource
from atlas_desktop.clock import lasting_s
from atlas_desktop.errors import AppError, EndUnconfirmedError, NoNetworkError, RateLimitedError
from atlas_desktop.guard.termination import RetryPolicy, end_session
from atlas_desktop.session.cost import CostMeter
from atlas_desktop.session.life import Summary
from atlas_desktop.session.network import has_interface
from atlas_desktop.session.ports import RoomPort
from atlas_desktop.session.spending import terms_of

log = logging.getLogger(__name__)

CREATE_TRIES = 5
LONGEST_TOLD_WAIT_S = 120.0
"""A service that asks to wait longer than this is not waited for: the user decides."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for."""

    source: SessionSource
    mode: Mode
    face: Face | None = None
    microphone: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of one session, in seconds.

    Attributes:
        first_frame_s: How long the avatar's picture is waited for.
        late_create_s: How long an end asked before the grant waits in sight for the create's answer;
            after that it is ended out of sight.
        end_s: How long the end waits in sight for its confirmation; asking goes on out of sight.
        end_unbilled_s: The same for a rehearsal, where nobody needs to know.
        leave_s: How long the end waits for the disconnect.
        end_retry: When an end is requested again, where the source does not do that by itself.
    """

    first_frame_s: float = 60.0
    late_create_s: float = 3.0
    end_s: float = 12.0
    end_unbilled_s: float = 1.0
    leave_s: float = 3.0
    end_retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(max_attempts=8))


class Run:
    """One server session and its room. Its requests run in a scope that nothing cancels.

    Attributes:
        terms: What limits go by; ``None`` before the grant, and when not billed.
        messages: How many messages the transcript has: set by who keeps it, for the summary.

    Args:
        request: What was asked for.
        make_room: Called once, as soon as the request goes out: its import of the native library runs
            beside the create.
        kept: Where the calls live that must run to their end: create, connect, disconnect, DELETE.
        on_late: Told of an end that was confirmed, or given up, after ``close`` had returned.
        clock_s: Counts what it costs.
    """

    def __init__(
        self,
        request: Request,
        make_room: Callable[["Run"], Coroutine[Any, Any, RoomPort]],
        kept: TaskScope,
        limits: Limits,
        on_late: Callable[["Run"], None],
        clock_s: Callable[[], float] = lasting_s,
    ) -> None:
        self.request = request
        self.grant: SessionGrant | None = None
        self.session_id: str | None = None
        self.room: RoomPort | None = None
        self.cost = CostMeter(None)
        self.terms: Terms | None = None
        self.receipt: EndReceipt | None = None
        self.messages = 0
        self._asked_s = time.monotonic()
        self._make_room = make_room
        self._kept = kept
        self._limits = limits
        self._on_late = on_late
        self._clock_s = clock_s
        self._closing = False
        self._closed = False
        self._creating: asyncio.Task[SessionGrant] | None = None
        self._making_room: asyncio.Task[RoomPort] | None = None
        self._joining: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def age_s(self) -> float:
        """Seconds since it was asked for."""
        return time.monotonic() - self._asked_s

    async def ask(self, on_wait: Callable[[float | None], None]) -> SessionGrant:
        """Asks the service for the session. Waits as told when asked to (429), and says so.

        Args:
            on_wait: Called with the seconds of a wait, and with ``None`` when the next try goes out.

        Raises:
            NoNetworkError: Nobody could be met in a room, so none is asked for.
            ServiceError: The service refused.
        """
        if not await asyncio.to_thread(has_interface):
            raise NoNetworkError()
        self._making_room = self._kept.start(self._make_room(self), "room")
        for tries_left in reversed(range(CREATE_TRIES)):
            try:
                return await self._create()
            except RateLimitedError as error:
                told_s = max(0.0, float(error.params["retry_after_s"]))
                if not tries_left or told_s > LONGEST_TOLD_WAIT_S:
                    raise
            on_wait(told_s)
            await wait_full(told_s)
            on_wait(None)
        raise AssertionError("the last try returns or raises")

    async def join(self) -> None:
        """Connects to the room.

        Raises:
            RoomError: It did not let us in.
        """
        assert self.grant is not None
        self._joining = self._kept.start(self._join(self.grant), "join")
        await asyncio.shield(self._joining)

    async def close(self) -> None:
        """Ends the session on the server and leaves the room, side by side, each bounded.

        What takes longer goes on in the kept scope, and is told to ``on_late``.
        """
        self._closing = True
        self.cost.stop()
        ending = self._ending = self._kept.start(self._end(), "end")
        leaving = self._kept.start(self._leave(), "leave")
        limits = self._limits
        end_s = limits.end_s if self.request.source.billed else limits.end_unbilled_s
        if self.session_id is None:
            end_s = limits.late_create_s
        await asyncio.gather(
            asyncio.wait({ending}, timeout=end_s),
            asyncio.wait({leaving}, timeout=self._limits.leave_s),
        )
        self._closed = True

    def end_again(self) -> None:
        """Asks once more for an end that was not confirmed, unless that is being asked for anyway."""
        if self.unconfirmed is not None and (self._ending is None or self._ending.done()):
            self._ending = self._kept.start(self._end(), "end-again")

    def take_receipt(self, receipt: EndReceipt) -> None:
        """Somebody else ended it: what the service said counts, and it need not be asked any more."""
        if self._is_confirmed or not receipt.confirmed:
            return
        self.receipt = receipt
        if self._closed:
            self._on_late(self)

    @property
    def summary(self) -> Summary | None:
        """What this session was; ``None`` when the service never made it, as far as we know."""
        if self.session_id is None:
            return None
        billed = self.request.source.billed
        receipt = self.receipt or EndReceipt(self.session_id, confirmed=False)
        return Summary(
            session_id=self.session_id,
            mode=self.request.mode,
            billed=billed,
            duration_s=self.cost.elapsed_s if receipt.duration_s is None else receipt.duration_s,
            estimated_usd=self.cost.cost_usd or 0.0,
            charged_usd=receipt.cost_usd if billed else None,
            confirmed=receipt.confirmed or not billed,
            messages=self.messages,
        )

    @property
    def unconfirmed(self) -> EndUnconfirmedError | None:
        """What to tell when the session may still be open, and cost."""
        if self.session_id is None or not self.request.source.billed:
            return None
        if self._is_confirmed:
            return None
        return EndUnconfirmedError(session_id=self.session_id)

    @property
    def _is_confirmed(self) -> bool:
        return self.receipt is not None and self.receipt.confirmed

    async def _create(self) -> SessionGrant:
        request = self.request
        self._creating = self._kept.start(request.source.create(request.mode, request.face), "create")
        # A cancel only stops the waiting: the answer is needed to end what it brings.
        await asyncio.wait({self._creating})
        self._take_answer(self._creating)
        return self._creating.result()

    def _take_answer(self, creating: asyncio.Task[SessionGrant]) -> None:
        if creating.cancelled():
            return
        error = creating.exception()
        if error is None:
            self.grant = creating.result()
            self.session_id = self.grant.session_id
            billed = self.request.source.billed
            self.cost = CostMeter(self.grant.price_per_hour_usd if billed else None, self._clock_s)
            self.cost.start()
            self.terms = terms_of(self.grant, _local_now()) if billed else None
        elif isinstance(error, AppError):
            # An answer that can't be used may have brought a session all the same.
            self.session_id = error.params.get("session_id") or None

    async def _join(self, grant: SessionGrant) -> None:
        assert self._making_room is not None
        self.room = await self._making_room
        if not self._closing:
            await self.room.join(grant)

    async def _end(self) -> None:
        if self.session_id is None and self._creating is not None:
            await asyncio.wait({self._creating})
            self._take_answer(self._creating)
            self.cost.stop()
        if self.session_id is None:
            return
        if not self._is_confirmed:
            receipt = await self._requested_end(self.session_id)
            if not self._is_confirmed:
                self.receipt = receipt
        if self._closed:
            self._on_late(self)

    async def _requested_end(self, session_id: str) -> EndReceipt:
        source = self.request.source
        if source.retries_end:
            return await source.end(session_id)
        return await end_session(source, session_id, self._limits.end_retry)

    async def _leave(self) -> None:
        if self._joining is not None:
            # A connect in flight is never cancelled: the native side would panic (python-sdks#784).
            await asyncio.wait({self._joining})
        if self.room is not None:
            await self.room.leave()


def _local_now() -> datetime:
    """This computer's wall clock, without a zone: then its midnight is that of the zone's rules."""
    return datetime.now(UTC).astimezone().replace(tzinfo=None)
