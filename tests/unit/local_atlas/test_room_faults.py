"""What a client goes through when faults are injected into its room."""

import asyncio
import math
from functools import partial

import pytest
from livekit import rtc

from atlas_desktop.local_atlas.interfaces import MalformedPacket, RoomOptions
from atlas_desktop.local_atlas.rooms import room as room_module

from .stand_ins import Guest, eventually, open_scene

pytestmark = pytest.mark.contract


async def test_a_late_avatar_comes_in_after_its_delay() -> None:
    async with open_scene() as scene:
        room, guest = scene.open(options=RoomOptions(late_avatar_s=0.4)), Guest()
        await guest.join(scene, room.token())
        assert not guest.room.remote_participants
        await asyncio.sleep(0.25)
        assert guest.frames == 0
        await eventually(lambda: guest.frames > 3, "the late avatar did not come")
        await guest.leave()


async def test_an_avatar_that_never_comes() -> None:
    async with open_scene() as scene:
        room, guest = scene.open(options=RoomOptions(late_avatar_s=math.inf)), Guest()
        await guest.join(scene, room.token())
        await asyncio.sleep(0.4)
        assert not guest.room.remote_participants
        assert room.set_face(b"picture") is False
        await guest.leave()


async def test_a_replaced_video_track_is_subscribed_and_goes_on() -> None:
    async with open_scene() as scene:
        room, guest = scene.open(), Guest()
        await guest.join(scene, room.token())
        await eventually(lambda: guest.frames > 3, "no picture came")
        for times in (2, 3, 4, 5):
            room.replace_video_track()
            await eventually(partial(guest.has_tracks, times), "no new track")
            await eventually(partial(guest.has_frames, guest.frames + 5), "the new track has no picture")
        assert len(set(guest.video_tracks)) == 5
        await guest.leave()


async def test_the_avatar_vanishes() -> None:
    async with open_scene() as scene:
        room, guest = scene.open(), Guest()
        await guest.join(scene, room.token())
        await eventually(lambda: guest.frames > 3, "no picture came")
        room.vanish()
        await eventually(lambda: "participant_disconnected" in guest.events, "it is still there")
        # One picture after the other may still have been in the client's jitter buffer.
        await guest.picture_stands_still()
        await guest.leave()


async def test_a_freeze_ends_by_itself() -> None:
    async with open_scene() as scene:
        room, guest = scene.open(), Guest()
        await guest.join(scene, room.token())
        await eventually(lambda: guest.frames > 3, "no picture came")
        room.freeze(2.0)
        frames = await guest.picture_stands_still()
        await eventually(lambda: guest.frames > frames + 5, "it stays frozen")
        await guest.leave()


async def test_before_the_first_packet_no_sender_report_goes_out() -> None:
    # aiortc's report without an NTP time makes libwebrtc's statistics read "-inf", on which livekit 1.2.1
    # aborts the whole process: a failure of this test is that abort.
    async with open_scene() as scene:
        room, guest = scene.open(), Guest()
        room.freeze()
        await guest.join(scene, room.token())
        for _ in range(25):
            stats = await guest.room.get_rtc_stats()
            kinds = {one.WhichOneof("stats") for one in (*stats.publisher_stats, *stats.subscriber_stats)}
            assert "remote_outbound_rtp" not in kinds
            await asyncio.sleep(0.1)
        room.freeze(0)
        await eventually(lambda: guest.frames > 3, "no picture came")
        await guest.leave()


async def test_a_cut_websocket_is_resumed_and_nothing_is_lost() -> None:
    async with open_scene() as scene:
        room, guest = scene.open("conversation"), Guest()
        await guest.join(scene, room.token("ann"))
        await eventually(lambda: guest.streams, "it did not greet")
        room.close_socket()
        await eventually(lambda: "reconnected" in guest.events, "it did not resume", 10.0)
        frames = guest.frames
        await eventually(lambda: guest.frames > frames + 5, "no picture after the resumption")
        await guest.chat("still here")
        await eventually(lambda: scene.agents[0].texts == ["still here"], "chat is not heard any more")
        await eventually(lambda: len(guest.streams) == 2, "no transcript after the resumption")
        assert room.stats.people == ("ann",)
        assert len(guest.video_tracks) == 1
        microphone, _ = await guest.publish("microphone", rtc.TrackSource.SOURCE_MICROPHONE)
        await guest.say(microphone, 0.5)
        await eventually(lambda: room.stats.microphone_ms > 300, "a new track is not heard")
        await guest.leave()


async def test_a_refused_resumption_becomes_a_full_reconnect() -> None:
    async with open_scene() as scene:
        room, guest = scene.open("conversation"), Guest()
        await guest.join(scene, room.token("ann"))
        speech, _ = await guest.publish("microphone", rtc.TrackSource.SOURCE_MICROPHONE)
        await eventually(lambda: guest.frames > 3, "no picture came")
        room.refuse_resume(True)
        room.close_socket()
        await eventually(lambda: "reconnected" in guest.events, "it did not reconnect", 10.0)
        await eventually(lambda: len(guest.video_tracks) == 2, "the picture was not subscribed anew")
        frames = guest.frames
        await eventually(lambda: guest.frames > frames + 5, "no picture after the reconnect")
        assert room.stats.people == ("ann",)
        heard_ms = room.stats.microphone_ms
        await guest.say(speech, 0.5)
        await eventually(lambda: room.stats.microphone_ms > heard_ms + 300, "the track is not heard anew")
        await guest.chat("back again")
        await eventually(lambda: len(guest.streams) >= 2, "no transcript after the reconnect")
        assert not guest.left
        await guest.leave()


async def test_dropped_media_comes_back() -> None:
    async with open_scene() as scene:
        room, guest = scene.open(), Guest()
        await guest.join(scene, room.token())
        await eventually(lambda: guest.frames > 3, "no picture came")
        room.drop_media(0.8)
        await asyncio.sleep(0.3)
        frames = guest.frames
        await asyncio.sleep(0.3)
        assert guest.frames <= frames + 1
        await eventually(lambda: guest.frames > frames + 10, "the picture did not come back")
        await guest.leave()


async def test_malformed_packets_do_not_stop_what_follows() -> None:
    async with open_scene() as scene:
        room, guest = scene.open("conversation"), Guest()
        await guest.join(scene, room.token())
        await eventually(lambda: guest.streams, "it did not greet")
        for kind in MalformedPacket:
            room.malformed(kind)
        await guest.chat("after all")
        await eventually(lambda: guest.streams[-1][2] == "You said after all", "no answer any more")
        assert len(guest.data) == 2
        await guest.leave()


async def test_an_expelled_client_leaves_for_good() -> None:
    async with open_scene() as scene:
        room, guest = scene.open(), Guest()
        await guest.join(scene, room.token())
        room.expel()
        await eventually(lambda: guest.left, "it is still there")
        assert guest.left == [rtc.DisconnectReason.PARTICIPANT_REMOVED]
        await guest.leave()


@pytest.mark.parametrize("status", [401, 403, 404, 503])
async def test_a_refused_websocket_fails_with_the_status(status: int) -> None:
    async with open_scene() as scene:
        room, guest = scene.open(options=RoomOptions(refuse_status=status)), Guest()
        with pytest.raises(rtc.ConnectError):
            await guest.room.connect(scene.url, room.token(), rtc.RoomOptions(connect_timeout=1.0))
        assert not room.stats.people


async def test_foreign_and_closed_rooms_tokens_are_refused() -> None:
    async with open_scene() as scene:
        token, guest = scene.open().token(), Guest()
    async with open_scene() as scene:
        with pytest.raises(rtc.ConnectError, match="refused"):
            await guest.join(scene, token)
        room = scene.open()
        await scene.rooms.close("s1")
        with pytest.raises(rtc.ConnectError, match="closed"):
            await guest.join(scene, room.token())


async def test_the_same_identity_twice_puts_the_first_out() -> None:
    async with open_scene() as scene:
        room, first, second = scene.open(), Guest(), Guest()
        await first.join(scene, room.token("ann"))
        await second.join(scene, room.token("ann"))
        await eventually(lambda: first.left, "the first is still there")
        assert first.left == [rtc.DisconnectReason.DUPLICATE_IDENTITY]
        assert room.stats.people == ("ann",)
        await asyncio.gather(first.leave(), second.leave())


async def test_a_client_that_does_not_come_back_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "RESUME_LIMIT_S", 0.05)
    async with open_scene() as scene:
        room, guest = scene.open(), Guest()
        await guest.join(scene, room.token())
        room.options.refuse_status = 503
        room.close_socket()
        await eventually(lambda: not room.stats.people, "the room still waits")
        await guest.leave()


async def test_a_new_face_is_handed_on_and_told() -> None:
    async with open_scene() as scene:
        room, guest = scene.open(), Guest()
        await guest.join(scene, room.token())
        assert room.set_face(b"picture") is True
        assert scene.renderers[0].faces == [b"picture"]
        avatar = guest.room.remote_participants["atlas-avatar"]
        await eventually(lambda: "face_version" in avatar.metadata, "the metadata was not pushed")
        await guest.leave()
