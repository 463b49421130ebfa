"""Transcripts for the clients of a room: as text streams, as legacy packets, or as both.

Source: LiveKit's agents (``lk.transcription`` streams) and the older transcription packets.
"""

from collections.abc import Callable
from dataclasses import dataclass

from atlas_desktop.local_atlas.interfaces import TranscriptDelivery
from atlas_desktop.local_atlas.rooms.data_packets import TRANSCRIPTION_TOPIC, PacketBuilder, PacketSender

_SEGMENT = "lk.segment_id"
_FINAL = "lk.transcription_final"
_TRACK = "lk.transcribed_track_id"


@dataclass(frozen=True, slots=True)
class TranscribedTrack:
    """The participant who speaks, and the track."""

    sender: PacketSender
    track_sid: str = ""


@dataclass(slots=True)
class _OpenSegment:
    text: str = ""
    stream_id: str = ""
    chunks: int = 0


class TranscriptPublisher:
    """Turns segments into packets. The same words have a different id on each way, as agents' do.

    Args:
        broadcast: Sends a packet to all clients.
    """

    def __init__(
        self, builder: PacketBuilder, broadcast: Callable[[bytes], None], delivery: TranscriptDelivery
    ) -> None:
        self._builder = builder
        self._broadcast = broadcast
        self._delivery = delivery
        self._open: dict[str, _OpenSegment] = {}

    def agent_segment(self, track: TranscribedTrack, segment_id: str, delta: str, final: bool) -> None:
        """Continue a segment of the avatar: one stream of deltas; legacy packets hold the whole text."""
        segment = self._open.setdefault(segment_id, _OpenSegment())
        segment.text += delta
        if self._delivery is not TranscriptDelivery.LEGACY:
            self._stream_delta(track, segment_id, segment, delta, final)
        if self._delivery is not TranscriptDelivery.STREAMS:
            self._send_legacy(track, track.sender, segment_id, segment.text, final)
        if final:
            del self._open[segment_id]

    def user_segment(
        self, track: TranscribedTrack, agent: PacketSender, segment_id: str, text: str, final: bool
    ) -> None:
        """Update a participant's segment: each update is a new stream with the whole text."""
        if self._delivery is not TranscriptDelivery.LEGACY:
            attributes = _attributes(segment_id, track.track_sid, final)
            stream_id, header = self._builder.stream_header(TRANSCRIPTION_TOPIC, attributes, track.sender)
            chunks = self._builder.stream_chunks(stream_id, 0, text, track.sender)
            trailer = self._builder.stream_trailer(stream_id, {}, track.sender)
            for packet in (header, *chunks, trailer):
                self._broadcast(packet)
        if self._delivery is not TranscriptDelivery.STREAMS:
            self._send_legacy(track, agent, segment_id, text, final)

    def _stream_delta(
        self, track: TranscribedTrack, segment_id: str, segment: _OpenSegment, delta: str, final: bool
    ) -> None:
        builder, sender = self._builder, track.sender
        if not segment.stream_id:
            attributes = _attributes(segment_id, track.track_sid, False)
            segment.stream_id, header = builder.stream_header(TRANSCRIPTION_TOPIC, attributes, sender)
            self._broadcast(header)
        for packet in builder.stream_chunks(segment.stream_id, segment.chunks, delta, sender):
            segment.chunks += 1
            self._broadcast(packet)
        if final:
            attributes = _attributes(segment_id, track.track_sid, True)
            self._broadcast(builder.stream_trailer(segment.stream_id, attributes, sender))

    def _send_legacy(
        self, track: TranscribedTrack, sender: PacketSender, segment_id: str, text: str, final: bool
    ) -> None:
        segment = (f"SG_{segment_id}", text, final)
        self._broadcast(self._builder.legacy_transcription(segment, track.sender, track.track_sid, sender))


def _attributes(segment_id: str, track_sid: str, final: bool) -> dict[str, str]:
    return {_SEGMENT: segment_id, _FINAL: "true" if final else "false", _TRACK: track_sid}
