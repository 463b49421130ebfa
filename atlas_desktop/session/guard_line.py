"""The two ways in which an order is carried out: by the guard's process, or by a broker of our own."""

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Protocol

from atlas_desktop.api.orders import Frame, error_in, frame_of, line_of
from atlas_desktop.errors import ChildError, GuardLostError

log = logging.getLogger(__name__)

_END_HERE_LIMIT_S = 5.0
ANSWER_LIMIT_S = 180.0
"""Whatever a guard asks of the service, it has given up sooner: one that is silent for so long is broken."""


class GuardProcess(Protocol):
    """A guard's process that has said its first line; ``child.Child`` is one."""

    @property
    def pid(self) -> int: ...

    @property
    def running(self) -> bool: ...

    def send(self, data: bytes) -> None: ...

    def listen(self, on_line: Callable[[bytes], None], on_exit: Callable[[int], None]) -> None: ...

    def kill(self) -> None: ...

    async def release(self) -> None: ...


class Line(Protocol):
    """Who carries out orders."""

    @property
    def pid(self) -> int | None:
        """The guard's process; ``None`` where it is our own."""
        ...

    @property
    def is_up(self) -> bool: ...

    async def ask(self, order: Frame, content: bytes = b"") -> Frame:
        """Has an order carried out; returns what came of it.

        Raises:
            GuardLostError: The guard died before it answered.
            AppError: The order's own error.
        """
        ...

    def beat(self, idle_s: float) -> None:
        """A sign of life."""
        ...

    def kill(self) -> None:
        """Ends a guard that does not answer."""
        ...

    async def aclose(self) -> None:
        """Lets go."""
        ...


class ProcessLine:
    """Orders over the pipes of a guard's process. Thread: one event loop.

    Args:
        process: The guard.
        on_event: Called with each event.
        on_lost: Called once, when the guard ended unasked.
    """

    def __init__(
        self,
        process: GuardProcess,
        on_event: Callable[[Frame], None],
        on_lost: Callable[["ProcessLine"], None],
    ) -> None:
        self._process = process
        self._on_event = on_event
        self._on_lost = on_lost
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        process.listen(self._take, self._lost)
        self._gone = not process.running

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def is_up(self) -> bool:
        return not self._gone and self._process.running

    async def ask(self, order: Frame, content: bytes = b"") -> Frame:
        number = next(self._numbers)
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._send({**order, "n": number}, content)
            async with asyncio.timeout(ANSWER_LIMIT_S):
                frame = await answer
        except TimeoutError as error:
            log.warning("the guard did not carry out %s: it is replaced", order.get("op"))
            self.kill()
            raise GuardLostError() from error
        finally:
            self._waiting.pop(number, None)
        if "error" in frame:
            raise error_in(frame["error"])
        result: Frame = frame.get("ok") or {}
        return result

    def beat(self, idle_s: float) -> None:
        try:
            self._process.send(line_of({"op": "beat", "idle_s": round(idle_s, 3)}))
        except ChildError:
            return  # its end is being told

    def kill(self) -> None:
        self._process.kill()

    async def aclose(self) -> None:
        self._gone = True
        self._drop_waiting()
        await self._process.release()

    def _send(self, order: Frame, content: bytes) -> None:
        if self._gone:
            raise GuardLostError()
        try:
            self._process.send(line_of(order, content))
        except ChildError as error:
            raise GuardLostError() from error

    def _take(self, line: bytes) -> None:
        try:
            frame = frame_of(line)
        except ValueError:
            log.warning("the guard said something that is no frame (%d bytes)", len(line))
            return
        number = frame.get("n")
        if number is None:
            self._on_event(frame)
            return
        answer = self._waiting.get(number)
        # An answer that nobody waits for belongs to a call that was cancelled.
        if answer is not None and not answer.done():
            answer.set_result(frame)

    def _lost(self, status: int) -> None:
        log.info("the guard ended with status %s", status)
        self._gone = True
        self._drop_waiting()
        self._on_lost(self)

    def _drop_waiting(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(GuardLostError())


class OwnLine:
    """Orders carried out in this process, for want of a guard: nobody ends them when it dies.

    Args:
        folder: The profile's.
        on_event: Called with each event.
    """

    pid = None
    is_up = True

    def __init__(self, folder: Path, on_event: Callable[[Frame], None]) -> None:
        from atlas_desktop.guard.broker import Broker
        from atlas_desktop.storage.billing_journal import BillingJournal
        from atlas_desktop.storage.profile import Profile

        profile = Profile.at(folder)
        self._broker = Broker(BillingJournal(profile.billing_journal), profile.guards_folder, on_event)

    async def ask(self, order: Frame, content: bytes = b"") -> Frame:
        return await self._broker.obey(order, content)

    def beat(self, idle_s: float) -> None:
        self._broker.beat(idle_s)

    def kill(self) -> None:
        """Does nothing: it is us."""

    async def aclose(self) -> None:
        await self._broker.aclose(_END_HERE_LIMIT_S)
