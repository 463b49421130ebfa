"""The two ways in which an order is carried out: by the guard's process, or by a service in this process."""

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Protocol

from atlas_desktop.api.guard_protocol import Frame, decode_error, decode_message, encode_message
from atlas_desktop.child import Child
from atlas_desktop.errors import ChildError, GuardLostError

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 180.0
"""A guard gives up any request to the service sooner: one that is silent for so long is broken."""
_CLOSE_TIMEOUT_S = 5.0


class GuardTransport(Protocol):
    """Carries orders out."""

    @property
    def pid(self) -> int | None:
        """The guard's process; ``None`` where it is our own."""
        ...

    @property
    def is_up(self) -> bool: ...

    async def request(self, order: Frame, content: bytes = b"") -> Frame:
        """Have an order carried out, and return its result.

        Raises:
            GuardLostError: The guard died before it answered.
            AppError: The order's own error.
        """
        ...

    def beat(self, idle_s: float) -> None:
        """Send a sign of life."""
        ...

    def kill(self) -> None:
        """End a guard that does not answer."""
        ...

    async def aclose(self) -> None:
        """Release it; a guard goes on with what it holds."""
        ...


class ProcessTransport:
    """Sends orders over the pipes of a guard's process. Thread: one event loop.

    Args:
        process: The guard; its first line has been read.
        on_event: Called with each event.
        on_lost: Called once, when the guard ended unasked.
    """

    def __init__(
        self,
        process: Child,
        on_event: Callable[[Frame], None],
        on_lost: Callable[["ProcessTransport"], None],
    ) -> None:
        self._process = process
        self._on_event = on_event
        self._on_lost = on_lost
        self._numbers = count(1)
        self._pending: dict[int, asyncio.Future[Frame]] = {}
        process.listen(self._take, self._take_exit)
        self._gone = not process.running

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def is_up(self) -> bool:
        return not self._gone and self._process.running

    async def request(self, order: Frame, content: bytes = b"") -> Frame:
        number = next(self._numbers)
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        try:
            self._send({**order, "n": number}, content)
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                frame = await answer
        except TimeoutError as error:
            log.warning("the guard did not carry out %s: it is replaced", order.get("op"))
            self.kill()
            raise GuardLostError() from error
        finally:
            self._pending.pop(number, None)
        if "error" in frame:
            raise decode_error(frame["error"])
        result: Frame = frame.get("ok") or {}
        return result

    def beat(self, idle_s: float) -> None:
        try:
            self._process.send(encode_message({"op": "beat", "idle_s": round(idle_s, 3)}))
        except ChildError:
            return  # its exit is about to be reported

    def kill(self) -> None:
        self._process.kill()

    async def aclose(self) -> None:
        self._gone = True
        self._fail_pending()
        await self._process.release()

    def _send(self, order: Frame, content: bytes) -> None:
        if self._gone:
            raise GuardLostError()
        try:
            self._process.send(encode_message(order, content))
        except ChildError as error:
            raise GuardLostError() from error

    def _take(self, line: bytes) -> None:
        try:
            frame = decode_message(line)
        except ValueError:
            log.warning("the guard said something that is no frame (%d bytes)", len(line))
            return
        number = frame.get("n")
        if number is None:
            self._on_event(frame)
            return
        answer = self._pending.get(number)
        # An answer that nobody waits for belongs to a call that was cancelled.
        if answer is not None and not answer.done():
            answer.set_result(frame)

    def _take_exit(self, status: int) -> None:
        log.info("the guard ended with status %s", status)
        self._gone = True
        self._fail_pending()
        self._on_lost(self)

    def _fail_pending(self) -> None:
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(GuardLostError())


class InProcessTransport:
    """Carries orders out in this process, for want of a guard: nobody ends its sessions when it dies.

    Args:
        folder: The profile's.
        on_event: Called with each event.
    """

    pid = None
    is_up = True

    def __init__(self, folder: Path, on_event: Callable[[Frame], None]) -> None:
        from atlas_desktop.guard.service import SessionService
        from atlas_desktop.storage.billing_journal import BillingJournal
        from atlas_desktop.storage.profile import Profile

        profile = Profile.at(folder)
        journal = BillingJournal(profile.billing_journal)
        self._service = SessionService(journal, profile.guards_folder, on_event)

    async def request(self, order: Frame, content: bytes = b"") -> Frame:
        return await self._service.handle(order, content)

    def beat(self, idle_s: float) -> None:
        self._service.beat(idle_s)

    def kill(self) -> None:
        """Do nothing: it is this process."""

    async def aclose(self) -> None:
        await self._service.aclose(_CLOSE_TIMEOUT_S)
