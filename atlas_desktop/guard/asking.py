"""Ending a session on the server: asked until it is confirmed, or until asking makes no more sense."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.source import EndReceipt, SessionSource
from atlas_desktop.errors import RateLimitedError, ServiceError

log = logging.getLogger(__name__)

_TRIES_AT_ONCE = 4
LONGEST_TOLD_PAUSE_S = 30.0
"""A service that asks to wait longer (429) is asked again all the same: the session may cost meanwhile."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on asking. The first tries are short: the user watches.

    A try without an answer is not broken off: another is begun beside it, for what the first one waits
    for may be a connection that died with the network. So the service is asked again soon after it is back.

    Attributes:
        attempts_s: How long each try is waited for before another one is due.
        pauses_s: The wait after each try; the last tries have the last of these.
        endless: Whether it goes on asking when every try was made, each time with the last limit.
    """

    attempts_s: tuple[float, ...] = (4.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0)
    pauses_s: tuple[float, ...] = (0.5, 1.0, 2.0, 5.0)
    endless: bool = False

    def pause_s(self, attempt: int) -> float:
        """The wait after try number ``attempt``, from 0."""
        return self.pauses_s[min(attempt, len(self.pauses_s) - 1)]

    def pause_after_silence_s(self, attempt: int) -> float:
        """The same where the try's whole limit has passed: it counts as waiting."""
        return max(self.pauses_s[0], self.pause_s(attempt) - self.attempt_s(attempt))

    def attempt_s(self, attempt: int) -> float:
        """The limit of try number ``attempt``, from 0."""
        return self.attempts_s[min(attempt, len(self.attempts_s) - 1)]

    def attempts(self) -> Iterator[int]:
        """The numbers of the tries."""
        return count() if self.endless else iter(range(len(self.attempts_s)))

    def is_last(self, attempt: int) -> bool:
        return not self.endless and attempt + 1 >= len(self.attempts_s)


def _unheard() -> None:
    return None


async def end_on_server(
    source: SessionSource,
    session_id: str,
    patience: Patience | None = None,
    on_failure: Callable[[], None] = _unheard,
) -> EndReceipt:
    """Ends ``session_id``, with as many tries as ``patience`` has.

    Args:
        source: Where it was made.
        session_id: As the service gave it.
        patience: How long to go on.
        on_failure: Called after each try that is followed by another.

    Returns:
        The receipt. It is not confirmed when the service refused to talk about the session, or could
        not be reached with any of the tries.
    """
    patience = patience or Patience()
    tries = _Tries(source, session_id)
    try:
        for attempt in patience.attempts():
            try:
                return await tries.one_more(patience.attempt_s(attempt))
            except TimeoutError:
                pause_s = patience.pause_after_silence_s(attempt)
            except ServiceError as error:
                if not error.retryable:
                    break
                told_s = float(error.params["retry_after_s"]) if isinstance(error, RateLimitedError) else 0.0
                pause_s = max(patience.pause_s(attempt), min(told_s, LONGEST_TOLD_PAUSE_S))
            if patience.is_last(attempt):
                break
            on_failure()
            late = await tries.late_answer(pause_s)
            if late is not None:
                return late
        return EndReceipt(session_id, confirmed=False)
    finally:
        tries.drop()


class _Tries:
    """Asks, and asks again while earlier tries still wait for their answers."""

    def __init__(self, source: SessionSource, session_id: str) -> None:
        self._source = source
        self._session_id = session_id
        self._waiting: list[asyncio.Task[EndReceipt]] = []
        self._scope = TaskScope("guard.ask")

    async def one_more(self, limit_s: float) -> EndReceipt:
        """The first answer that comes to this try, or to one of before.

        Raises:
            TimeoutError: None came within the limit; the tries go on.
            ServiceError: What one of them brought instead.
        """
        if len(self._waiting) >= _TRIES_AT_ONCE:
            self._waiting.pop(0).cancel()
        self._waiting.append(self._scope.start(self._source.end(self._session_id), "try"))
        done, _ = await asyncio.wait(self._waiting, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        self._waiting = [one for one in self._waiting if one not in done]
        if not done:
            log.info("no answer to the end of %s within %s s", self._session_id, limit_s)
            raise TimeoutError
        # An answer beats an error that came with it.
        return (_answered(done) or list(done))[0].result()

    async def late_answer(self, pause_s: float) -> EndReceipt | None:
        """Pauses; an answer that comes meanwhile to a try of before ends the pause, an error does not."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + pause_s
        while self._waiting and (left_s := until_s - loop.time()) > 0:
            done, _ = await asyncio.wait(self._waiting, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            self._waiting = [one for one in self._waiting if one not in done]
            if answered := _answered(done):
                return answered[0].result()
        await asyncio.sleep(max(0.0, until_s - loop.time()))
        return None

    def drop(self) -> None:
        """Waits for no answer any more."""
        self._scope.cancel()


def _answered(done: Iterable[asyncio.Task[EndReceipt]]) -> list[asyncio.Task[EndReceipt]]:
    return [one for one in done if not one.cancelled() and one.exception() is None]
