"""An event loop in a named thread of its own: media keeps its pace while the window is busy."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

from atlas_desktop.aio import ErrorHandler, TaskScope, guarded

P = ParamSpec("P")

_JOIN_S = 2.0


class LoopThread:
    """Runs tasks on a plain selector loop; the thread starts with the first use.

    Thread: every method may be called from any thread but the loop's own.
    """

    def __init__(self, name: str, on_error: ErrorHandler | None = None) -> None:
        self.name = name
        self._on_error = on_error
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._scope = TaskScope(name, on_error)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop; starts the thread.

        Raises:
            RuntimeError: The thread could not start its loop.
        """
        with self._lock:
            if self._thread is None:
                self._ready.clear()
                self._scope = TaskScope(self.name, self._on_error)
                body = guarded(self.name, self._on_error)(self._run)
                self._thread = threading.Thread(target=body, name=self.name, daemon=True)
                self._thread.start()
        self._ready.wait(_JOIN_S)
        if self._running_loop is None:
            raise RuntimeError(f"{self.name} did not start")
        return self._running_loop

    @property
    def is_running(self) -> bool:
        """Whether the thread exists now."""
        return self._thread is not None

    def call(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Calls ``function`` on the loop, soon; its error is reported, not raised."""
        body = guarded(self.name, self._on_error)(function)
        self.loop.call_soon_threadsafe(lambda: body(*args, **kwargs))

    def spawn(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """Runs ``work()`` as a task on the loop; it is cancelled by ``close``."""
        self.call(lambda: self._scope.start(work(), name))

    def close(self) -> None:
        """Cancels the tasks and joins the thread; the next use starts it again."""
        with self._lock:
            thread, loop, stopping = self._thread, self._running_loop, self._stopping
            self._thread = None
        if thread is None:
            return
        if loop is not None and stopping is not None:
            loop.call_soon_threadsafe(stopping.set)
        thread.join(_JOIN_S)

    def _run(self) -> None:
        # The factory is named: a policy set for the window's loop must not reach this thread.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._stopping = asyncio.Event()
        self._running_loop = asyncio.get_running_loop()
        self._ready.set()
        try:
            await self._stopping.wait()
        finally:
            self._running_loop = None
            await self._scope.aclose(_JOIN_S)
