"""Blocking calls in daemon threads, abandoned when the disk does not answer."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

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
        call = _Call(asyncio.get_running_loop(), function)
        is_stuck = False
        try:
            call.start(self._name)
            while not (await asyncio.wait({call.future}, timeout=_STUCK_AFTER_S))[0]:
                if not is_stuck:
                    is_stuck = True
                    self._stuck += 1
                    self._slots.release()
                if time.monotonic() - call.clock.heard_s > self._limit_s:
                    raise FileSilentError(name=path.name or str(path))
            return call.future.result()
        finally:
            if not is_stuck:
                self._slots.release()
            else:
                # The thread itself notifies when it is free again, however late.
                call.when_over(self._unstick)

    def _unstick(self) -> None:
        self._stuck -= 1


class _Call(Generic[R]):
    """One call: its thread, and its result as a future of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, function: Callable[[], R]) -> None:
        self.clock = AnswerClock()
        self.future: asyncio.Future[R] = loop.create_future()
        self._loop = loop
        self._function = function
        self._over = False
        self._on_over: Callable[[], None] | None = None

    def start(self, name: str) -> None:
        threading.Thread(target=self._run, args=(name,), name=f"files-{name}", daemon=True).start()

    def when_over(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` on the loop once the thread is done, at once if it is."""
        if self._over:
            callback()
        else:
            self._on_over = callback

    def _run(self, name: str) -> None:
        self.clock.follow_this_thread()
        results: list[R] = []
        errors: list[BaseException] = []
        guarded(name, errors.append)(self._attempt)(results, errors)
        # The loop may have ended while the call was blocked.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle, results, errors)

    def _attempt(self, results: list[R], errors: list[BaseException]) -> None:
        try:
            results.append(self._function())
        except (AppError, OSError) as error:
            errors.append(error)

    def _settle(self, results: list[R], errors: list[BaseException]) -> None:
        self._over = True
        if not self.future.done() and results:
            self.future.set_result(results[0])
        elif not self.future.done():
            self.future.set_exception(errors[0])
            self.future.exception()  # the caller may be gone: mark it as retrieved
        if self._on_over is not None:
            self._on_over()
