"""Owns the tasks of one part of the local Atlas: held, cancelled and awaited together."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Scope:
    """A set of tasks on the running loop. A task that fails is logged, a cancelled one is silent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __len__(self) -> int:
        """How many tasks are running."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any] | None:
        """Runs ``work`` as a task of this scope; a closed scope drops it and returns ``None``."""
        if self._closed:
            work.close()
            return None
        task = asyncio.get_running_loop().create_task(work, name=f"{self.name}.{name}")
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    async def aclose(self, timeout_s: float = 5.0) -> None:
        """Takes no more tasks, cancels those running and waits for their end, or for the time-out."""
        self._closed = True
        for task in self._others():
            task.cancel()
        await self.join(timeout_s)

    async def join(self, timeout_s: float = 5.0) -> None:
        """Waits, without cancelling, until no task is left or the time is out."""
        if tasks := self._others():
            _, left = await asyncio.wait(tasks, timeout=timeout_s)
            for task in left:
                log.warning("%s did not end in time", task.get_name())

    def _others(self) -> set[asyncio.Task[Any]]:
        current = asyncio.current_task()
        return {task for task in self._tasks if task is not current}

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)
