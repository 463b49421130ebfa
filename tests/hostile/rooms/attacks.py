"""What a hostile room puts on the wire: packets on the data channel, updates on the signalling."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final

from livekit.protocol import models

from atlas_desktop.local_atlas.rooms.member import Member
from atlas_desktop.local_atlas.rooms.peer import RELIABLE
from tests.hostile.rooms.shapes import hostile_text

_TOPIC: Final = "lk.transcription"
_TRACK: Final = "TR_nobody"
_MOST_BUFFERED_BYTES: Final = 500_000
_AGENT: Final = "atlas-avatar"
_numbers = count(1_000_000)
"""A client drops a packet whose number it has seen; the room's own begin at 1."""
_versions = count(1_000)


class Attacker:
    """Sends to one member of a room.

    Attributes:
        chance: Decides.
        count: How many packets and updates were sent.
    """

    def __init__(self, seed: str, member: Member) -> None:
        self.chance = random.Random(seed)
        self.count = 0
        self._member = member

    @property
    def identity(self) -> str:
        """Who the member is."""
        return self._member.grant.identity

    async def packet(self, **value: Any) -> None:
        """A data packet of the agent's."""
        packet = models.DataPacket(kind=models.DataPacket.RELIABLE, participant_identity=_AGENT, **value)
        packet.sequence = next(_numbers)
        await self.raw(packet.SerializeToString())

    async def raw(self, message: bytes) -> None:
        """Bytes on the data channel."""
        self._member.peer.send(message)
        self.count += 1
        if self.count % 20 == 0:
            await self._drained(_MOST_BUFFERED_BYTES)

    async def update(self, **info: Any) -> None:
        """A participant's entry."""
        entry = models.ParticipantInfo(
            state=models.ParticipantInfo.ACTIVE, version=next(_versions), is_publisher=True
        )
        entry.MergeFrom(models.ParticipantInfo(**info))
        self._member.send_update(entry)
        self.count += 1
        if self.count % 20 == 0:
            await asyncio.sleep(0.01)

    def mute(self, muted: bool) -> None:
        """Mutes what the member publishes, or takes that back."""
        self._member.send_mute(muted)
        self.count += 1

    async def sent(self) -> None:
        """Waits until all is on its way."""
        await self._drained(0)
        await asyncio.sleep(0.3)

    async def _drained(self, most_bytes: int) -> None:
        channel = vars(self._member.peer)["_channels"].get(RELIABLE)
        while channel is not None and channel.readyState == "open" and channel.bufferedAmount > most_bytes:
            await asyncio.sleep(0.01)


def segment(segment_id: str, text: str, final: bool = False, **more: Any) -> models.TranscriptionSegment:
    return models.TranscriptionSegment(id=segment_id, text=text, final=final, language="en", **more)


def said(identity: str, *segments: models.TranscriptionSegment) -> dict[str, Any]:
    return {
        "transcription": models.Transcription(
            transcribed_participant_identity=identity, track_id=_TRACK, segments=segments
        )
    }


def header(stream_id: str, **more: Any) -> dict[str, Any]:
    fields = {"topic": _TOPIC, "mime_type": "text/plain", "text_header": models.DataStream.TextHeader()}
    return {"stream_header": models.DataStream.Header(stream_id=stream_id, **{**fields, **more})}


def chunk(stream_id: str, index: int, content: bytes) -> dict[str, Any]:
    return {"stream_chunk": models.DataStream.Chunk(stream_id=stream_id, chunk_index=index, content=content)}


def trailer(stream_id: str, **more: Any) -> dict[str, Any]:
    return {"stream_trailer": models.DataStream.Trailer(stream_id=stream_id, **more)}


def fit(text: str, most: int = 14_000) -> str:
    """As much of ``text`` as a packet may hold, without lone surrogates."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "replace")


async def many_segments(attacker: Attacker, number: int) -> None:
    """Legacy segments, each with an id of its own."""
    for index in range(number):
        await attacker.packet(**said(_AGENT, segment(f"SG_{attacker.chance.random()}", f"word {index}")))


async def odd_segments(attacker: Attacker, number: int) -> None:
    """Legacy segments in hostile shapes, several in a packet, ids used again, final before partial."""
    chance, largest = attacker.chance, 2**64 - 1
    for _ in range(number):
        segments = [
            segment(
                chance.choice(("", f"SG_{chance.randrange(20)}", fit(hostile_text(chance), 3_000))),
                fit(hostile_text(chance), 10_000),
                chance.random() < 0.5,
                start_time=chance.choice((0, 1, largest)),
                end_time=chance.choice((0, largest)),
            )
            for _ in range(chance.choice((0, 1, 1, 3)))
        ]
        await attacker.packet(**said(chance.choice((_AGENT, attacker.identity, "nobody", "")), *segments))


async def tiny_pieces(attacker: Attacker, number: int) -> None:
    """One text stream in pieces of eight bytes."""
    await attacker.packet(**header("tiny", attributes={"lk.segment_id": f"tiny {attacker.chance.random()}"}))
    for index in range(number - 2):
        await attacker.packet(**chunk("tiny", index, b"%7d " % index))
    await attacker.packet(**trailer("tiny"))


async def open_streams(attacker: Attacker, number: int) -> None:
    """Text streams at once, none of which is ever closed."""
    names, pieces = [f"open {index}" for index in range(max(1, number // 2))], Counter[str]()
    for name in names:
        await attacker.packet(**header(name))
    for _ in range(number - len(names)):
        name = attacker.chance.choice(names)
        await attacker.packet(**chunk(name, pieces[name], b"word "))
        pieces[name] += 1


async def odd_streams(attacker: Attacker, number: int) -> None:
    """Headers, pieces and ends of streams in any order: unknown, twice, lying about their size."""
    chance, pieces = attacker.chance, Counter[str]()
    while attacker.count < number:
        name = f"s{chance.randrange(30)}"
        kind = chance.randrange(5)
        if kind == 4:
            # Now and then one as it should be, but for its words.
            name = f"good {chance.random()}"
            text = fit(hostile_text(chance)).encode()
            for packet in (header(name), chunk(name, 0, text), chunk(name, 1, text), trailer(name)):
                await attacker.packet(**packet)
        elif kind == 0:
            attributes = {fit(hostile_text(chance), 8_000): fit(hostile_text(chance), 8_000)}
            attributes["lk.segment_id"] = chance.choice(("", name, fit(hostile_text(chance), 2_000)))
            size = chance.choice(
                ({}, {}, {"total_length": 0}, {"total_length": 1}, {"total_length": 2**63 - 1})
            )
            topic, stamp = chance.choice((_TOPIC, _TOPIC, "files", "")), chance.choice((0, -1, 2**63 - 1))
            await attacker.packet(**header(name, topic=topic, timestamp=stamp, attributes=attributes, **size))
            pieces[name] = 0
        elif kind == 3:
            reason = chance.choice(("", "", fit(hostile_text(chance), 2_000)))
            await attacker.packet(**trailer(name, reason=reason))
        else:
            content = chance.choice((b"", b"\xff\xfe", b"\xc3", fit(hostile_text(chance)).encode()))
            index = pieces[name] if chance.random() < 0.9 else chance.choice((0, 1, 2**40))
            await attacker.packet(**chunk(name, index, content))
            pieces[name] += 1


async def data_packets(attacker: Attacker, number: int) -> None:
    """Packets of data that nobody asked for, up to the largest that fit."""
    for _ in range(number):
        size = attacker.chance.choice((0, 10, 1_000, 14_000))
        packet = models.UserPacket(payload=attacker.chance.randbytes(size), topic="x" * (size // 10))
        await attacker.packet(user=packet)


async def garbage(attacker: Attacker, number: int) -> None:
    """Bytes that are no packets, or almost."""
    for _ in range(number):
        good = models.DataPacket(**said(_AGENT, segment("SG", "word"))).SerializeToString()
        content = bytearray(attacker.chance.choice((good, attacker.chance.randbytes(200))))
        # Only the head: further in, the track's id could be lost, which the SDK does not survive.
        for _ in range(3):
            content[attacker.chance.randrange(4)] = attacker.chance.randrange(256)
        await attacker.raw(bytes(content[: attacker.chance.choice((0, 3, len(content)))]))


async def participants(attacker: Attacker, number: int) -> None:
    """Hundreds of participants that come, change their names at length and go."""
    chance = attacker.chance
    for _ in range(number):
        who = chance.randrange(700)
        gone = chance.random() < 0.2
        state = models.ParticipantInfo.DISCONNECTED if gone else models.ParticipantInfo.ACTIVE
        text = fit(hostile_text(chance), chance.choice((10, 10, 10, 10, 10, 10, 10, 10, 5_000)))
        await attacker.update(
            sid=f"PA_{who}",
            identity=f"p{who}",
            name=text,
            metadata=text,
            attributes={text: text},
            state=state,
        )


async def long_names(attacker: Attacker, number: int) -> None:
    """Participants with names of a megabyte."""
    for index in range(number):
        await attacker.update(sid=f"PA_long{index}", identity=f"long{index}", name="n" * 1_000_000)


async def tracks(attacker: Attacker, number: int) -> None:
    """Tracks that are published and unpublished in a storm."""
    chance = attacker.chance
    for _ in range(number):
        infos = [
            models.TrackInfo(
                sid=f"TR_{chance.randrange(2000)}",
                # None of data: livekit 1.2.1 does not survive one, it panics in a native thread.
                type=chance.choice((models.AUDIO, models.VIDEO)),
                name=fit(hostile_text(chance), 500),
                mime_type=chance.choice(("video/VP8", "audio/opus", fit(hostile_text(chance), 500))),
                width=chance.choice((0, 1, 2**31)),
                muted=chance.random() < 0.5,
            )
            for _ in range(chance.choice((0, 1, 5, 50)))
        ]
        await attacker.update(sid="PA_tracks", identity="tracks", tracks=infos)


async def states(attacker: Attacker, number: int) -> None:
    """An agent that says something else of itself a thousand times a second."""
    chance = attacker.chance
    await attacker.update(sid="PA_agent", identity="agent")
    for _ in range(number - 1):
        state = chance.choice(("speaking", "listening", "thinking", fit(hostile_text(chance), 5_000)))
        more = {f"a{index}": "x" * 100 for index in range(chance.choice((0, 0, 0, 300)))}
        attributes = {"lk.agent.state": state, **more}
        await attacker.update(sid="PA_agent", identity="agent", attributes=attributes)


async def mutes(attacker: Attacker, number: int) -> None:
    """What we publish is muted and let be heard, again and again."""
    for index in range(number):
        attacker.mute(index % 2 == 0)
        if index % 20 == 0:
            await asyncio.sleep(0.01)


Attack = Callable[[Attacker, int], Awaitable[None]]

ATTACKS: Final[dict[str, Attack]] = {
    attack.__name__: attack
    for attack in (
        many_segments,
        odd_segments,
        tiny_pieces,
        open_streams,
        odd_streams,
        data_packets,
        garbage,
        participants,
        tracks,
        states,
        mutes,
        long_names,
    )
}
