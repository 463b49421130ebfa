import pytest
from livekit.protocol import models

from atlas_desktop.local_atlas.interfaces import MalformedPacket
from atlas_desktop.local_atlas.rooms.data_packets import (
    CHAT_TOPIC,
    ChatStreams,
    PacketBuilder,
    PacketSender,
    parse_chat,
    parse_packet,
    split_utf8,
)

AVATAR = PacketSender("atlas-avatar", "PA_1")


def parsed(message: bytes) -> models.DataPacket:
    packet = parse_packet(message)
    assert packet is not None
    return packet


def test_packets_are_numbered_from_one_and_signed() -> None:
    builder = PacketBuilder()
    packets = [parsed(builder.user_packet(b"x", AVATAR)) for _ in range(3)]
    assert [packet.sequence for packet in packets] == [1, 2, 3]
    assert {packet.participant_sid for packet in packets} == {"PA_1"}
    assert {packet.participant_identity for packet in packets} == {"atlas-avatar"}


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b'{"type": "speak", "text": "hi"}', "hi"),
        (b'{"type": "speak", "text": "  "}', None),
        (b'{"type": "other", "text": "hi"}', None),
        (b'{"type": "speak", "text": 5}', None),
        (b'["speak"]', None),
        (b"{", None),
        (b"\xff\xfe", None),
    ],
)
def test_chat_is_read_and_everything_else_is_not(payload: bytes, text: str | None) -> None:
    assert parse_chat(payload) == text


@pytest.mark.parametrize("text", ["", "abc", "ä" * 10, "a€😀" * 7])
@pytest.mark.parametrize("limit", [4, 5, 7])
def test_text_is_cut_between_characters(text: str, limit: int) -> None:
    pieces = split_utf8(text, limit)
    assert "".join(piece.decode() for piece in pieces) == text
    assert all(len(piece) <= limit for piece in pieces)


def test_a_chat_stream_is_put_together_and_foreign_topics_are_not() -> None:
    builder, streams = PacketBuilder(), ChatStreams()
    for topic, whole in ((CHAT_TOPIC, "Good morning"), ("other", None)):
        stream_id, header = builder.stream_header(topic, {}, AVATAR)
        parts = builder.stream_chunks(stream_id, 0, "Good ", AVATAR) + builder.stream_chunks(
            stream_id, 1, "morning", AVATAR
        )
        for message in (header, *parts):
            assert streams.take(parsed(message)) is None
        assert streams.take(parsed(builder.stream_trailer(stream_id, {}, AVATAR))) == whole


def test_each_malformed_kind_makes_something() -> None:
    builder = PacketBuilder()
    assert all(builder.malformed(kind, AVATAR) for kind in MalformedPacket)
    assert parse_packet(builder.malformed(MalformedPacket.BAD_PACKET, AVATAR)[0]) is None
