"""Blocking calls in daemon threads, abandoned when the disk does not answer."""

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from atlas_desktop.aio import guarded
from atlas_desktop.errors import AppError, FileSilentError

R = TypeVar("R")

SILENCE_LIMIT_S = 30.0
_AT_ONCE = 8
_STUCK_AFTER_S = 0.5
_MOST_STUCK = 100

_this_thread = threading.local()


class AnswerClock:
    """Time of a disk's last answer. Thread: any.

    Attributes:
        heard_s: When it last answered, by ``time.monotonic``; initially the time of construction.
    """

    def __init__(self) -> None:
        self.heard_s = time.monotonic()

    def follow_this_thread(self) -> None:
        """Count each ``answered`` in the calling thread from now on."""
        _this_thread.clock = self


def answered() -> None:
    """Note that the disk has answered: the time limit of this thread starts again."""
    clock: AnswerClock | None = getattr(_this_thread, "clock", None)
    if clock is not None:
        clock.heard_s = time.monotonic()


class FileThreads:
    """Runs calls that a dead disk may block for ever. Thread: one event loop.

    A few run at once; a blocked one no longer counts, so that a dead disk does not delay others. A call that
    can't be ended is left to its daemon thread, for which the program's exit does not wait.
    """

    def __init__(self, name: str, silence_limit_s: float = SILENCE_LIMIT_S) -> None:
        """Prepare, without starting a thread.

        Args:
            name: Of the threads, and for the log.
            silence_limit_s: How long a call may be silent; each ``answered`` restarts it, so that a slow disk
                is waited for as long as it answers at all.
        """
        self._name = name
        self._limit_s = silence_limit_s
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._stuck = 0

    async def call(self, path: Path, function: Callable[[], R]) -> R:
        """Run ``function``, which is about ``path``, in a thread and return its result.

        Raises:
            FileSilentError: The disk does not answer.
            AppError, OSError: ``function`` raised it; anything else arrives as a ``BugError``.
        """
        if self._stuck >= _MOST_STUCK:
            raise FileSilentError(name=path.name or str(path))
        await self._slots.acquire()
        clock = AnswerClock()
        future = _start(function, clock, self._name)
        result = asyncio.wrap_future(future)
        # An exception that nobody waits for any more is not to be logged as never retrieved.
        result.add_done_callback(lambda done: done.cancelled() or done.exception())
        is_stuck = False
        try:
            while not (await asyncio.wait({result}, timeout=_STUCK_AFTER_S))[0]:
                if not is_stuck:
                    is_stuck = True
                    self._stuck += 1
                    self._slots.release()
                if time.monotonic() - clock.heard_s > self._limit_s:
                    raise FileSilentError(name=path.name or str(path))
            return result.result()
        finally:
            result.cancel()
            if is_stuck:
                future.add_done_callback(partial(self._thread_ended, asyncio.get_running_loop()))
            else:
                self._slots.release()

    def _thread_ended(self, loop: asyncio.AbstractEventLoop, _future: object) -> None:
        # The loop may have been closed while the call hung.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._unstick)

    def _unstick(self) -> None:
        self._stuck -= 1


def _start(function: Callable[[], R], clock: AnswerClock, name: str) -> "concurrent.futures.Future[R]":
    future: concurrent.futures.Future[R] = concurrent.futures.Future()
    # Running: cancelling the wait must not mark a hanging call as done.
    future.set_running_or_notify_cancel()

    def settle() -> None:
        clock.follow_this_thread()
        try:
            result = function()
        except (AppError, OSError) as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    body = guarded(name, future.set_exception)(settle)
    threading.Thread(target=body, name=f"files-{name}", daemon=True).start()
    return future
