"""Looks at a session four times a second, and asks its room for figures every second."""

import asyncio
from collections.abc import Callable

from atlas_desktop.aio import TaskScope
from atlas_desktop.session.ports import RoomPort, RoomStatistics

BEAT_S = 0.25
STATISTICS_EVERY_S = 1.0
_FIRST_TRIES_S = 0.5
_ANSWER_LIMIT_S = 2.0


class Pulse:
    """Runs while a session exists. Thread: the session's loop.

    Args:
        scope: Owns the two tasks.
        on_beat: Called four times a second.
        room: The room, once joined.
        on_statistics: Called with the room's figures once a second.
    """

    def __init__(
        self,
        scope: TaskScope,
        on_beat: Callable[[], None],
        room: Callable[[], RoomPort | None],
        on_statistics: Callable[[RoomStatistics], None],
    ) -> None:
        self._scope = scope
        self._on_beat = on_beat
        self._room = room
        self._on_statistics = on_statistics
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins, unless it runs."""
        if not self._tasks:
            self._tasks = [
                self._scope.start(self._beat(), "beat"),
                self._scope.start(self._ask(), "statistics"),
            ]

    def stop(self) -> None:
        """Ceases: an idle session costs nothing."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            self._on_beat()

    async def _ask(self) -> None:
        known = False
        while True:
            await asyncio.sleep(STATISTICS_EVERY_S if known else _FIRST_TRIES_S)
            room = self._room()
            if room is None:
                continue
            try:
                async with asyncio.timeout(_ANSWER_LIMIT_S):
                    found = await room.statistics()
            except TimeoutError:
                found = RoomStatistics()
            known = found.round_trip_ms is not None
            self._on_statistics(found)
