"""Ending a session on the server: its DELETE is repeated until the service confirms the end."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.source import EndReceipt, SessionSource
from atlas_desktop.errors import AppError, RateLimitedError, ServiceError

log = logging.getLogger(__name__)

MAX_RETRY_AFTER_S = 30.0
"""A longer ``Retry-After`` is not obeyed: the session is billed meanwhile."""
_MAX_PARALLEL_REQUESTS = 4


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a DELETE is repeated. The first attempts follow each other quickly: the user watches.

    Attributes:
        attempt_timeouts_s: How long each attempt is waited for before the next is due; the last one repeats.
        backoff_s: The pause after each failed attempt; the last one repeats.
        inconclusive_backoff_s: The pause after an answer that says nothing about the session (401, a proxy's
            404). Short: what answers may be a hotel's own page, and soon after it the service is back.
        max_attempts: ``None`` for no limit.
        reply_timeout_s: How long the caller of an end waits for an answer; the attempts go on after it.
    """

    attempt_timeouts_s: tuple[float, ...] = (4.0, 4.0, 8.0)
    backoff_s: tuple[float, ...] = (0.5, 1.0, 2.0, 5.0)
    inconclusive_backoff_s: tuple[float, ...] = (10.0, 15.0)
    max_attempts: int | None = None
    reply_timeout_s: float = 60.0

    def attempt_timeout_s(self, attempt: int) -> float:
        """Return the timeout of attempt number ``attempt``, from 0."""
        return _at(self.attempt_timeouts_s, attempt)

    def pause_s(self, attempt: int, error: BaseException | None) -> float:
        """Return the pause after attempt number ``attempt``; ``error`` is ``None`` where it timed out."""
        backoff_s = _at(self.backoff_s, attempt)
        if error is None:
            # Its whole timeout has passed: that counts as waiting.
            return max(self.backoff_s[0], backoff_s - self.attempt_timeout_s(attempt))
        asked_s = float(error.params["retry_after_s"]) if isinstance(error, RateLimitedError) else 0.0
        return max(backoff_s, min(asked_s, MAX_RETRY_AFTER_S))


class EndRequests:
    """The DELETE requests for one session. Thread: one event loop.

    A request without an answer is not cancelled at its timeout, but another one is sent beside it: the first
    may wait on a connection that died with the network.

    Attributes:
        error: Why the last attempt failed; ``None`` where it timed out or was answered.

    Args:
        source: Where the session was made.
        session_id: As the service gave it.
        policy: When requests are repeated.
    """

    def __init__(self, source: SessionSource, session_id: str, policy: RetryPolicy) -> None:
        self.error: AppError | None = None
        self._source = source
        self._session_id = session_id
        self._policy = policy
        self._sent = 0
        self._since_answer = 0
        self._inconclusive = 0
        self._pause_s = 0.0
        self._pause_skipped = asyncio.Event()
        self._pending: list[asyncio.Task[EndReceipt]] = []
        self._scope = TaskScope("guard.end")

    @property
    def exhausted(self) -> bool:
        """Whether the policy allows no further attempt."""
        return self._policy.max_attempts is not None and self._sent >= self._policy.max_attempts

    def skip_pauses(self) -> None:
        """Cut the current pause short."""
        self._pause_skipped.set()

    def close(self) -> None:
        """Cancel the requests that are still waiting for an answer."""
        self._scope.cancel()

    async def next(self) -> EndReceipt | None:
        """Pause as the policy says, then send the next request.

        Returns:
            The service's answer, which may have come to an earlier request: not confirmed where it says
            nothing about the session. ``None`` when the attempt failed or timed out.
        """
        late = await self._pause()
        if late is not None:
            return self._concluded(late)
        attempt = self._since_answer
        self._send()
        done = await self._answers(self._policy.attempt_timeout_s(attempt))
        receipt, self.error = _receipt_in(done), None
        if receipt is not None:
            return self._concluded(receipt)
        error = next((task.exception() for task in done), None)
        self.error = error if isinstance(error, AppError) else None
        if error is not None and not (isinstance(error, ServiceError) and error.retryable):
            # Refused for good, or a bug of ours: nothing is known about the session.
            return self._concluded(EndReceipt(self._session_id, confirmed=False))
        log.info("attempt %d to end %s: %s", self._sent, self._session_id, error or "no answer in time")
        self._pause_s = self._policy.pause_s(attempt, error)
        return None

    def _send(self) -> None:
        if len(self._pending) >= _MAX_PARALLEL_REQUESTS:
            self._pending.pop(0).cancel()
        self._sent += 1
        self._since_answer += 1
        self._pending.append(self._scope.start(self._source.end(self._session_id), "request"))

    async def _answers(self, timeout_s: float) -> set[asyncio.Task[EndReceipt]]:
        """Wait until a request is answered or fails, or the timeout."""
        done, _ = await asyncio.wait(self._pending, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        self._pending = [task for task in self._pending if task not in done]
        return {task for task in done if not task.cancelled()}

    async def _pause(self) -> EndReceipt | None:
        """Wait until the next request is due, or an earlier one is answered; an error changes nothing."""
        self._pause_skipped.clear()
        hurried = self._scope.start(self._pause_skipped.wait(), "pause")
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._pause_s
        try:
            while (left_s := until_s - loop.time()) > 0 and not hurried.done():
                waits: set[asyncio.Task[EndReceipt] | asyncio.Task[bool]] = {*self._pending, hurried}
                await asyncio.wait(waits, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                done = {task for task in self._pending if task.done()}
                self._pending = [task for task in self._pending if task not in done]
                receipt = _receipt_in(task for task in done if not task.cancelled())
                if receipt is not None:
                    return receipt
        finally:
            hurried.cancel()
        return None

    def _concluded(self, receipt: EndReceipt) -> EndReceipt:
        self._since_answer = 0
        self._pause_s = _at(self._policy.inconclusive_backoff_s, self._inconclusive)
        self._inconclusive += 1
        return receipt


async def end_session(source: SessionSource, session_id: str, policy: RetryPolicy) -> EndReceipt:
    """End a session of a source that does not retry by itself: the rehearsal's, or one used without a guard.

    Returns:
        The service's answer; not confirmed where it says nothing about the session, or every attempt failed.
    """
    requests = EndRequests(source, session_id, policy)
    try:
        while not requests.exhausted:
            receipt = await requests.next()
            if receipt is not None:
                return receipt
        return EndReceipt(session_id, confirmed=False)
    finally:
        requests.close()


def _receipt_in(done: Iterable[asyncio.Task[EndReceipt]]) -> EndReceipt | None:
    # An answer beats an error that came with it.
    return next((task.result() for task in done if task.exception() is None), None)


def _at(values: tuple[float, ...], index: int) -> float:
    return values[min(index, len(values) - 1)]
