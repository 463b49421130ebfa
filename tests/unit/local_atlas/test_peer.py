"""Signals and packets of a client, or of another user of this computer: used, refused or dropped."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import pytest
from aiortc import RTCPeerConnection
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol import models, rtc

from atlas_desktop.local_atlas.rooms.data_packets import (
    CHAT_LIMIT_CHARS,
    CHAT_TOPIC,
    ChatStreams,
    parse_chat,
    parse_packet,
)
from atlas_desktop.local_atlas.rooms.peer import BadSignalError, Peer
from atlas_desktop.local_atlas.rooms.publications import Publications


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer("VP8", lambda: None, lambda _label, _message: None)
    yield peer
    await peer.aclose()


async def offer() -> str:
    """Return a client's offer: audio both ways, video to it, and data."""
    client = RTCPeerConnection()
    client.addTransceiver("audio", "sendrecv")
    client.addTransceiver("video", "recvonly")
    client.createDataChannel("_reliable")
    await client.setLocalDescription(await client.createOffer())
    sdp = client.localDescription.sdp
    await client.close()
    return str(sdp)


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "v=x",
        "m=audio",
        "m=audio 9 UDP/TLS/RTP/SAVPF 999\r\n",
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=fmtp:5 x\r\n",
        "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96\r\n",
        "v=0\r\na=setup:sideways\r\n",
        "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 301,
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" + "a=ssrc:1 cname:x\r\n" * 501,
        "v=0\r\na=candidate:x\r\n" * 300,
        "v=0\r\n" + "a" * 500_000,
    ],
)
async def test_an_offer_that_can_not_be_used_is_refused(peer: Peer, sdp: str) -> None:
    with pytest.raises(BadSignalError):
        await peer.answer(sdp, ())


@pytest.mark.parametrize("place", range(0, 90, 3))
async def test_an_offer_without_one_of_its_lines_is_answered_or_refused(peer: Peer, place: int) -> None:
    lines = (await offer()).split("\r\n")
    del lines[place % len(lines)]
    # Anything else that is raised fails the test.
    with contextlib.suppress(BadSignalError):
        assert (await peer.answer("\r\n".join(lines), ())).sdp


@pytest.mark.parametrize(
    "line", ["a=fingerprint:", "a=max-message-size:", "a=sctp-port:", "a=group:", "a=setup:"]
)
async def test_what_would_fail_only_once_it_connects_is_refused(peer: Peer, line: str) -> None:
    kept = [one for one in (await offer()).split("\r\n") if not one.startswith(line)]
    with pytest.raises(BadSignalError):
        await peer.answer("\r\n".join(kept), ())


@pytest.mark.parametrize(("udp", "port"), [("udp", 99999), ("UDP", 0), ("udp", -1)])
async def test_an_offer_with_a_port_that_is_none_is_refused(peer: Peer, udp: str, port: int) -> None:
    mid = "a=mid:0\r\n"
    candidate = f"a=candidate:1 1 {udp} 1 127.0.0.1 {port} typ host\r\n"
    with pytest.raises(BadSignalError):
        await peer.answer((await offer()).replace(mid, mid + candidate), ())


@pytest.mark.parametrize(
    "candidate",
    [
        "{",
        "[]",
        "7",
        "[" * 1_500,
        '{"candidate": 7}',
        '{"candidate": "candidate: udp "}',
        '{"candidate": "candidate:1 1 udp x 127.0.0.1 9 typ host", "sdpMid": "0"}',
        json.dumps({"candidate": "candidate:" + "1 udp " * 1_000}),
        *(
            json.dumps({"candidate": f"candidate:1 1 {udp} 1 127.0.0.1 {port} typ host", "sdpMid": "0"})
            for udp, port in (("udp", 65536), ("UDP", 99999), ("udp", 0), ("udp", -1), ("udp", 10**30))
        ),
    ],
)
async def test_a_candidate_that_can_not_be_used_is_refused(peer: Peer, candidate: str) -> None:
    with pytest.raises(BadSignalError):
        await peer.trickle(candidate)


async def test_candidates_are_counted(peer: Peer) -> None:
    async def send(count: int) -> None:
        for port in range(1, count):
            line = f"candidate:1 1 udp 1 127.0.0.1 {port} typ host"
            await peer.trickle(json.dumps({"candidate": line, "sdpMid": "0"}))

    await send(150)
    # A network that comes and goes is no attack: an offer each time.
    await peer.answer(await offer(), ())
    await send(150)
    with pytest.raises(BadSignalError, match="too many"):
        await send(150)


async def test_strangers_datagrams_are_dropped(peer: Peer) -> None:
    answer = await peer.answer(await offer(), ())
    ports = {int(line.split()[5]) for line in answer.sdp.splitlines() if line.startswith("a=candidate:")}
    loop, failures = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _loop, context: failures.append(context))
    head, tail = b"\x00\x01", b"\x21\x12\xa4\x42" + bytes(12)
    short = [
        head + bytes([0, 4 + size]) + tail + b"\x00\x24\x00" + bytes([size]) * (size + 1) for size in range(4)
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        stranger.bind(("127.0.0.1", 0))
        for port in ports:
            for message in (*short, b"", b"\x16\xfe\xfd", bytes(40)):
                stranger.sendto(message, ("127.0.0.1", port))
            # A request that aioice can read is answered, so all before it was read as well.
            stranger.sendto(head + b"\x00\x00" + tail, ("127.0.0.1", port))
        async with asyncio.timeout(20):
            assert (await loop.sock_recv(stranger, 100))[:2] == b"\x01\x11"
    assert failures == []


def test_tracks_are_counted() -> None:
    publications = Publications(lambda _info, _block: None, lambda _info: None)
    request = rtc.AddTrackRequest(cid="c", name="n" * 9_000, type=models.AUDIO)
    added = [publications.add(request) for _ in range(1_100)]
    assert sum(info is not None for info in added) == len(publications.infos) == 1_000
    assert {len(info.name) for info in publications.infos} == {256}
    assert Publications(lambda *_: None, lambda *_: None).add(rtc.AddTrackRequest(cid="c" * 999)) is None


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_packet_or_none(message: bytes) -> None:
    packet = parse_packet(message)
    if packet is not None:
        ChatStreams().take(packet)
        parse_chat(packet.user.payload)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.recursive(
            st.one_of(st.none(), st.floats(), st.text(st.characters(), max_size=20)),
            lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=5), inner)),
        ).map(lambda text: json.dumps({"type": "speak", "text": text}).encode()),
    )
)
def test_any_payload_is_a_message_that_can_be_sent_on_or_none(payload: bytes) -> None:
    text = parse_chat(payload)
    if text is not None:
        models.TranscriptionSegment(text=text).SerializeToString()


def test_a_message_is_read_as_far_as_it_is_spoken() -> None:
    assert parse_chat(b"[" * 100_000) is None
    assert parse_chat(b'{"type": "speak", "text": "a\\ud800b"}') == "a?b"
    whole = parse_chat(json.dumps({"type": "speak", "text": "x" * 100_000}).encode())
    assert whole == "x" * CHAT_LIMIT_CHARS


def test_streams_without_an_end_make_room() -> None:
    streams = ChatStreams()
    for number in range(100):
        header = models.DataStream.Header(
            stream_id=f"s{number}", topic=CHAT_TOPIC, inline_content=b"x" * 500_000
        )
        streams.take(models.DataPacket(stream_header=header))
    ends = [
        streams.take(models.DataPacket(stream_trailer=models.DataStream.Trailer(stream_id=f"s{number}")))
        for number in range(100)
    ]
    assert [end is not None for end in ends] == [False] * 84 + [True] * 16
    assert {len(end) for end in ends if end} == {CHAT_LIMIT_CHARS}
