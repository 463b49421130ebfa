"""A room's client that means no good: websocket frames, signalling and candidates in hostile shapes."""

import base64
import json
import random
import struct

from livekit.protocol import models, rtc

from tests.hostile.local.values import json_value, mutated
from tests.unit.local_atlas.stand_ins import write_join

OFFER = "\r\n".join(
    (
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1 2",
        "a=msid-semantic: WMS *",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=sendrecv",
        "a=msid:s track",
        "a=rtcp-mux",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=ssrc:1 cname:x",
        "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "c=IN IP4 0.0.0.0",
        "a=mid:1",
        "a=recvonly",
        "a=rtcp-mux",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 nack",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=mid:2",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=sctp-port:5000",
        "a=max-message-size:262144",
        "",
    )
)
_CANDIDATES = (
    "candidate:1 1 udp 1 127.0.0.1 99999 typ host",
    "candidate:1 1 udp 1 nowhere.example 9 typ host",
    "candidate:1 1 udp 1 x.local 9 typ host",
    "candidate:1 1 udp x 127.0.0.1 9 typ host",
    "candidate: udp ",
    "candidate:1 1 udp 1 ::1 9 typ host raddr",
    "candidate:" + "1 udp " * 200,
)
_TEXT, _BINARY, _CLOSE, _PING = 1, 2, 8, 9


def handshake(chance: random.Random) -> bytes:
    """A request for a room's websocket."""
    join = rtc.JoinRequest()
    if chance.random() < 0.6:
        join.publisher_offer.CopyFrom(rtc.SessionDescription(type="offer", sdp=offer(chance), id=1))
    if chance.random() < 0.3:
        join.reconnect, join.participant_sid = True, chance.choice(("", "PA_x", "é" * 500))
    for _ in range(chance.choice((0, 0, 1, 3, 40))):
        join.add_track_requests.append(_track(chance))
    text = write_join(join)
    if chance.random() < 0.2:
        text = base64.urlsafe_b64encode(mutated(chance, join.SerializeToString() or b"x")).decode()
    token = chance.choice(("{TOKEN}", "{TOKEN}", "{TOKEN}", "{TOKEN}", "", "x.y.z"))
    key = chance.choice((b"dGhlIHNhbXBsZSBub25jZQ==",) * 9 + (b"short",))
    return (
        b"GET /rtc/v1?access_token=%s&join_request=%s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n"
    ) % (token.encode(), text.encode(), key)


def frames(chance: random.Random) -> bytes:
    """What is sent through it."""
    return b"".join(_frame(chance) for _ in range(chance.randint(1, 12)))


def offer(chance: random.Random) -> str:
    """An offer that a browser could have made, or nearly."""
    lines = OFFER.split("\r\n")
    for _ in range(chance.randint(0, 4)):
        place = chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                del lines[place]
            case 1:
                lines[place:place] = [lines[place]] * chance.choice((1, 3, 30))
            case 2:
                lines[place] = lines[place].rsplit(" ", 1)[0]
            case 3:
                lines[place] = mutated(chance, lines[place].encode() or b"x").decode("utf-8", "replace")
            case _:
                lines[place] = lines[place].split(":", 1)[0] + chance.choice(
                    (":", ":-1 x", ":99999999999 x/y")
                )
    return "\r\n".join(lines) if lines else ""


def _frame(chance: random.Random) -> bytes:
    if chance.random() < 0.75:
        payload = _signal(chance).SerializeToString()
        if chance.random() < 0.2:
            payload = mutated(chance, payload or b"x")
        return _packed(_BINARY, payload)
    payload = chance.randbytes(chance.choice((0, 1, 125, 126, 4_000)))
    opcode = chance.choice((0, _TEXT, _BINARY, 3, _CLOSE, _PING, 10, 15))
    broken = _packed(opcode, payload, first=chance.choice((0x80, 0x00, 0xF0)))
    lying = struct.pack("!BBQ", 0x82, 0xFF, chance.choice((1 << 62, 2_000_000, 1 << 63)))
    return chance.choice((broken, broken, lying, chance.randbytes(30)))


def _packed(opcode: int, payload: bytes, first: int = 0x80) -> bytes:
    """A client's frame; its mask is zeros."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", first | opcode, 0x80 | length)
    elif length < 65_536:
        head = struct.pack("!BBH", first | opcode, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", first | opcode, 0x80 | 127, length)
    return head + bytes(4) + payload


def _signal(chance: random.Random) -> rtc.SignalRequest:
    names = chance.choice(("", "TR_x", "é" * 400, "PA_" + "x" * 5_000))
    makers = (
        lambda: rtc.SignalRequest(offer=rtc.SessionDescription(type="offer", sdp=offer(chance), id=2)),
        lambda: rtc.SignalRequest(answer=rtc.SessionDescription(type="answer", sdp=offer(chance))),
        lambda: rtc.SignalRequest(trickle=rtc.TrickleRequest(candidateInit=_candidate(chance))),
        lambda: rtc.SignalRequest(add_track=_track(chance)),
        lambda: rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid=names, muted=True)),
        lambda: rtc.SignalRequest(
            subscription=rtc.UpdateSubscription(track_sids=[names] * 50, subscribe=True)
        ),
        lambda: rtc.SignalRequest(update_metadata=rtc.UpdateParticipantMetadata(metadata=names)),
        lambda: rtc.SignalRequest(simulate=rtc.SimulateScenario(node_failure=True)),
        lambda: rtc.SignalRequest(simulate=rtc.SimulateScenario(leave_request_full_reconnect=True)),
        lambda: rtc.SignalRequest(ping=chance.choice((0, -1, 1 << 62))),
        lambda: rtc.SignalRequest(ping_req=rtc.Ping(timestamp=-1, rtt=1 << 62)),
        lambda: rtc.SignalRequest(leave=rtc.LeaveRequest()),
        rtc.SignalRequest,
    )
    return chance.choice(makers)()


def _candidate(chance: random.Random) -> str:
    text = chance.choice(
        (json.dumps({"candidate": chance.choice(_CANDIDATES), "sdpMid": "0"}), json_value(chance), "{", "")
    )
    return (
        text
        if chance.random() < 0.8
        else f'{{"candidate": {json_value(chance)}, "sdpMid": {json_value(chance)}}}'
    )


def _track(chance: random.Random) -> rtc.AddTrackRequest:
    return rtc.AddTrackRequest(
        cid=chance.choice(("", "track", "c" * 3_000)),
        name=chance.choice(("tts-audio", "", "n" * 9_000)),
        type=chance.choice((models.AUDIO, models.VIDEO, models.DATA)),
    )
