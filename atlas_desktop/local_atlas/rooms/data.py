"""Data packets of a room: what LiveKit's clients read and write on their reliable channel.

Source: livekit-protocol 1.1.29, ``livekit_models.proto``.
"""

import itertools
import json
import time
import uuid
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from livekit.protocol import models

TRANSCRIPTION_TOPIC = "lk.transcription"
CHAT_TOPIC = "lk.chat"
CHAT_LIMIT_SIGNS = 20_000
_CHUNK_BYTES = 15_000


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom a packet is from."""

    identity: str
    sid: str


class PacketPress:
    """Makes the packets of one room and numbers them: a client drops a number it has seen already.

    The numbers belong to the room, not to a connection, so that they rise through reconnects too.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def seal(self, packet: models.DataPacket, sender: Sender) -> bytes:
        """Stamps a packet with its sender and number: the bytes that go to every client."""
        packet.kind = models.DataPacket.RELIABLE
        packet.participant_identity = sender.identity
        packet.participant_sid = sender.sid
        packet.sequence = next(self._numbers)
        return packet.SerializeToString()

    def user(self, payload: bytes, sender: Sender, topic: str | None = None) -> bytes:
        """A packet of bytes, as ``publish_data`` sends them."""
        packet = models.DataPacket(user=models.UserPacket(payload=payload))
        if topic is not None:
            packet.user.topic = topic
        return self.seal(packet, sender)

    def legacy(
        self, segment: tuple[str, str, bool], speaker: Sender, track_sid: str, sender: Sender
    ) -> bytes:
        """A legacy transcription packet of one segment: (id, cumulative text, final)."""
        segment_id, text, final = segment
        transcription = models.Transcription(
            transcribed_participant_identity=speaker.identity,
            track_id=track_sid,
            segments=[models.TranscriptionSegment(id=segment_id, text=text, final=final, language="en")],
        )
        return self.seal(models.DataPacket(transcription=transcription), sender)

    def open_stream(self, topic: str, attributes: dict[str, str], sender: Sender) -> tuple[str, bytes]:
        """Opens a text stream: its id and the header packet."""
        stream_id = f"str_{uuid.uuid4().hex[:16]}"
        header = models.DataStream.Header(
            stream_id=stream_id,
            timestamp=time.time_ns() // 1_000_000,
            topic=topic,
            mime_type="text/plain",
            attributes=attributes,
            text_header=models.DataStream.TextHeader(),
        )
        return stream_id, self.seal(models.DataPacket(stream_header=header), sender)

    def chunks(self, stream_id: str, first_index: int, text: str, sender: Sender) -> list[bytes]:
        """The next chunks of a text stream, each of whole characters."""
        return [
            self.seal(
                models.DataPacket(
                    stream_chunk=models.DataStream.Chunk(
                        stream_id=stream_id, chunk_index=first_index + offset, content=part
                    )
                ),
                sender,
            )
            for offset, part in enumerate(split_utf8(text))
        ]

    def close_stream(self, stream_id: str, attributes: dict[str, str], sender: Sender) -> bytes:
        """The packet that ends a text stream."""
        trailer = models.DataStream.Trailer(stream_id=stream_id, attributes=attributes)
        return self.seal(models.DataPacket(stream_trailer=trailer), sender)


def split_utf8(text: str, limit: int = _CHUNK_BYTES) -> list[bytes]:
    """Cuts text into pieces of at most ``limit`` bytes that are valid UTF-8 each."""
    data = text.encode("utf-8", "replace")
    pieces = []
    while data:
        end = min(limit, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(data[:end])
        data = data[end:]
    return pieces


def read_packet(message: bytes) -> models.DataPacket | None:
    """Reads a client's packet; ``None`` when it is none."""
    packet = models.DataPacket()
    try:
        packet.ParseFromString(message)
    except DecodeError:
        return None
    return packet


def read_chat(payload: bytes) -> str | None:
    """The text of a chat message ``{"type": "speak", "text": …}``; ``None`` when it is none, or blank."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("type") not in ("speak", "chat"):
        return None
    text = message.get("text")
    return _bounded(text) if isinstance(text, str) and text.strip() else None


class ChatStreams:
    """Puts the text streams of one client together, those of the chat topic."""

    _LIMIT_BYTES = 64_000
    _MOST_OPEN = 16

    def __init__(self) -> None:
        self._open: dict[str, bytearray] = {}

    def take(self, packet: models.DataPacket) -> str | None:
        """Takes a packet of a stream; the whole text when it was the last one."""
        kind = packet.WhichOneof("value")
        if kind == "stream_header" and packet.stream_header.topic == CHAT_TOPIC:
            while len(self._open) >= self._MOST_OPEN:
                # One that never ends makes room.
                del self._open[next(iter(self._open))]
            inline = packet.stream_header.inline_content[: self._LIMIT_BYTES]
            self._open[packet.stream_header.stream_id] = bytearray(inline)
        elif kind == "stream_chunk":
            held = self._open.get(packet.stream_chunk.stream_id)
            if held is not None and len(held) < self._LIMIT_BYTES:
                held += packet.stream_chunk.content
        elif kind == "stream_trailer":
            held = self._open.pop(packet.stream_trailer.stream_id, None)
            return _bounded(held.decode("utf-8", "replace")) if held else None
        return None


def _bounded(text: str) -> str:
    """The text as far as it is read, and as it can be sent on: without halves of surrogate pairs."""
    return text[:CHAT_LIMIT_SIGNS].encode("utf-8", "replace").decode()
