"""Tells the clients of a room what was said: as text streams, as legacy packets, or as both.

Source: LiveKit's agents (``lk.transcription`` streams) and the older transcription packets.
"""

from collections.abc import Callable
from dataclasses import dataclass

from atlas_desktop.local_atlas.rooms.data import TRANSCRIPTION_TOPIC, PacketPress, Sender
from atlas_desktop.local_atlas.stage import TranscriptWay

_SEGMENT = "lk.segment_id"
_FINAL = "lk.transcription_final"
_TRACK = "lk.transcribed_track_id"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks, and on which track."""

    sender: Sender
    track_sid: str = ""


@dataclass(slots=True)
class _OpenSegment:
    text: str = ""
    stream_id: str = ""
    chunks: int = 0


class Transcripts:
    """Turns segments into packets. The same words have another id on each way, as agents' do."""

    def __init__(self, press: PacketPress, broadcast: Callable[[bytes], None], way: TranscriptWay) -> None:
        self.way = way
        self._press = press
        self._broadcast = broadcast
        self._open: dict[str, _OpenSegment] = {}

    def agent(self, speaker: Speaker, segment_id: str, delta: str, final: bool) -> None:
        """The avatar goes on with a segment: one stream of deltas; legacy packets hold the whole text."""
        segment = self._open.setdefault(segment_id, _OpenSegment())
        segment.text += delta
        if self.way is not TranscriptWay.LEGACY:
            self._stream_delta(speaker, segment_id, segment, delta, final)
        if self.way is not TranscriptWay.STREAMS:
            self._legacy(speaker, speaker.sender, segment_id, segment.text, final)
        if final:
            del self._open[segment_id]

    def user(self, speaker: Speaker, agent: Sender, segment_id: str, text: str, final: bool) -> None:
        """A person's segment: each update is a new stream with the whole text."""
        if self.way is not TranscriptWay.LEGACY:
            attributes = _attributes(segment_id, speaker.track_sid, final)
            stream_id, header = self._press.open_stream(TRANSCRIPTION_TOPIC, attributes, speaker.sender)
            chunks = self._press.chunks(stream_id, 0, text, speaker.sender)
            trailer = self._press.close_stream(stream_id, {}, speaker.sender)
            for packet in (header, *chunks, trailer):
                self._broadcast(packet)
        if self.way is not TranscriptWay.STREAMS:
            self._legacy(speaker, agent, segment_id, text, final)

    def _stream_delta(
        self, speaker: Speaker, segment_id: str, segment: _OpenSegment, delta: str, final: bool
    ) -> None:
        sender = speaker.sender
        if not segment.stream_id:
            attributes = _attributes(segment_id, speaker.track_sid, False)
            segment.stream_id, header = self._press.open_stream(TRANSCRIPTION_TOPIC, attributes, sender)
            self._broadcast(header)
        for packet in self._press.chunks(segment.stream_id, segment.chunks, delta, sender):
            segment.chunks += 1
            self._broadcast(packet)
        if final:
            attributes = _attributes(segment_id, speaker.track_sid, True)
            self._broadcast(self._press.close_stream(segment.stream_id, attributes, sender))

    def _legacy(self, speaker: Speaker, sender: Sender, segment_id: str, text: str, final: bool) -> None:
        segment = (f"SG_{segment_id}", text, final)
        self._broadcast(self._press.legacy(segment, speaker.sender, speaker.track_sid, sender))


def _attributes(segment_id: str, track_sid: str, final: bool) -> dict[str, str]:
    return {_SEGMENT: segment_id, _FINAL: "true" if final else "false", _TRACK: track_sid}
