"""What the SDK's ``RtcStats`` messages say of a room: round trip, packets, buffers. Pure, without LiveKit."""

from typing import Any

from atlas_desktop.session.ports import Buffers, Traffic


def selected_round_trip_ms(stats: list[Any]) -> float | None:
    """The round-trip time of the candidate pair in use, from the SDK's ``RtcStats`` messages."""
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
    # WebRTC counts whole milliseconds: 0 is a fast answer, where there was one at all.
    times_s = [pair.current_round_trip_time for pair in measured if pair.responses_received]
    return min(times_s) * 1000 if times_s else None


def arrived(stats: list[Any], *, picture_muted: bool = False) -> Traffic:
    """What has come in so far, from the SDK's ``RtcStats`` messages: all packets, and those of media."""
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
    """What was held back of these two tracks, from the SDK's ``RtcStats`` messages."""
    shown, heard = _newest(stats, "video", picture), _newest(stats, "audio", sound)
    if shown is None or heard is None:
        return None
    return Buffers(
        shown.jitter_buffer_delay,
        shown.jitter_buffer_emitted_count,
        heard.jitter_buffer_delay,
        heard.jitter_buffer_emitted_count,
    )


def apart_ms(stats: list[Any], picture: str | None = None, sound: str | None = None) -> float | None:
    """How far the picture's playout is ahead of the sound's; ``None`` until both are known.

    ``picture`` and ``sound`` are the tracks' ids: a server may name them in the statistics.
    Source: ``estimatedPlayoutTimestamp``, the sender's clock, of W3C's WebRTC statistics; there after a
    track's second sender report.
    """
    ahead_ms, heard_ms = _playout_ms(stats, "video", picture), _playout_ms(stats, "audio", sound)
    return None if ahead_ms is None or heard_ms is None else ahead_ms - heard_ms


def _playout_ms(stats: list[Any], kind: str, track: str | None) -> float | None:
    # Not the newest of those that know it: a track fetched anew does not for some seconds.
    newest = _newest(stats, kind, track)
    known = newest is not None and newest.estimated_playout_timestamp > 0
    return float(newest.estimated_playout_timestamp) if known else None


def _newest(stats: list[Any], kind: str, track: str | None) -> Any:
    return _newest_of(_inbound(stats, kind), track)


def _inbound(stats: list[Any], kind: str) -> list[Any]:
    entries = [entry.inbound_rtp for entry in stats if entry.HasField("inbound_rtp")]
    return [entry.inbound for entry in entries if entry.stream.kind == kind]


def _newest_of(entries: list[Any], track: str | None) -> Any:
    # One that went may stay in the statistics for a while.
    named = [entry for entry in entries if track and track in entry.track_identifier]
    return max(named or entries, key=lambda entry: entry.last_packet_received_timestamp, default=None)
