"""What the SDK's thread hands over: put together, bounded, and what nobody needs given back."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from livekit import rtc

from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.source import Mode
from atlas_desktop.local_atlas.interfaces import AgentOutput, AvatarComponents
from atlas_desktop.media.room_inbox import EVENTS_A_FRAME, MOST_WAITING, RoomInbox
from atlas_desktop.media.room_intake import (
    LONGEST_TEXT,
    MOST_BYTES,
    MOST_CHARACTERS,
    MOST_PARTICIPANTS,
    MOST_SEGMENTS,
    MOST_TRACKS,
)
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread
from tests.unit.local_atlas.stand_ins import ToyAgent, ToyRenderer
from tests.unit.media.room_events import (
    ATTRIBUTE,
    TOPIC,
    Notebook,
    attribute,
    came,
    data,
    ended,
    joined_room,
    opened,
    piece,
    published,
    room_event,
    segment,
    subscribed,
    went,
)
from tests.unit.session.fakes import settle


@dataclass
class Seat:
    """An inbox, what came out of it, and what it gave back."""

    book: Notebook = field(default_factory=Notebook)
    passed: list[Any] = field(default_factory=list)
    disposed: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inbox = RoomInbox(
            self.book,
            TOPIC,
            ATTRIBUTE,
            self.disposed.append,
            lambda owned: self.read.append(owned.handle.id),
        )
        self.inbox.joined(joined_room("agent"))

    def send(self, *events: Any) -> None:
        """As the SDK does it: from a thread of its own."""

        def put() -> None:
            for event in events:
                self.inbox.call_soon_threadsafe(self.passed.append, event)

        thread = threading.Thread(target=put)
        thread.start()
        thread.join()

    async def until(self, reached: Callable[[], object]) -> None:
        await settle(reached, 5.0)

    @property
    def heard(self) -> list[tuple[Any, ...]]:
        return self.book.said

    @property
    def names(self) -> list[str]:
        return [event.room_event.WhichOneof("message") for event in self.passed]


@pytest.fixture
async def seat() -> Seat:
    return Seat()


async def test_a_stream_in_tiny_pieces_arrives_in_few_large_ones(seat: Seat) -> None:
    seat.send(opened(3, "str", **{"lk.segment_id": "a"}))
    await seat.until(lambda: seat.read == [3])
    assert seat.heard == [("opened", 3, "str", {"lk.segment_id": "a"}, "agent")]
    seat.send(*(piece(3, f"{number:07d} ") for number in range(1000)), ended(3), piece(3, "late"))
    await seat.until(lambda: seat.heard[-1] == ("ended", 3))
    texts = [said[2] for said in seat.heard if said[0] == "text"]
    assert "".join(texts) == "".join(f"{number:07d} " for number in range(1000))
    assert len(texts) <= 3
    assert seat.passed == []


async def test_of_a_segment_the_newest_version_arrives_in_its_place(seat: Seat) -> None:
    versions = [segment("a", "x" * length, length == 500) for length in range(1, 501)]
    seat.send(
        segment("b", "first"), *versions, segment("b", "last", True), segment("a", "other", False, "me")
    )
    await seat.until(lambda: len(seat.heard) == 3)
    assert seat.heard == [
        ("segment", "agent", "b", "last", True),
        ("segment", "agent", "a", "x" * 500, True),
        ("segment", "me", "a", "other", False),
    ]


async def test_segments_without_a_name_never_replace_each_other(seat: Seat) -> None:
    seat.send(segment("", "one", True), segment("", "lost", False), segment("", "two", True))
    await seat.until(lambda: len(seat.heard) == 2)
    assert [said[3] for said in seat.heard] == ["one", "two"]


async def test_more_words_than_a_frame_should_bring_are_left_out_and_that_is_said(seat: Seat) -> None:
    seat.send(*(segment(f"s{number}", "word", True) for number in range(MOST_SEGMENTS + 5)))
    await seat.until(lambda: len(seat.heard) == MOST_SEGMENTS + 1)
    assert seat.heard.count(("cut",)) == 1
    seat.heard.clear()
    seat.send(*(segment(f"s{number}", "x" * LONGEST_TEXT * 2) for number in range(40)))
    await seat.until(lambda: len(seat.heard) == 41)
    texts = [said[3] for said in seat.heard if said[0] == "segment"]
    assert sum(map(len, texts)) == MOST_CHARACTERS
    assert max(map(len, texts)) == LONGEST_TEXT
    seat.heard.clear()
    seat.send(segment("again", "all is well"))
    await seat.until(lambda: seat.heard == [("segment", "agent", "again", "all is well", False)])


async def test_a_stream_that_floods_is_cut_and_one_that_is_closed_is_no_longer_heard(seat: Seat) -> None:
    seat.send(opened(3), opened(4))
    await seat.until(lambda: seat.read == [3, 4])
    seat.send(*(piece(3, "x" * 50_000) for _ in range(50)), piece(4, "hello"))
    await seat.until(lambda: ("cut",) in seat.heard)
    assert ("text", 3, "x" * LONGEST_TEXT) in seat.heard
    assert ("text", 4, "hello") in seat.heard
    seat.heard.clear()
    seat.book.closes[3]()
    seat.send(*(piece(3, "x" * 50_000) for _ in range(50)), ended(3), piece(4, "!"))
    await seat.until(lambda: seat.heard == [("text", 4, "!")])


async def test_thousands_of_streams_at_once_are_opened_a_few_at_a_time(seat: Seat) -> None:
    seat.send(*(opened(number, f"s{number}") for number in range(1, 2001)), opened(5000, topic="files"))
    await seat.until(lambda: 5000 in seat.disposed)
    await seat.until(lambda: len(seat.read) + len(seat.disposed) == 2001)
    assert seat.read == list(range(1, len(seat.read) + 1))
    assert len(seat.read) < 300
    assert ("cut",) in seat.heard


async def test_the_newest_state_of_each_arrives(seat: Seat) -> None:
    seat.send(
        *(attribute("agent", value) for value in ("listening", "speaking") * 500),
        attribute("agent", "y" * 100_000, "other"),
        attribute("me", "z" * 100_000),
    )
    await seat.until(lambda: len(seat.heard) == 2)
    assert seat.heard == [("state", "agent", "speaking"), ("state", "me", "z" * 32)]
    assert seat.passed == []


async def test_what_nobody_listens_to_is_given_back_unseen(seat: Seat) -> None:
    seat.send(
        *(data(number) for number in range(1, 1001)),
        room_event(connection_quality_changed={"participant_identity": "agent", "quality": 1}),
        room_event(participant_metadata_changed={"participant_identity": "agent", "metadata": "x" * 9_999}),
        room_event(participant_name_changed={"participant_identity": "agent", "name": "x" * 9_999}),
    )
    await seat.until(lambda: len(seat.disposed) == 1000)
    assert (seat.passed, seat.heard) == ([], [])


async def test_the_sdk_gets_its_events_in_order_and_a_few_a_frame(seat: Seat) -> None:
    seat.send(*(came(f"p{number}") for number in range(4 * EVENTS_A_FRAME)))
    await seat.until(lambda: seat.passed)
    assert len(seat.passed) <= EVENTS_A_FRAME
    await seat.until(lambda: len(seat.passed) == 4 * EVENTS_A_FRAME)
    people = [event.room_event.participant_connected.info.info.identity for event in seat.passed]
    assert people == [f"p{number}" for number in range(4 * EVENTS_A_FRAME)]


async def test_one_participant_too_many_is_never_heard_of(seat: Seat) -> None:
    seat.send(*(came(f"p{number}", number + 1) for number in range(MOST_PARTICIPANTS + 10)))
    last = f"p{MOST_PARTICIPANTS + 9}"
    seat.send(
        published(last, "TR_last", 9001),
        subscribed(last, "TR_last", 9002),
        room_event(track_muted={"participant_identity": last, "track_sid": "TR_last"}),
        went(last),
        went("p0"),
        came("late", 9003),
    )
    await seat.until(lambda: seat.names[-2:] == ["participant_disconnected", "participant_connected"])
    # "me" and "agent" are there, too.
    assert seat.names.count("participant_connected") == MOST_PARTICIPANTS - 2 + 1
    assert set(seat.names) == {"participant_connected", "participant_disconnected"}
    await seat.until(lambda: {9001, 9002} <= set(seat.disposed))
    assert 9003 not in seat.disposed
    assert seat.heard == [("cut",)]


async def test_one_track_too_many_is_neither_published_nor_subscribed(seat: Seat) -> None:
    seat.send(*(published("agent", f"TR_{number}") for number in range(MOST_TRACKS + 5)))
    seat.send(subscribed("agent", f"TR_{MOST_TRACKS + 4}", 77), subscribed("agent", "TR_0"))
    await seat.until(lambda: seat.names[-1:] == ["track_subscribed"])
    assert seat.names.count("track_published") == MOST_TRACKS - 1  # the agent has one already
    assert seat.names.count("track_subscribed") == 1
    seat.send(went("agent"), came("agent"), published("agent", "TR_again"))
    await seat.until(lambda: seat.names[-1] == "track_published")


async def test_what_a_participant_says_of_itself_at_length_is_left_out(seat: Seat) -> None:
    seat.send(
        came("p", name="n" * 1_000_000, metadata="m" * 1_000_000, attributes={"a" * 70_000: "b", "c": "d"})
    )
    await seat.until(lambda: seat.passed)
    info = seat.passed[0].room_event.participant_connected.info.info
    assert (len(info.name), info.metadata, dict(info.attributes)) == (200, "", {"c": "d"})


async def test_a_room_that_fills_memory_is_left(seat: Seat) -> None:
    seat.send(
        *(came(f"p{number}", metadata="m" * 1_000_000) for number in range(MOST_BYTES // 1_000_000 + 2))
    )
    await seat.until(lambda: ("flooded",) in seat.heard)
    assert seat.heard.count(("flooded",)) == 1


async def test_a_room_that_sends_faster_than_it_is_taken_is_left_and_can_still_end(seat: Seat) -> None:
    seat.send(
        *(went("agent") if number % 2 else came("agent", number + 1) for number in range(MOST_WAITING + 10)),
        room_event(eos={}),
    )
    assert len(seat.disposed) == 0
    seat.inbox.close()
    await seat.until(lambda: seat.disposed)
    seat.inbox.call_soon_threadsafe(seat.passed.append, published("agent", "TR_1", 4711))
    await seat.until(lambda: 4711 in seat.disposed)


async def test_a_room_that_is_left_says_no_more(seat: Seat) -> None:
    seat.send(opened(3))
    await seat.until(lambda: seat.read == [3])
    seat.inbox.close()
    seat.heard.clear()
    seat.send(
        piece(3, "x"), segment("a", "x"), attribute("agent", "x"), opened(4), data(5), room_event(eos={})
    )
    await seat.until(lambda: set(seat.disposed) == {4, 5} and seat.names == ["eos"])
    assert seat.heard == []


async def test_events_of_other_rooms_are_none_of_ours(seat: Seat) -> None:
    other = segment("a", "x")
    other.room_event.room_handle += 1
    seat.send(other, segment("b", "y"))
    await seat.until(lambda: seat.heard)
    await asyncio.sleep(0.05)
    assert [said[2] for said in seat.heard] == ["b"]


async def test_before_it_is_joined_the_sdk_hears_all_of_it() -> None:
    book, passed = Notebook(), list[Any]()
    inbox = RoomInbox(book, TOPIC, ATTRIBUTE)
    inbox.call_soon_threadsafe(passed.append, segment("a", "x"))
    inbox.call_soon_threadsafe(passed.append, came("agent"))
    await settle(lambda: len(passed) == 2)
    inbox.joined(joined_room())
    inbox.call_soon_threadsafe(passed.append, published("agent", "TR_1"))
    await settle(lambda: len(passed) == 3)
    assert book.said == []


def casting(_mode: str, _face: bytes | None, output: AgentOutput) -> AvatarComponents:
    return AvatarComponents(ToyRenderer(hums=False), ToyAgent(output))


async def test_the_sdk_of_today_hands_all_of_it_over() -> None:
    book, tracks = Notebook(), list[str]()
    with LocalAtlasThread(casting) as atlas:
        source = AtlasSource(atlas.key, atlas.base, billed=False)
        grant = await source.create(Mode.CONVERSATION, None)
        inbox = RoomInbox(book, "lk.transcription", "lk.agent.state")
        room = rtc.Room(loop=cast(asyncio.AbstractEventLoop, inbox))
        room.on("track_subscribed", lambda track: tracks.append(track.sid))
        await room.connect(grant.livekit_url, grant.token)
        inbox.joined(room)
        await settle(lambda: len(tracks) == 2, 10.0)
        await room.local_participant.publish_data('{"type": "speak", "text": "hi"}')
        await settle(lambda: "You said hi" in [said[-1] for said in book.said], 10.0)
        (key,) = [said[1] for said in book.said if said[-1] == "You said hi"]
        await settle(lambda: ("ended", key) in book.said, 10.0)
        (opened_by,) = [said for said in book.said if said[:2] == ("opened", key)]
        assert opened_by[3]["lk.segment_id"] == "reply1"
        assert opened_by[4] == "atlas-avatar"
        inbox.close()
        await asyncio.wait_for(room.disconnect(), 10)
        await source.aclose()
