"""Polls a room's statistics: once a second, four times a second while its packets are missing."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from atlas_desktop.session.room.room_statistics import RoomStatistics

if TYPE_CHECKING:
    from atlas_desktop.session.room.livekit_room import LiveKitRoom
    from atlas_desktop.session.room_monitor import RoomMonitor

POLL_S = 0.25
STATISTICS_EVERY_S = 0.9
"""Checked at every poll: that makes it a second."""
_FIRST_RETRIES_S = 0.4
"""Until the round trip is known, which takes WebRTC a moment."""
_ANSWER_LIMIT_S = 2.0


class StatsPoller:
    """Reads the statistics of one server session's room. Thread: the session's loop.

    Args:
        monitor: Gets what has arrived, and says when to poll more often.
        on_statistics: Called with all figures once a second.
    """

    def __init__(self, monitor: "RoomMonitor", on_statistics: Callable[[RoomStatistics], None]) -> None:
        self._monitor = monitor
        self._on_statistics = on_statistics

    async def run(self) -> None:
        """Poll until cancelled."""
        due_s = time.monotonic() + _FIRST_RETRIES_S
        while True:
            await asyncio.sleep(POLL_S)
            is_due = time.monotonic() >= due_s
            room = self._monitor.room
            if room is None or not (is_due or self._monitor.is_urgent):
                continue
            statistics = await _read(room)
            self._monitor.take_traffic(statistics.traffic)
            if is_due:
                known = statistics.round_trip_ms is not None
                due_s = time.monotonic() + (STATISTICS_EVERY_S if known else _FIRST_RETRIES_S)
                self._on_statistics(statistics)


async def _read(room: "LiveKitRoom") -> RoomStatistics:
    try:
        async with asyncio.timeout(_ANSWER_LIMIT_S):
            return await room.statistics()
    except TimeoutError:
        return RoomStatistics()
