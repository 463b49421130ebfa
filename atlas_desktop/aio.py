"""Tasks and threads with owners: each is held, cancelled and awaited, and its error is routed."""

import asyncio
import concurrent.futures
import functools
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from atlas_desktop.errors import AppError, BugError

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
ErrorHandler = Callable[[AppError], None]


class TaskScope:
    """A set of tasks on one event loop, with one owner.

    A task that fails is logged and reported once to ``on_error`` as an ``AppError`` (anything else
    becomes a ``BugError`` with its cause); a cancelled one is silent. Thread: the loop's own.
    """

    def __init__(self, name: str, on_error: ErrorHandler | None = None) -> None:
        self.name = name
        self._on_error = on_error
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __len__(self) -> int:
        """Return how many tasks are running."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, R], name: str) -> asyncio.Task[R]:
        """Run ``work`` as a task of this scope.

        Raises:
            RuntimeError: The scope is closed.
        """
        if self._closed:
            work.close()
            raise RuntimeError(f"scope {self.name} is closed")
        task = asyncio.get_running_loop().create_task(work, name=f"{self.name}.{name}")
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def cancel(self) -> None:
        """Cancel every running task; the scope stays open."""
        for task in tuple(self._tasks):
            task.cancel()

    async def aclose(self, timeout_s: float | None = None) -> None:
        """Accept no more tasks, cancel those running and wait for their end, or for the time-out."""
        self._closed = True
        self.cancel()
        await self.join(timeout_s)

    async def join(self, timeout_s: float | None = None) -> None:
        """Wait, without cancelling, until no task is left or the time is out."""
        current = asyncio.current_task()
        tasks = {task for task in self._tasks if task is not current}
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            report(error, task.get_name(), self._on_error)


class DaemonExecutor(concurrent.futures.ThreadPoolExecutor):
    """Runs each call in a daemon thread of its own: a loop's default executor.

    A call that hangs (name server, dead disk) blocks neither the others nor the program's exit. asyncio
    accepts only a ``ThreadPoolExecutor``; nothing else of it is used.
    """

    def submit(
        self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> "concurrent.futures.Future[R]":
        """Start the call."""
        future: concurrent.futures.Future[R] = concurrent.futures.Future()
        work = functools.partial(function, *args, **kwargs)
        threading.Thread(target=_settle, args=(future, work), name="executor", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Return at once: no thread is waited for."""


class BlockingCallRunner:
    """Calls a component that may hang, in a thread; refuses calls while an earlier one hangs.

    A hanging call keeps its daemon thread and nothing else. Thread: one event loop.
    """

    def __init__(self, name: str, limit_s: float) -> None:
        self.name = name
        self.limit_s = limit_s
        self._lock = asyncio.Lock()
        self._last: concurrent.futures.Future[Any] | None = None

    async def call(self, function: Callable[[], R]) -> R:
        """Run ``function`` in a thread and return its result.

        Raises:
            TimeoutError: It took longer than ``limit_s``, or an earlier call still hangs.
            AppError: ``function`` raised it; anything else it raises arrives as a ``BugError``.
        """
        async with self._lock:
            if self._last is not None and not self._last.done():
                raise TimeoutError(f"{self.name} still hangs")
            future: concurrent.futures.Future[R] = concurrent.futures.Future()
            # Running: a time-out must not cancel it, or the next call would not know that it hangs.
            future.set_running_or_notify_cancel()
            self._last = future
            work = guarded(self.name, future.set_exception)(lambda: future.set_result(function()))
            threading.Thread(target=work, name=self.name, daemon=True).start()
            return await asyncio.wait_for(asyncio.wrap_future(future), self.limit_s)


def _settle(future: "concurrent.futures.Future[R]", work: Callable[[], R]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


async def wait_full(seconds: float) -> None:
    """Sleep for ``seconds``, never for less: a timer of Qt's may be 5 % early."""
    until_s = time.monotonic() + seconds
    while (left_s := until_s - time.monotonic()) > 0:
        await asyncio.sleep(left_s)


def report(error: BaseException, where: str, on_error: ErrorHandler | None) -> None:
    """Log ``error`` and pass it to ``on_error`` as an ``AppError``; any other kind becomes a ``BugError``."""
    if isinstance(error, AppError):
        log.info("%s: %s", where, error)
        known: AppError = error
    else:
        log.error("%s failed", where, exc_info=error)
        known = BugError(where=where)
        known.__cause__ = error
    if on_error is not None:
        on_error(known)


def guarded(
    where: str, on_error: ErrorHandler | None = None
) -> Callable[[Callable[P, R]], Callable[P, R | None]]:
    """Wrap a thread's body or a native callback: it never raises, its error is reported instead.

    Args:
        where: Name of the place, for log and report.
        on_error: Called in the failing thread.
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R | None]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R | None:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                report(error, where, on_error)
                return None

        return call

    return wrap
