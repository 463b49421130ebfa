"""A room's WebRTC statistics: the figures a session uses, reading them from the SDK's ``RtcStats``, polling.

Without LiveKit. Source of all fields: W3C, "Identifiers for WebRTC's Statistics API".
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atlas_desktop.session.room.livekit_room import LiveKitRoom
    from atlas_desktop.session.room_monitor import RoomMonitor

POLL_S = 0.25
STATISTICS_EVERY_S = 0.9
"""Checked at every poll: that makes it a second."""
_FIRST_RETRIES_S = 0.4
"""Until the round trip is known, which takes WebRTC a moment."""
_ANSWER_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Totals of what has arrived; a new connection counts from zero.

    Attributes:
        packets: Of every kind: media, RTCP, answers to connectivity checks.
        media: RTP packets of picture and sound.
        picture_muted: The avatar itself has paused its picture.
    """

    packets: int
    media: int
    picture_muted: bool = False


@dataclass(frozen=True, slots=True)
class Buffers:
    """Totals of the jitter buffers: ``jitterBufferDelay`` and ``jitterBufferEmittedCount`` per kind."""

    picture_s: float
    pictures: int
    sound_s: float
    samples: int

    def picture_behind_ms(self, before: "Buffers") -> float | None:
        """Return how much longer pictures than sound were buffered since ``before``; ``None``: no flow."""
        pictures, samples = self.pictures - before.pictures, self.samples - before.samples
        if pictures <= 0 or samples <= 0:
            return None
        held_s = (self.picture_s - before.picture_s) / pictures
        return (held_s - (self.sound_s - before.sound_s) / samples) * 1000


@dataclass(frozen=True, slots=True)
class RoomStatistics:
    """One reading of a room's statistics. Milliseconds; ``None``: not known.

    Attributes:
        round_trip_ms: Of the selected candidate pair.
        apart_ms: By how much the picture's playout is ahead of the sound's.
        traffic: What has arrived so far.
        buffers: Jitter buffers of the tracks that are shown and heard.
    """

    round_trip_ms: float | None = None
    apart_ms: float | None = None
    traffic: Traffic | None = None
    buffers: Buffers | None = None


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


def read_statistics(
    stats: list[Any], picture: str | None, sound: str | None, *, picture_muted: bool
) -> RoomStatistics:
    """Return all figures of ``stats``; ``picture`` and ``sound`` are the ids of the open tracks."""
    return RoomStatistics(
        selected_round_trip_ms(stats),
        apart_ms(stats, picture, sound),
        arrived(stats, picture_muted=picture_muted),
        buffered(stats, picture, sound),
    )


def selected_round_trip_ms(stats: list[Any]) -> float | None:
    """Return the round-trip time of the candidate pair in use."""
    pairs = {
        entry.candidate_pair.rtc.id: entry.candidate_pair.candidate_pair
        for entry in stats
        if entry.HasField("candidate_pair")
    }
    chosen = [
        entry.transport.transport.selected_candidate_pair_id for entry in stats if entry.HasField("transport")
    ]
    selected = [pairs[name] for name in chosen if name in pairs]
    measured = selected or [pair for pair in pairs.values() if pair.nominated]
    # WebRTC counts whole milliseconds: 0 is a fast answer, provided there was one at all.
    times_s = [pair.current_round_trip_time for pair in measured if pair.responses_received]
    return min(times_s) * 1000 if times_s else None


def arrived(stats: list[Any], *, picture_muted: bool = False) -> Traffic:
    """Return the totals of all received packets, and of those that carry media."""
    media = sum(
        entry.inbound_rtp.received.packets_received for entry in stats if entry.HasField("inbound_rtp")
    )
    packets = sum(
        entry.transport.transport.packets_received for entry in stats if entry.HasField("transport")
    )
    pairs = [entry.candidate_pair.candidate_pair for entry in stats if entry.HasField("candidate_pair")]
    checks = sum(pair.responses_received + pair.requests_received for pair in pairs)
    return Traffic(packets + media + checks, media, picture_muted)


def buffered(stats: list[Any], picture: str | None, sound: str | None) -> Buffers | None:
    """Return the jitter buffers of these two tracks."""
    shown, heard = _newest_inbound(stats, "video", picture), _newest_inbound(stats, "audio", sound)
    if shown is None or heard is None:
        return None
    return Buffers(
        shown.jitter_buffer_delay,
        shown.jitter_buffer_emitted_count,
        heard.jitter_buffer_delay,
        heard.jitter_buffer_emitted_count,
    )


def apart_ms(stats: list[Any], picture: str | None = None, sound: str | None = None) -> float | None:
    """Return how far the picture's playout is ahead of the sound's; ``None`` until both are known.

    ``picture`` and ``sound`` are track ids, which a server may repeat in the statistics. Source:
    ``estimatedPlayoutTimestamp``, in the sender's clock; present after a track's second sender report.
    """
    ahead_ms, heard_ms = _playout_ms(stats, "video", picture), _playout_ms(stats, "audio", sound)
    return None if ahead_ms is None or heard_ms is None else ahead_ms - heard_ms


def _playout_ms(stats: list[Any], kind: str, track: str | None) -> float | None:
    # The newest entry even if another has a timestamp: a track subscribed again has none for some seconds.
    newest = _newest_inbound(stats, kind, track)
    known = newest is not None and newest.estimated_playout_timestamp > 0
    return float(newest.estimated_playout_timestamp) if known else None


def _newest_inbound(stats: list[Any], kind: str, track: str | None) -> Any:
    """The entry of ``track``, else of the kind's newest: a track that left may stay listed for a while."""
    inbound = [entry.inbound_rtp for entry in stats if entry.HasField("inbound_rtp")]
    entries = [one.inbound for one in inbound if one.stream.kind == kind]
    named = [entry for entry in entries if track and track in entry.track_identifier]
    return max(named or entries, key=lambda entry: entry.last_packet_received_timestamp, default=None)
