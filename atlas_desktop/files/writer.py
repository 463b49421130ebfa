"""Background writes in order, for which the caller does not wait."""

import asyncio
import queue
import threading
from collections.abc import Callable

from atlas_desktop.aio import guarded

_MOST_WAITING = 10_000


class FileWriter:
    """Runs calls one after another in a daemon thread, which is started with the first. Thread: one.

    A disk that never answers blocks that thread and keeps, up to a bound, what is queued; nothing else.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.Queue[Callable[[], object]] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None

    def write(self, function: Callable[[], object], *, wait_s: float = 0.0) -> bool:
        """Queue ``function``; return False if too many are queued already.

        Args:
            function: Writes.
            wait_s: How long to wait for it to be done, so that a crash right after loses nothing. There is no
                waiting if an earlier call still waits for the disk.
        """
        is_idle = not self._waiting.unfinished_tasks
        done = threading.Event()
        try:
            self._waiting.put_nowait(lambda: _call(function, done))
        except queue.Full:
            return False
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"files-{self._name}", daemon=True)
            self._thread.start()
        if wait_s and is_idle:
            done.wait(wait_s)
        return True

    async def flush(self, limit_s: float) -> bool:
        """Wait until everything queued is written; return False on timeout."""
        if self._thread is None:
            return True
        loop, written = asyncio.get_running_loop(), asyncio.Event()
        if not self.write(lambda: _set(loop, written)):
            return False
        try:
            async with asyncio.timeout(limit_s):
                await written.wait()
        except TimeoutError:
            return False
        return True

    def _run(self) -> None:
        while True:
            guarded(self._name)(self._waiting.get())()
            self._waiting.task_done()


def _call(function: Callable[[], object], done: threading.Event) -> None:
    try:
        function()
    finally:
        done.set()


def _set(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)
