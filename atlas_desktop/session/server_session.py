"""One server session, from the request to its confirmed end."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from atlas_desktop.aio import TaskScope, wait_full
from atlas_desktop.api.limits import Terms
from atlas_desktop.api.source import EndReceipt, Face, Mode, SessionGrant, SessionSource
from atlas_desktop.clock import boottime_s
from atlas_desktop.errors import AppError, EndUnconfirmedError, NoNetworkError, RateLimitedError
from atlas_desktop.guard.termination import RetryPolicy, end_session
from atlas_desktop.session.cost import CostMeter
from atlas_desktop.session.limit_enforcer import terms_of
from atlas_desktop.session.state import Summary

if TYPE_CHECKING:
    from atlas_desktop.session.room.livekit_room import LiveKitRoom

log = logging.getLogger(__name__)

CREATE_ATTEMPTS = 5
LONGEST_RETRY_AFTER_S = 120.0
"""A service that asks to wait longer than this is not waited for: the user decides."""
_IP_FAMILIES = (socket.AF_INET, socket.AF_INET6)


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What the user asked for."""

    source: SessionSource
    mode: Mode
    face: Face | None = None
    microphone: bool = False


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits of one session's steps, in seconds.

    Attributes:
        first_frame_s: For the avatar's first picture.
        late_create_s: For the create's answer, when the end is requested before it; then the session is
            ended in the background.
        end_s: For the confirmation of the end, while the user watches; requests continue in the background.
        end_unbilled_s: The same for a rehearsal, where nobody needs to know.
        leave_s: For the disconnect.
        end_retry: When an end is requested again, where the source does not do that by itself.
    """

    first_frame_s: float = 60.0
    late_create_s: float = 3.0
    end_s: float = 12.0
    end_unbilled_s: float = 1.0
    leave_s: float = 3.0
    end_retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(max_attempts=8))


class ServerSession:
    """One server session and its room. Its requests run in a scope that nothing cancels.

    Attributes:
        terms: What the limits are computed from; ``None`` before the grant, and when not billed.
        messages: How many messages the transcript has: set from outside, for the summary.

    Args:
        request: What was asked for.
        make_room: Called once, as soon as the request is sent: its import of the native library runs
            beside the create.
        kept: Scope of the calls that must run to their end: create, connect, disconnect, DELETE.
        on_late: Called when an end was confirmed, or given up, after ``close`` had returned.
        clock_s: The clock of its cost.
    """

    def __init__(
        self,
        request: SessionRequest,
        make_room: "Callable[[], Coroutine[Any, Any, LiveKitRoom]]",
        kept: TaskScope,
        timeouts: Timeouts,
        on_late: Callable[["ServerSession"], None],
        clock_s: Callable[[], float] = boottime_s,
    ) -> None:
        self.request = request
        self.grant: SessionGrant | None = None
        self.session_id: str | None = None
        self.room: LiveKitRoom | None = None
        self.cost = CostMeter(None)
        self.terms: Terms | None = None
        self.receipt: EndReceipt | None = None
        self.messages = 0
        self._asked_s = time.monotonic()
        self._make_room = make_room
        self._kept = kept
        self._timeouts = timeouts
        self._on_late = on_late
        self._clock_s = clock_s
        self._closing = False
        self._closed = False
        self._creating: asyncio.Task[SessionGrant] | None = None
        self._making_room: asyncio.Task[LiveKitRoom] | None = None
        self._joining: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def age_s(self) -> float:
        """Seconds since it was requested."""
        return time.monotonic() - self._asked_s

    async def create(self, on_wait: Callable[[float | None], None]) -> SessionGrant:
        """Request the session from the service; retry after the pause it asks for (429).

        Args:
            on_wait: Called with the seconds of a pause, and with ``None`` at the next attempt.

        Raises:
            NoNetworkError: No room could be reached, so none is requested.
            ServiceError: The service refused.
        """
        if not await asyncio.to_thread(has_interface):
            raise NoNetworkError()
        self._making_room = self._kept.start(self._make_room(), "room")
        for attempts_left in reversed(range(CREATE_ATTEMPTS)):
            try:
                return await self._create()
            except RateLimitedError as error:
                pause_s = max(0.0, float(error.params["retry_after_s"]))
                if not attempts_left or pause_s > LONGEST_RETRY_AFTER_S:
                    raise
            on_wait(pause_s)
            await wait_full(pause_s)
            on_wait(None)
        raise AssertionError("the last attempt returns or raises")

    async def join(self) -> None:
        """Connect to the room.

        Raises:
            RoomError: It did not let us in.
        """
        assert self.grant is not None
        self._joining = self._kept.start(self._join(self.grant), "join")
        await asyncio.shield(self._joining)

    async def close(self) -> None:
        """End the session on the server and leave the room, concurrently, each with a time limit.

        What takes longer continues in the kept scope, and is reported to ``on_late``.
        """
        self._closing = True
        self.cost.stop()
        ending = self._ending = self._kept.start(self._end(), "end")
        leaving = self._kept.start(self._leave(), "leave")
        timeouts = self._timeouts
        end_s = timeouts.end_s if self.request.source.billed else timeouts.end_unbilled_s
        if self.session_id is None:
            end_s = timeouts.late_create_s
        await asyncio.gather(
            asyncio.wait({ending}, timeout=end_s),
            asyncio.wait({leaving}, timeout=timeouts.leave_s),
        )
        self._closed = True

    def end_again(self) -> None:
        """Request an unconfirmed end once more, unless a request is in flight."""
        if self.unconfirmed is not None and (self._ending is None or self._ending.done()):
            self._ending = self._kept.start(self._end(), "end-again")

    def take_receipt(self, receipt: EndReceipt) -> None:
        """Take the receipt of an end that was requested elsewhere; no more requests are needed."""
        if self._is_confirmed or not receipt.confirmed:
            return
        self.receipt = receipt
        if self._closed:
            self._on_late(self)

    @property
    def summary(self) -> Summary | None:
        """The finished session; ``None`` when the service never made it, as far as we know."""
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
        """The error to show when the session may still be open, and cost."""
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
        # A cancel only ends the waiting: the answer is needed to end the session it brings.
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
            # An unusable answer may have made a session all the same.
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
        return await end_session(source, session_id, self._timeouts.end_retry)

    async def _leave(self) -> None:
        if self._joining is not None:
            # A connect in flight is never cancelled: native code would panic (livekit/python-sdks#784).
            await asyncio.wait({self._joining})
        if self.room is not None:
            await self.room.leave()


def has_interface() -> bool:
    """Return whether an interface other than loopback is up and has an address.

    LiveKit's WebRTC opens no socket on loopback and waits until its time limit; checked first, that is one
    clear error before anything is billed. Takes about a millisecond, 40 the first time.
    """
    # Imported late: the window is painted before anybody needs it.
    import psutil

    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    addresses = psutil.net_if_addrs()
    return any(
        address.family in _IP_FAMILIES and not _is_loopback(address.address)
        for name in up
        for address in addresses.get(name, ())
    )


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def _local_now() -> datetime:
    """This computer's wall clock, without a zone: its midnight then follows the zone's rules."""
    return datetime.now(UTC).astimezone().replace(tzinfo=None)
