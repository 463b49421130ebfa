"""The session on a real room: the local Atlas in a thread, WebRTC on loopback."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from livekit.rtc import stats

from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AppError, RoomLostError, RoomRefusedError
from atlas_desktop.media.blocks import ArrayReader
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.room.room_statistics import apart_ms, selected_round_trip_ms
from atlas_desktop.session.state import Failed
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread
from tests.unit.local_atlas.stand_ins import eventually, tone, toy_avatar

pytestmark = pytest.mark.contract


@pytest.fixture
def atlas() -> Iterator[LocalAtlasThread]:
    with LocalAtlasThread(toy_avatar) as atlas:
        yield atlas


@pytest.fixture
async def source(atlas: LocalAtlasThread) -> AsyncIterator[AtlasSource]:
    source = AtlasSource(atlas.key, atlas.base, billed=False)
    yield source
    await source.aclose()


@pytest.fixture
async def session(source: AtlasSource) -> AsyncIterator[AtlasSession]:
    session = AtlasSession()
    yield session
    await session.aclose()


async def live(session: AtlasSession, source: AtlasSource, mode: Mode) -> None:
    session.start(source, mode)
    async with asyncio.timeout(10):
        assert await session.wait_live()


async def test_conversation_is_seen_read_and_answered_and_ends_on_the_server(
    session: AtlasSession, source: AtlasSource, atlas: LocalAtlasThread
) -> None:
    await live(session, source, Mode.CONVERSATION)
    frame = session.video.latest()
    assert frame is not None
    assert (frame.width, frame.height) == (512, 512)
    session.send_chat("hello")
    await eventually(
        lambda: [message.final for message in session.transcript.messages] == [True] * 3,
        "greeting, message and answer",
    )
    said = [(message.role, message.text, message.final) for message in session.transcript.messages]
    assert sorted(said) == [
        ("agent", "Hello there.", True),
        ("agent", "You said hello", True),
        ("user", "hello", True),
    ]
    assert session.snapshot.agent_state == "listening"
    await eventually(lambda: session.snapshot.rtt_ms is not None, "a round-trip time")
    session.end()
    await session.ended()
    assert not atlas.accounts.active


async def test_a_clip_comes_back_as_sound(session: AtlasSession, source: AtlasSource) -> None:
    await live(session, source, Mode.PASSTHROUGH)
    session.speak(ArrayReader(tone(0, 48_000)))
    await eventually(lambda: session.audio.first_sound_us is not None, "sound of the avatar")
    assert session.snapshot.speaking
    session.interrupt()
    await eventually(lambda: not session.snapshot.speaking, "silence after the interrupt")
    block = session.audio.latest()
    assert block is not None
    assert block.dtype == np.int16
    assert block.shape[1] == 2


async def test_a_replaced_picture_goes_on(
    session: AtlasSession, source: AtlasSource, atlas: LocalAtlasThread
) -> None:
    await live(session, source, Mode.CONVERSATION)
    told: list[object] = []
    session.on_video_stream(told.append)
    atlas.apply_fault(order="replace_video_track")
    await eventually(lambda: told[-1:] == [session.video], "another video track")
    received = session.video.received
    await eventually(lambda: session.video.received > received + 5, "its frames")


async def test_a_broken_socket_is_mended_and_what_was_typed_meanwhile_is_sent(
    session: AtlasSession, source: AtlasSource, atlas: LocalAtlasThread
) -> None:
    await live(session, source, Mode.CONVERSATION)
    atlas.apply_fault(order="refuse_resume")
    atlas.apply_fault(order="close_socket")
    await eventually(lambda: session.snapshot.state_name == "Reconnecting", "the loss to be seen")
    session.send_chat("meanwhile")
    await eventually(lambda: session.snapshot.is_live, "the connection to be mended", 10)
    await eventually(
        lambda: any(message.text == "You said meanwhile" for message in session.transcript.messages),
        "an answer",
    )


async def test_being_expelled_fails_and_leaves_nothing_open(
    session: AtlasSession, source: AtlasSource, atlas: LocalAtlasThread
) -> None:
    await live(session, source, Mode.CONVERSATION)
    atlas.apply_fault(order="expel")
    life = await session.ended()
    assert isinstance(life, Failed)
    assert isinstance(life.error, RoomLostError)
    assert not atlas.accounts.active


async def test_a_rehearsal_whose_local_atlas_is_gone_is_over_at_once(
    session: AtlasSession, source: AtlasSource
) -> None:
    session.rehearsal_lost()
    assert session.snapshot.is_over
    await live(session, source, Mode.CONVERSATION)
    session.rehearsal_lost()
    life = await session.ended()
    assert isinstance(life, Failed)
    assert type(life.error) is RoomLostError
    session.rehearsal_lost()
    assert session.snapshot.state is life


async def test_a_room_that_refuses_says_so_without_the_token(
    session: AtlasSession, source: AtlasSource, atlas: LocalAtlasThread
) -> None:
    atlas.set_room_options(refuse_status=401)
    session.start(source, Mode.CONVERSATION)
    with pytest.raises(RoomRefusedError) as caught:
        await session.wait_live()
    assert "401" in str(caught.value)
    assert "eyJ" not in str(caught.value)
    await session.ended()
    assert not atlas.accounts.active


async def test_cancel_while_joining_leaves_nothing_open(
    session: AtlasSession, source: AtlasSource, atlas: LocalAtlasThread
) -> None:
    notices: list[AppError] = []
    session.on_notice(notices.append)
    atlas.set_room_options(connect_delay_s=1.0)
    session.start(source, Mode.CONVERSATION)
    await eventually(lambda: session.info is not None, "the grant")
    session.end()
    await session.ended()
    assert not atlas.accounts.active
    assert notices == []


def test_the_round_trip_time_is_that_of_the_selected_pair() -> None:
    def pair(name: str, seconds: float, nominated: bool = False, answers: int = 3) -> stats.RtcStats:
        entry = stats.RtcStats()
        entry.candidate_pair.rtc.id = name
        entry.candidate_pair.candidate_pair.current_round_trip_time = seconds
        entry.candidate_pair.candidate_pair.responses_received = answers
        entry.candidate_pair.candidate_pair.nominated = nominated
        return entry

    transport = stats.RtcStats()
    transport.transport.transport.selected_candidate_pair_id = "b"
    pairs = [pair("a", 0.001, True), pair("b", 0.032), pair("c", 0.0)]
    assert selected_round_trip_ms([*pairs, transport]) == pytest.approx(32.0)
    assert selected_round_trip_ms(pairs) == pytest.approx(1.0)
    assert selected_round_trip_ms([pair("c", 0.0, nominated=True)]) == 0.0
    assert selected_round_trip_ms([pair("c", 0.0, nominated=True, answers=0)]) is None


def playing(kind: str, at_ms: float, track: str = "", received: float = 1.0) -> stats.RtcStats:
    entry = stats.RtcStats()
    entry.inbound_rtp.stream.kind = kind
    entry.inbound_rtp.inbound.track_identifier = track
    entry.inbound_rtp.inbound.estimated_playout_timestamp = at_ms
    entry.inbound_rtp.inbound.last_packet_received_timestamp = received
    return entry


def test_the_tracks_are_apart_by_what_is_played_of_them_at_one_moment() -> None:
    assert apart_ms([playing("audio", 4e12), playing("video", 4e12 + 9)]) == 9.0
    assert apart_ms([playing("audio", 4e12), playing("video", 0.0)]) is None
    assert apart_ms([playing("audio", 4e12)]) is None
    assert apart_ms([]) is None


def test_of_several_tracks_the_one_that_is_shown_counts_else_the_newest() -> None:
    tracks = [
        playing("audio", 4e12, "TR_a", 5.0),
        playing("video", 4e12 + 300, "TR_old", 9.0),
        playing("video", 4e12 + 9, "TR_new", 8.0),
    ]
    assert apart_ms(tracks, "TR_new", "TR_a") == 9.0
    assert apart_ms(tracks, "TR_unknown", None) == 300.0
