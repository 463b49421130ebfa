"""Brings together what the room, the speaker and the painter know of picture and sound."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from atlas_desktop.clock import monotonic_us
from atlas_desktop.session.ports import RoomStatistics

if TYPE_CHECKING:
    from atlas_desktop.media.lipsync import LipSync, SyncFigures

SinkLevel = Callable[[], float | None]
"""What the speaker's buffer holds before a block is added, in ms; ``None`` while nothing is played."""


ServerExtra = Callable[[], float]
"""What the sound server keeps beyond its usual, in ms."""


def _no_speaker() -> None:
    return None


def _nothing_more() -> float:
    return 0.0


class Sync:
    """Measures once a second, for as long as a session is there. Thread: the session's loop.

    Attributes:
        lip_sync: Says how long a picture waits; read by the painter.
    """

    def __init__(self, lip_sync: "LipSync", clock_us: Callable[[], int] = monotonic_us) -> None:
        self.lip_sync = lip_sync
        self._clock_us = clock_us
        self._sink_level_ms: SinkLevel = _no_speaker
        self._server_ms: ServerExtra = _nothing_more

    @property
    def figures(self) -> "SyncFigures":
        """Where picture and sound are."""
        return self.lip_sync.figures

    def attach_speaker(self, level_ms: SinkLevel, server_ms: ServerExtra = _nothing_more) -> None:
        """Sets who says what the speaker's buffer holds. Without it no picture waits."""
        self._sink_level_ms, self._server_ms = level_ms, server_ms

    def reset(self) -> None:
        """Another server session."""
        self.lip_sync.reset()

    def take(self, statistics: RoomStatistics) -> None:
        """Takes what the room said, once a second."""
        self.lip_sync.server_ms = self._server_ms()
        self.lip_sync.measure(self._clock_us(), statistics.apart_ms, self._sink_level_ms())
