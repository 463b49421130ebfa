"""Data packets of a room, as LiveKit's clients exchange them on the reliable data channel.

Source: livekit-protocol 1.1.29, ``livekit_models.proto``.
"""

import itertools
import json
import time
import uuid
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from livekit.protocol import models

from atlas_desktop.local_atlas.interfaces import MalformedPacket

TRANSCRIPTION_TOPIC = "lk.transcription"
CHAT_TOPIC = "lk.chat"
CHAT_LIMIT_CHARS = 20_000  # far more than is spoken
_CHUNK_BYTES = 15_000  # as LiveKit's SDKs: data channels carry 16 KiB everywhere


@dataclass(frozen=True, slots=True)
class PacketSender:
    """The participant that a packet is from."""

    identity: str
    sid: str


class PacketBuilder:
    """Builds and numbers the packets of one room: clients drop a sequence number seen before.

    The numbers belong to the room, not to a connection, so that they rise through reconnects too.
    """

    def __init__(self) -> None:
        self._sequence = itertools.count(1)

    def serialize(self, packet: models.DataPacket, sender: PacketSender) -> bytes:
        """Set sender and sequence number, and return the bytes for every client."""
        packet.kind = models.DataPacket.RELIABLE
        packet.participant_identity = sender.identity
        packet.participant_sid = sender.sid
        packet.sequence = next(self._sequence)
        return packet.SerializeToString()

    def user_packet(self, payload: bytes, sender: PacketSender) -> bytes:
        """Return a packet of bytes, as ``publish_data`` sends them."""
        return self.serialize(models.DataPacket(user=models.UserPacket(payload=payload)), sender)

    def legacy_transcription(
        self, segment: tuple[str, str, bool], speaker: PacketSender, track_sid: str, sender: PacketSender
    ) -> bytes:
        """Return a legacy transcription packet of one segment: (id, cumulative text, final)."""
        segment_id, text, final = segment
        transcription = models.Transcription(
            transcribed_participant_identity=speaker.identity,
            track_id=track_sid,
            segments=[models.TranscriptionSegment(id=segment_id, text=text, final=final, language="en")],
        )
        return self.serialize(models.DataPacket(transcription=transcription), sender)

    def stream_header(
        self, topic: str, attributes: dict[str, str], sender: PacketSender
    ) -> tuple[str, bytes]:
        """Return the id and the header packet of a new text stream."""
        stream_id = f"str_{uuid.uuid4().hex[:16]}"
        header = models.DataStream.Header(
            stream_id=stream_id,
            timestamp=time.time_ns() // 1_000_000,
            topic=topic,
            mime_type="text/plain",
            attributes=attributes,
            text_header=models.DataStream.TextHeader(),
        )
        return stream_id, self.serialize(models.DataPacket(stream_header=header), sender)

    def stream_chunks(self, stream_id: str, first_index: int, text: str, sender: PacketSender) -> list[bytes]:
        """Return the next chunks of a text stream, each of whole characters."""
        return [
            self.serialize(
                models.DataPacket(
                    stream_chunk=models.DataStream.Chunk(
                        stream_id=stream_id, chunk_index=first_index + offset, content=part
                    )
                ),
                sender,
            )
            for offset, part in enumerate(split_utf8(text))
        ]

    def stream_trailer(self, stream_id: str, attributes: dict[str, str], sender: PacketSender) -> bytes:
        """Return the packet that closes a text stream."""
        trailer = models.DataStream.Trailer(stream_id=stream_id, attributes=attributes)
        return self.serialize(models.DataPacket(stream_trailer=trailer), sender)

    def malformed(self, kind: MalformedPacket, sender: PacketSender) -> list[bytes]:
        """Return messages that are malformed in the way of ``kind``."""
        match kind:
            case MalformedPacket.BAD_JSON:
                return [self.user_packet(b'{"type": "speak", "text": ', sender)]
            case MalformedPacket.BAD_UTF8:
                return [self.user_packet(b"\xff\xfe\xc0\x80", sender)]
            case MalformedPacket.BAD_PACKET:
                return [b"\xff\xff\xff\xffno packet"]
            case MalformedPacket.EMPTY_PACKET:
                return [self.serialize(models.DataPacket(), sender)]
            case MalformedPacket.ORPHAN_CHUNK:
                return self.stream_chunks("str_nobody", 0, "lost words", sender)
            case MalformedPacket.BROKEN_STREAM:
                attributes = {"lk.segment_id": "broken", "lk.transcription_final": "false"}
                stream_id, header = self.stream_header(TRANSCRIPTION_TOPIC, attributes, sender)
                return [header, *self.stream_chunks(stream_id, 0, "This sentence has no", sender)]
            case MalformedPacket.BAD_TRANSCRIPTION:
                return [self.serialize(models.DataPacket(transcription=_bad_transcription()), sender)]


def _bad_transcription() -> models.Transcription:
    return models.Transcription(
        transcribed_participant_identity="nobody",
        # livekit 1.2.1 unwraps the track id in a native thread, and aborts without one.
        track_id="TR_nobody",
        segments=[
            models.TranscriptionSegment(id="", text="no id", final=True),
            models.TranscriptionSegment(id="blank", text="  ", final=True),
        ],
    )


def split_utf8(text: str, limit: int = _CHUNK_BYTES) -> list[bytes]:
    """Split text into pieces of at most ``limit`` bytes, each valid UTF-8."""
    data = text.encode("utf-8", "replace")
    pieces = []
    while data:
        end = min(limit, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(data[:end])
        data = data[end:]
    return pieces


def parse_packet(message: bytes) -> models.DataPacket | None:
    """Parse a client's packet; ``None`` when it is malformed."""
    packet = models.DataPacket()
    try:
        packet.ParseFromString(message)
    except DecodeError:
        return None
    return packet


def parse_chat(payload: bytes) -> str | None:
    """Return the text of a chat message ``{"type": "speak", "text": …}``; ``None`` for anything else."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("type") not in ("speak", "chat"):
        return None
    text = message.get("text")
    return _truncate(text) if isinstance(text, str) and text.strip() else None


class ChatStreams:
    """Assembles one client's text streams on the chat topic."""

    _LIMIT_BYTES = 64_000
    _MAX_OPEN = 16

    def __init__(self) -> None:
        self._open: dict[str, bytearray] = {}

    def take(self, packet: models.DataPacket) -> str | None:
        """Process a packet of a stream; return the whole text at its trailer."""
        kind = packet.WhichOneof("value")
        if kind == "stream_header" and packet.stream_header.topic == CHAT_TOPIC:
            while len(self._open) >= self._MAX_OPEN:
                # Drop the oldest: a client may open streams and never close them.
                del self._open[next(iter(self._open))]
            inline = packet.stream_header.inline_content[: self._LIMIT_BYTES]
            self._open[packet.stream_header.stream_id] = bytearray(inline)
        elif kind == "stream_chunk":
            content = self._open.get(packet.stream_chunk.stream_id)
            if content is not None and len(content) < self._LIMIT_BYTES:
                content += packet.stream_chunk.content
        elif kind == "stream_trailer":
            content = self._open.pop(packet.stream_trailer.stream_id, None)
            return _truncate(content.decode("utf-8", "replace")) if content else None
        return None


def _truncate(text: str) -> str:
    """Cut the text to the length limit, and replace lone surrogates, which can't be sent on."""
    return text[:CHAT_LIMIT_CHARS].encode("utf-8", "replace").decode()
