"""Endings: each session is ended once, however many ask for it, until the service confirms."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from atlas_desktop.aio import TaskScope, guarded
from atlas_desktop.api.orders import Why
from atlas_desktop.api.source import EndReceipt
from atlas_desktop.guard.asking import Patience, end_on_server
from atlas_desktop.guard.held import Held, Name

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Persistence:
    """How an ending goes on.

    Attributes:
        patience: While the service can't be reached, or fails.
        silence_s: The pause after an answer that says nothing about the session (401, a proxy's 404).
        longest_silence_s: It doubles up to this: what answers may be a hotel's own page, and the service
            itself is asked so soon after it is there again.
        answer_s: How long whoever gave the order waits for an answer.
    """

    patience: Patience = field(default_factory=lambda: Patience(endless=True))
    silence_s: float = 10.0
    longest_silence_s: float = 15.0
    answer_s: float = 120.0


class Ending:
    """One session on its way out.

    Attributes:
        why: What it was ended for first.
        unasked: Whether the guard began it.
        hopeless: Whether the last answer said nothing about the session.
        given_up: Whether nobody asks again.
        told: Whether the app knows that its end is not confirmed.
        listeners: How many wait for the next answer.
    """

    def __init__(self, held: Held, why: Why, *, unasked: bool) -> None:
        self.held = held
        self.why = why
        self.unasked = unasked
        self.hopeless = False
        self.given_up = False
        self.told = False
        self.listeners = 0
        self._next: asyncio.Future[EndReceipt] = asyncio.get_running_loop().create_future()
        self._hurry = asyncio.Event()

    async def answer(self, limit_s: float) -> EndReceipt:
        """Waits for the service's next answer about the session; asks at once if it pauses.

        Without one, after ``limit_s``, what is returned is not confirmed; the asking goes on.
        """
        self.hurry()
        self.listeners += 1
        try:
            await asyncio.wait({coming := self._next}, timeout=limit_s)
            return coming.result() if coming.done() else EndReceipt(self.held.session_id, confirmed=False)
        finally:
            self.listeners -= 1

    def hurry(self) -> None:
        """Ends a pause."""
        self._hurry.set()

    def give_up(self) -> None:
        """Asks no more once the service has answered."""
        self.given_up = True
        self.hurry()

    def settle(self, receipt: EndReceipt) -> None:
        """Hands ``receipt`` to all that wait."""
        self.hopeless = not receipt.confirmed
        self._hurry.clear()
        settled, self._next = self._next, asyncio.get_running_loop().create_future()
        settled.set_result(receipt)

    async def pause(self, seconds: float) -> None:
        """Waits, unless somebody hurries it."""
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return


Told = Callable[[Ending, EndReceipt], None]


class Endings:
    """Ends sessions. Thread: one event loop.

    Args:
        on_answer: Told what the service said, before anybody who waits hears of it.
        on_failure: Told of each try that failed, as an unconfirmed receipt.
        persistence: How they go on.
    """

    def __init__(self, on_answer: Told, on_failure: Told, persistence: Persistence | None = None) -> None:
        # A bug in what listens must not end the asking.
        self._on_answer = guarded("guard.endings")(on_answer)
        self._on_failure = guarded("guard.endings")(on_failure)
        self._persistence = persistence or Persistence()
        self._running: dict[Name, Ending] = {}
        self._over: dict[Name, tuple[Held, EndReceipt]] = {}
        self._scope = TaskScope("guard.endings")

    def __contains__(self, name: Name) -> bool:
        """Whether the session is being ended, or was."""
        return name in self._running or name in self._over

    def __len__(self) -> int:
        """How many tasks ask, or wait to ask."""
        return len(self._scope)

    @property
    def running(self) -> list[Ending]:
        return list(self._running.values())

    def begin(self, held: Held, why: Why, *, unasked: bool = True) -> Ending | None:
        """Ends ``held``, or joins the ending that runs; ``None`` when it is over."""
        if self._is_over(held):
            return None
        ending = self._running.get(held.name)
        if ending is None:
            log.info("ending %s (%s)", held.session_id, why.value)
            ending = self._running[held.name] = Ending(held, why, unasked=unasked)
            self._scope.start(self._run(ending), "end")
        return ending

    async def end(self, held: Held, why: Why) -> EndReceipt:
        """Ends ``held`` and returns the service's next answer; the same one when it had ended."""
        ending = self.begin(held, why, unasked=False)
        if ending is None:
            return self._over[held.name][1]
        return await ending.answer(self._persistence.answer_s)

    def _is_over(self, held: Held) -> bool:
        """Whether it is this very session that is over, not one of before that had its id."""
        over = self._over.get(held.name)
        return over is not None and over[0] is held

    def receipt_of(self, name: Name) -> EndReceipt | None:
        """What the service said at the end of a session that is over."""
        over = self._over.get(name)
        return None if over is None else over[1]

    def knows(self, key: str) -> bool:
        """Whether the session of this journal entry is being ended, or was."""
        ending = (one.held for one in self._running.values())
        return any(held.key == key for held in (*ending, *(held for held, _ in self._over.values())))

    def forget(self, name: Name) -> None:
        """The service gave the id of a session that is over to a new one, which must be ended in its turn."""
        self._over.pop(name, None)

    async def join(self) -> None:
        """Waits until no ending runs."""
        await self._scope.join()

    async def aclose(self) -> None:
        """Stops asking."""
        await self._scope.aclose()

    async def _run(self, ending: Ending) -> None:
        pause_s = self._persistence.silence_s
        while True:
            receipt = await self._ask(ending)
            self._take(ending, receipt)
            if receipt.confirmed or ending.given_up:
                return
            await ending.pause(pause_s)
            pause_s = min(2 * pause_s, self._persistence.longest_silence_s)

    async def _ask(self, ending: Ending) -> EndReceipt:
        held = ending.held
        unsure = EndReceipt(held.session_id, confirmed=False)
        asking = self._scope.start(
            end_on_server(
                held.source,
                held.session_id,
                self._persistence.patience,
                lambda: self._on_failure(ending, unsure),
            ),
            "ask",
        )
        # A bug in the asking is reported by the scope; the session is open all the same.
        await asyncio.wait({asking})
        return unsure if asking.cancelled() or asking.exception() else asking.result()

    def _take(self, ending: Ending, receipt: EndReceipt) -> None:
        session_id = ending.held.session_id
        log.info("the end of %s: %s", session_id, "confirmed" if receipt.confirmed else "not confirmed")
        if receipt.confirmed:
            self._over[ending.held.name] = ending.held, receipt
        self._on_answer(ending, receipt)
        if receipt.confirmed or ending.given_up:
            del self._running[ending.held.name]
        ending.settle(receipt)
