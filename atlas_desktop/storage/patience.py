"""Calls that may hang for good, each in a thread of its own, waited for only so long."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from atlas_desktop.aio import guarded
from atlas_desktop.errors import AppError

R = TypeVar("R")


class PatientCaller:
    """Calls one slow, perhaps stuck thing: one call at a time, none while an earlier one hangs.

    A hanging call keeps its daemon thread and nothing else; the program's exit does not wait for it.
    Thread: one event loop.
    """

    def __init__(self, name: str, limit_s: float) -> None:
        self.name = name
        self.limit_s = limit_s
        self._turn = asyncio.Lock()
        self._last: _Answer[Any] | None = None

    async def call(self, function: Callable[[], R]) -> R:
        """Runs ``function`` in a thread and returns what it returns.

        Raises:
            TimeoutError: It took longer than ``limit_s``, or an earlier call still hangs.
            AppError: ``function`` raised it; anything else it raises arrives as a ``BugError``.
        """
        async with self._turn:
            if self._last is not None and not self._last.came:
                raise TimeoutError(f"{self.name} still hangs")
            answer = self._last = _Answer[R](asyncio.get_running_loop())

            @guarded(self.name, answer.fail)
            def work() -> None:
                answer.give(function())

            threading.Thread(target=work, name=self.name, daemon=True).start()
            return await asyncio.wait_for(answer.future, self.limit_s)


class _Answer(Generic[R]):
    """Carries one result from the thread to the loop; too late a one is dropped."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[R] = loop.create_future()
        self._loop = loop
        self._came = False

    @property
    def came(self) -> bool:
        """Whether the thread is done. Thread: any."""
        return self._came

    def give(self, result: R) -> None:
        self._hop(lambda: self.future.set_result(result))

    def fail(self, error: AppError) -> None:
        self._hop(lambda: self.future.set_exception(error))

    def _hop(self, settle: Callable[[], None]) -> None:
        def settle_if_awaited() -> None:
            if not self.future.done():
                settle()

        self._came = True
        # The loop may have ended while the call hung.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(settle_if_awaited)
