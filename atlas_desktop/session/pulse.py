"""Looks at a session four times a second, and asks its room for figures every second or, in need, more."""

import asyncio
import time
from collections.abc import Callable

from atlas_desktop.aio import TaskScope
from atlas_desktop.session.ports import RoomPort, RoomStatistics, Traffic

BEAT_S = 0.25
STATISTICS_EVERY_S = 0.9
"""Looked at with every beat: that makes it a second."""
_FIRST_TRIES_S = 0.4
_ANSWER_LIMIT_S = 2.0


class Pulse:
    """Runs while a session exists. Thread: the session's loop.

    Args:
        scope: Owns the two tasks.
        on_beat: Called four times a second.
        room: The room, once joined.
        on_statistics: Called with the room's figures once a second.
        is_urgent: Whether to look at once what has arrived from the room.
        on_traffic: Called with what has arrived, once a second, and at every look while it is urgent.
    """

    def __init__(
        self,
        scope: TaskScope,
        on_beat: Callable[[], None],
        room: Callable[[], RoomPort | None],
        on_statistics: Callable[[RoomStatistics], None],
        is_urgent: Callable[[], bool],
        on_traffic: Callable[[Traffic | None], None],
    ) -> None:
        self._scope = scope
        self._on_beat = on_beat
        self._room = room
        self._on_statistics = on_statistics
        self._is_urgent = is_urgent
        self._on_traffic = on_traffic
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
        due_s = time.monotonic() + _FIRST_TRIES_S
        while True:
            await asyncio.sleep(BEAT_S)
            is_due = time.monotonic() >= due_s
            room = self._room()
            if room is None or not (is_due or self._is_urgent()):
                continue
            found = await self._statistics(room)
            self._on_traffic(found.traffic)
            if is_due:
                known = found.round_trip_ms is not None
                due_s = time.monotonic() + (STATISTICS_EVERY_S if known else _FIRST_TRIES_S)
                self._on_statistics(found)

    async def _statistics(self, room: RoomPort) -> RoomStatistics:
        try:
            async with asyncio.timeout(_ANSWER_LIMIT_S):
                return await room.statistics()
        except TimeoutError:
            return RoomStatistics()
