"""Writing in order and in the background: who writes never waits for the disk."""

import asyncio
import queue
import threading
from collections.abc import Callable

from atlas_desktop.aio import guarded

_MOST_WAITING = 10_000


class FileWriter:
    """Runs calls one after another in a daemon thread of its own, which comes with the first. Thread: one.

    A disk that never answers keeps the thread and, up to a bound, what waits; nothing else.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None

    def write(self, function: Callable[[], None]) -> bool:
        """Runs ``function`` after all before it; False when too many wait already."""
        try:
            self._waiting.put_nowait(function)
        except queue.Full:
            return False
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"files-{self._name}", daemon=True)
            self._thread.start()
        return True

    async def flush(self, limit_s: float) -> bool:
        """Waits until all that was given is written; False when the time is out."""
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


def _set(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)
