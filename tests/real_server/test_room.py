"""How a session lives and ends in a room of a real server."""

import asyncio
import socket
import time
from functools import partial
from pathlib import Path

import pytest

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import (
    AppError,
    AvatarLeftError,
    DuplicateIdentityError,
    MediaBlockedError,
    RemovedFromRoomError,
    RoomClosedError,
    RoomLostError,
    RoomNotFoundError,
    RoomTokenExpiredError,
    RoomTokenInvalidError,
    RoomUnreachableError,
    SpeechRefusedError,
)
from atlas_desktop.media.blocks import ArrayReader
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.state import Failed
from tests.real_server.server import Avatar, LiveKitServer, avatar_in, free_port, livekit_server
from tests.real_server.source import IDENTITY, ROOM, RealRoomSource
from tests.unit.local_atlas.stand_ins import Guest, eventually
from tests.unit.session import real_rooms
from tests.unit.session.real_rooms import session_with_rooms
from tests.unit.session.rising_clip import Heard, rising_clip

CLIP_S = 4.0
BLOCKS_S = 0.03
"""So far a position may move after a stop: what is sent until the queue is emptied."""
TAKEN_BACK_S = 0.25
"""So far it may go back: what was sent before the mute was heard of."""
LOST_S = 0.1
"""So much of a clip may be lost where it is cut: two fades, and what a receiver leaves out to catch up."""


live = partial(real_rooms.live, limit_s=20)


async def failure(session: AtlasSession, limit_s: float = 30) -> AppError:
    life = await asyncio.wait_for(session.ended(), limit_s)
    assert isinstance(life, Failed)
    return life.error


async def speak(session: AtlasSession, avatar: Avatar) -> Heard:
    """Begins a clip, and waits until some of it was heard; returns what is heard of it."""
    heard = Heard(CLIP_S)
    avatar.on_heard = heard.take
    session.speak(ArrayReader(rising_clip(CLIP_S)))
    await eventually(lambda: heard.until_s > 0.8, "the clip to be heard", 10)
    return heard


async def spoken(session: AtlasSession, heard: Heard) -> None:
    """Waits until the clip is over, and was heard: the receiver may keep some of it for a while."""
    await eventually(lambda: session.speaker.position_s == 0.0, "the clip's end", 15)
    await eventually(lambda: heard.missing_s < LOST_S, "the whole clip to be heard", 5)


async def test_picture_sound_words_and_a_clip(server: LiveKitServer, session: AtlasSession) -> None:
    async with avatar_in(server, ROOM) as avatar:
        source = RealRoomSource(server)
        await live(session, source)
        session.send_chat("hello")
        await eventually(lambda: avatar.messages == ["hello"], "the message")
        heard = await speak(session, avatar)
        await spoken(session, heard)
        await eventually(lambda: session.snapshot.rtt_ms is not None, "a round-trip time")
        session.end()
        await session.ended()
        assert source.open == 0


@pytest.mark.parametrize(
    ("method", "kind"), [("DeleteRoom", RoomClosedError), ("RemoveParticipant", RemovedFromRoomError)]
)
async def test_the_room_service_ends_it_and_the_reason_is_said(
    server: LiveKitServer, session: AtlasSession, method: str, kind: type[RoomLostError]
) -> None:
    async with avatar_in(server, ROOM):
        source = RealRoomSource(server)
        await live(session, source)
        body = {"identity": IDENTITY} if method == "RemoveParticipant" else {}
        await server.call(method, room=ROOM, **body)
        assert type(await failure(session)) is kind
        assert source.open == 0


async def test_another_with_the_same_identity_takes_over(
    server: LiveKitServer, session: AtlasSession
) -> None:
    async with avatar_in(server, ROOM):
        await live(session, RealRoomSource(server))
        guest = Guest()
        await guest.room.connect(server.url, server.token(ROOM, IDENTITY))
        assert type(await failure(session)) is DuplicateIdentityError
        await guest.leave()


async def test_a_server_that_dies_is_a_lost_connection(server: LiveKitServer, session: AtlasSession) -> None:
    async with avatar_in(server, ROOM):
        await live(session, RealRoomSource(server))
        server.process.kill()
        await eventually(lambda: session.snapshot.state_name == "Reconnecting", "the loss to be seen")
        assert type(await failure(session, 60)) is RoomLostError


async def test_tokens_are_refused_each_with_its_own_words(
    server: LiveKitServer, session: AtlasSession
) -> None:
    expired = server.token(ROOM, IDENTITY, life_s=-600)
    for token, kind in ((expired, RoomTokenExpiredError), ("abc", RoomTokenInvalidError)):
        session.start(RealRoomSource(server, token), Mode.CONVERSATION)
        error = await failure(session)
        assert type(error) is kind
        assert "eyJ" not in str(error)


async def test_a_room_that_is_not_there(tmp_path: Path, session: AtlasSession) -> None:
    with livekit_server(tmp_path / "strict.log", room={"auto_create": False}) as server:
        session.start(RealRoomSource(server), Mode.CONVERSATION)
        assert type(await failure(session)) is RoomNotFoundError


async def test_a_server_that_is_not_there(server: LiveKitServer, session: AtlasSession) -> None:
    session.start(RealRoomSource(server, url=f"ws://127.0.0.1:{free_port()}"), Mode.CONVERSATION)
    assert type(await failure(session)) is RoomUnreachableError


async def test_media_that_do_not_get_through_are_the_firewalls(tmp_path: Path, session: AtlasSession) -> None:
    # It offers no address of this computer's; LiveKit's client gives up after a minute.
    walled = {
        "udp_port": free_port(socket.SOCK_DGRAM),
        "tcp_port": 0,
        "node_ip": "203.0.113.5",
        "use_external_ip": False,
        "interfaces": {"includes": ["none"]},
    }
    with livekit_server(tmp_path / "walled.log", rtc=walled) as server:
        session.start(RealRoomSource(server), Mode.CONVERSATION)
        assert type(await failure(session, 90)) is MediaBlockedError


async def test_a_frozen_server_is_said_in_seconds_and_the_clip_is_heard_whole(
    server: LiveKitServer, session: AtlasSession
) -> None:
    async with avatar_in(server, ROOM) as avatar:
        await live(session, RealRoomSource(server))
        await eventually(lambda: session.snapshot.rtt_ms is not None, "the first figures")
        heard = await speak(session, avatar)
        server.freeze()
        frozen_s = time.monotonic()
        await eventually(lambda: session.snapshot.state_name == "Reconnecting", "the loss to be seen", 10)
        assert time.monotonic() - frozen_s < 5
        await asyncio.sleep(3)
        server.thaw()
        await eventually(lambda: session.snapshot.is_live, "the connection to be back", 30)
        await spoken(session, heard)


async def test_a_track_muted_by_the_server_waits_until_the_user_lifts_it(
    server: LiveKitServer, session: AtlasSession
) -> None:
    async with avatar_in(server, ROOM) as avatar:
        await live(session, RealRoomSource(server))
        heard = await speak(session, avatar)
        tracks = (await server.participant(ROOM, IDENTITY))["tracks"]
        sid = next(track["sid"] for track in tracks if track["name"] == "tts-audio")
        await server.call("MutePublishedTrack", room=ROOM, identity=IDENTITY, track_sid=sid, muted=True)
        await eventually(lambda: session.snapshot.voice_muted, "the mute to be seen")
        assert not session.speaker.playing
        at_s = session.speaker.position_s
        await asyncio.sleep(1)
        assert at_s - TAKEN_BACK_S < session.speaker.position_s < at_s + BLOCKS_S
        session.unmute()
        await spoken(session, heard)
        assert not session.snapshot.voice_muted


async def test_a_server_that_may_unmute_lets_the_clip_go_on(tmp_path: Path, session: AtlasSession) -> None:
    with livekit_server(tmp_path / "unmuting.log", room={"enable_remote_unmute": True}) as server:
        async with avatar_in(server, ROOM) as avatar:
            await live(session, RealRoomSource(server))
            heard = await speak(session, avatar)
            tracks = (await server.participant(ROOM, IDENTITY))["tracks"]
            target = {"room": ROOM, "identity": IDENTITY, "track_sid": tracks[0]["sid"]}
            await server.call("MutePublishedTrack", **target, muted=True)
            await eventually(lambda: session.snapshot.voice_muted, "the mute to be seen")
            await server.call("MutePublishedTrack", **target, muted=False)
            await eventually(lambda: not session.snapshot.voice_muted, "the unmute to be seen")
            await spoken(session, heard)


async def test_who_may_not_speak_for_a_while_is_told_so_and_the_clip_is_heard_whole(
    server: LiveKitServer, session: AtlasSession
) -> None:
    async with avatar_in(server, ROOM) as avatar:
        await live(session, RealRoomSource(server))
        heard = await speak(session, avatar)
        may = {"can_subscribe": True, "can_publish_data": True}
        target = {"room": ROOM, "identity": IDENTITY}
        await server.call("UpdateParticipant", **target, permission={**may, "can_publish": False})
        await eventually(lambda: session.snapshot.voice_muted, "the loss of the leave to be seen")
        assert not session.speaker.playing
        await server.call("UpdateParticipant", **target, permission={**may, "can_publish": True})
        await eventually(lambda: not session.snapshot.voice_muted, "the leave to be seen", 10)
        await spoken(session, heard)


async def test_who_may_not_speak_at_all_is_told_so(server: LiveKitServer, session: AtlasSession) -> None:
    notices: list[AppError] = []
    session.on_notice(notices.append)
    async with avatar_in(server, ROOM):
        await live(session, RealRoomSource(server, server.token(ROOM, IDENTITY, canPublish=False)))
        session.speak(ArrayReader(rising_clip(1.0)))
        await eventually(lambda: bool(notices), "the refusal", 20)
        assert type(notices[0]) is SpeechRefusedError
        assert session.snapshot.is_live


async def test_an_avatar_that_left_comes_back_and_gets_what_was_written(
    server: LiveKitServer, hasty: AtlasSession
) -> None:
    async with avatar_in(server, ROOM):
        await live(hasty, RealRoomSource(server), Mode.CONVERSATION)
    await eventually(lambda: hasty.snapshot.avatar_gone, "the question", 20)
    hasty.send_chat("are you back?")
    async with avatar_in(server, ROOM) as avatar:
        await eventually(lambda: avatar.messages == ["are you back?"], "the message", 10)
        await eventually(lambda: hasty.snapshot.gone_s == 0.0, "the avatar to be back", 5)


async def test_a_session_whose_avatar_stays_away_is_ended(server: LiveKitServer, hasty: AtlasSession) -> None:
    async with avatar_in(server, ROOM):
        source = RealRoomSource(server)
        await live(hasty, source)
    assert type(await failure(hasty, 60)) is AvatarLeftError
    assert source.open == 0


async def test_a_picture_fetched_anew_goes_on_and_was_never_gone(server: LiveKitServer) -> None:
    session, rooms = session_with_rooms()
    told: list[object] = []
    session.on_video_stream(told.append)

    def is_told(times: int) -> bool:
        return len(told) == times

    def has_frames(count: int) -> bool:
        return session.video.received > count

    async with avatar_in(server, ROOM):
        await live(session, RealRoomSource(server))
        for times in (2, 3, 4):
            rooms[0].refresh_picture()
            await eventually(partial(is_told, times), "the picture to be subscribed to again", 10)
            wanted = session.video.received + 25
            await eventually(partial(has_frames, wanted), "its frames", 10)
        assert None not in told
    await session.aclose()
