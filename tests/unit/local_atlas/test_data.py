import pytest
from livekit.protocol import models

from atlas_desktop.local_atlas.rooms.data import (
    CHAT_TOPIC,
    ChatStreams,
    PacketPress,
    Sender,
    read_chat,
    read_packet,
    split_utf8,
)
from atlas_desktop.local_atlas.rooms.malformed import broken_messages
from atlas_desktop.local_atlas.stage import Malformed

AVATAR = Sender("atlas-avatar", "PA_1")


def parsed(message: bytes) -> models.DataPacket:
    packet = read_packet(message)
    assert packet is not None
    return packet


def test_packets_are_numbered_from_one_and_signed() -> None:
    press = PacketPress()
    packets = [parsed(press.user(b"x", AVATAR)) for _ in range(3)]
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
    assert read_chat(payload) == text


@pytest.mark.parametrize("text", ["", "abc", "ä" * 10, "a€😀" * 7])
@pytest.mark.parametrize("limit", [4, 5, 7])
def test_text_is_cut_between_characters(text: str, limit: int) -> None:
    pieces = split_utf8(text, limit)
    assert "".join(piece.decode() for piece in pieces) == text
    assert all(len(piece) <= limit for piece in pieces)


def test_a_chat_stream_is_put_together_and_foreign_topics_are_not() -> None:
    press, streams = PacketPress(), ChatStreams()
    for topic, whole in ((CHAT_TOPIC, "Good morning"), ("other", None)):
        stream_id, header = press.open_stream(topic, {}, AVATAR)
        parts = press.chunks(stream_id, 0, "Good ", AVATAR) + press.chunks(stream_id, 1, "morning", AVATAR)
        for message in (header, *parts):
            assert streams.take(parsed(message)) is None
        assert streams.take(parsed(press.close_stream(stream_id, {}, AVATAR))) == whole


def test_each_malformed_kind_makes_something() -> None:
    press = PacketPress()
    assert all(broken_messages(kind, press, AVATAR) for kind in Malformed)
    assert read_packet(broken_messages(Malformed.BAD_PACKET, press, AVATAR)[0]) is None
