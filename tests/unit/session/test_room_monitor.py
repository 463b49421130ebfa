"""A session whose room loses its avatar, its connection or our voice."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AvatarLeftError, RoomLostError
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.room.room_statistics import RoomStatistics, Traffic
from atlas_desktop.session.snapshot import MicState, SessionSnapshot
from atlas_desktop.session.state import Failed
from tests.unit.session.conftest import QUICK
from tests.unit.session.fakes import Bench, FakeReader, FakeSource, live, settle

FASTER = 8


@pytest.fixture
def bench() -> Bench:
    """Its awake clock runs so much faster: a minute is over in 8 s."""
    return Bench(awake_s=lambda: time.monotonic() * FASTER)


@pytest.fixture
async def session(bench: Bench) -> AsyncIterator[AtlasSession]:
    session = AtlasSession(dependencies=bench.dependencies(), timeouts=QUICK)
    yield session
    await session.aclose(1.0)


def holds(bench: Bench) -> bool:
    return bench.feeder.held


def is_muted(session: AtlasSession) -> bool:
    return session.snapshot.voice_muted


async def test_a_session_without_its_avatar_is_asked_about_and_then_ended(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    asked: list[SessionSnapshot] = []
    session.on_change(lambda snapshot: asked.append(snapshot) if snapshot.avatar_gone else None)
    await live(session, source)
    bench.room.listener.video_changed(True)
    bench.room.listener.video_changed(False)
    life = await asyncio.wait_for(session.ended(), 30)
    assert isinstance(life, Failed)
    assert isinstance(life.error, AvatarLeftError)
    assert source.open_sessions == []
    assert 20 <= asked[0].gone_s < 30


async def test_an_avatar_that_is_heard_is_there_without_its_picture(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    session.speak(FakeReader())
    bench.room.listener.video_changed(True)
    bench.room.listener.audio_changed(True)
    bench.room.listener.video_changed(False)
    await asyncio.sleep(1.0)
    assert not holds(bench)
    session.send_chat("I hear you")
    await settle(lambda: len(bench.room.sent) == 1)
    bench.room.listener.audio_changed(False)
    await settle(lambda: holds(bench))
    await settle(lambda: session.snapshot.avatar_gone, 10)


async def test_another_session_knows_nothing_of_the_room_before_and_hears_nothing_of_it(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    before = bench.room.listener
    before.voice_muted(True)
    before.video_changed(True)
    before.video_changed(False)
    await settle(lambda: session.snapshot.gone_s > 1, 10)
    assert is_muted(session)
    session.end()
    await session.ended()
    await live(session, source)
    assert session.snapshot.gone_s == 0.0
    before.connection_changed(False)
    before.voice_muted(True)
    before.room_lost("ROOM_DELETED")
    before.segment_received("SG_1", "agent", "late words", True)
    before.stream_opened("SG_2", "agent", False).add("late words")
    assert session.snapshot.is_live
    assert not is_muted(session)
    assert not session.transcript.messages


async def test_waiting_on_starts_the_time_from_zero(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    bench.room.listener.video_changed(False)
    await settle(lambda: session.snapshot.avatar_gone, 10)
    session.keep_waiting()
    assert not session.snapshot.avatar_gone
    assert session.snapshot.gone_s < 1
    bench.room.listener.video_changed(True)
    bench.show()
    await settle(lambda: session.snapshot.gone_s == 0.0, 5)


async def test_what_is_written_without_an_avatar_is_sent_when_it_is_back(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source, Mode.CONVERSATION)
    bench.room.listener.video_changed(False)
    session.send_chat("anybody there?")
    await asyncio.sleep(0.05)
    assert bench.room.sent == []
    assert [message.delivery.value for message in session.transcript.messages] == ["waiting"]
    bench.room.listener.video_changed(True)
    await settle(lambda: bench.room.sent)
    assert [message.delivery.value for message in session.transcript.messages] == ["sent"]


async def test_what_is_written_without_an_avatar_goes_out_in_the_session_started_anew(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source, Mode.CONVERSATION)
    bench.room.listener.video_changed(False)
    session.send_chat("anybody there?")
    session.start_anew()
    await settle(lambda: len(bench.rooms) == 2 and bench.room.sent, 5)
    assert source.modes == [Mode.CONVERSATION, Mode.CONVERSATION]
    assert [message.delivery.value for message in session.transcript.messages] == ["sent"]


def flowing(packets: int, media: int, *, muted: bool = False) -> RoomStatistics:
    return RoomStatistics(round_trip_ms=20.0, traffic=Traffic(packets, media, muted))


async def test_a_network_that_is_gone_is_said_long_before_livekit_does(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.statistics = flowing(100, 90)
    await live(session, source)
    session.speak(FakeReader())
    sent_us = time.monotonic_ns() // 1000
    bench.statistics = flowing(200, 190)
    await settle(lambda: session.snapshot.state_name == "Reconnecting", 10)
    assert holds(bench)
    assert bench.feeder.unheard_from_us is not None
    assert abs(bench.feeder.unheard_from_us - sent_us) < 1_500_000
    bench.statistics = flowing(300, 290)
    await settle(lambda: session.snapshot.is_live, 5)
    assert not holds(bench)
    assert "wait heard" not in bench.room.calls


async def test_after_livekits_own_reconnect_a_clip_waits_for_its_listener(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    bench.room.listener.connection_changed(False)
    assert not holds(bench)
    bench.room.listener.video_changed(False)
    assert holds(bench)
    bench.room.listener.video_changed(True)
    bench.room.listener.connection_changed(True)
    await settle(lambda: not bench.feeder.held)
    assert "wait heard" in bench.room.calls


async def test_an_avatar_found_gone_late_has_heard_nothing_since_its_last_packet(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.statistics = flowing(100, 90)
    await live(session, source)
    session.speak(FakeReader())
    await settle(lambda: session.snapshot.rtt_ms is not None, 5)
    packet_us = time.monotonic_ns() // 1000
    await asyncio.sleep(1.5)
    bench.room.listener.connection_changed(False)
    bench.room.listener.video_changed(False)
    assert holds(bench)
    assert bench.feeder.unheard_from_us is not None
    assert bench.feeder.unheard_from_us <= packet_us


async def test_a_picture_that_the_avatar_paused_has_not_stopped(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.statistics = flowing(100, 90, muted=True)
    await live(session, source)
    await settle(lambda: session.snapshot.rtt_ms is not None, 5)
    await asyncio.sleep(1.7)
    assert not session.snapshot.frozen
    assert session.snapshot.gone_s == 0.0


async def test_a_muted_microphone_is_off_until_the_user_turns_it_on(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    session.set_microphone(True)
    await settle(lambda: bench.feeder.sink is not None)
    bench.room.listener.voice_muted(True)
    assert is_muted(session)
    assert not session.snapshot.microphone_wanted
    assert session.snapshot.microphone is MicState.OFF
    session.set_microphone(True)
    assert bench.room.calls[-1] == "unmute"
    assert not is_muted(session)
    assert session.snapshot.microphone_wanted


async def test_a_microphone_that_the_room_allows_again_is_on_again(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    session.set_microphone(True)
    bench.room.listener.voice_muted(True)
    bench.room.listener.voice_muted(True)
    bench.room.listener.voice_muted(False)
    assert session.snapshot.microphone_wanted


async def test_a_key_released_while_muted_leaves_the_microphone_off(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    session.set_talking(True)
    bench.room.listener.voice_muted(True)
    session.set_talking(False)
    bench.room.listener.voice_muted(False)
    assert not session.snapshot.microphone_wanted


async def test_a_microphone_turned_off_while_muted_stays_off(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    session.set_microphone(True)
    bench.room.listener.voice_muted(True)
    session.set_microphone(False)
    bench.room.listener.voice_muted(False)
    assert not session.snapshot.microphone_wanted


async def test_who_presses_the_key_to_talk_wants_to_be_heard(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    bench.room.listener.voice_muted(True)
    session.set_talking(True)
    assert "unmute" in bench.room.calls
    assert not is_muted(session)
    assert session.snapshot.microphone_wanted
    session.set_talking(False)
    assert not session.snapshot.microphone_wanted


async def test_a_room_that_stays_mute_keeps_the_control_so(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.unmutes = False
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    bench.room.listener.voice_muted(True)
    session.set_microphone(True)
    assert is_muted(session)
    assert session.snapshot.microphone is MicState.OFF


async def test_a_clip_waits_while_its_track_is_muted(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    session.speak(FakeReader())
    bench.room.listener.voice_muted(True)
    assert holds(bench)
    assert not session.snapshot.speaking
    session.speaker.resume()
    assert bench.room.calls[-1] == "unmute"
    assert not holds(bench)


async def test_the_next_session_is_neither_muted_nor_held(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    bench.room.listener.voice_muted(True)
    session.end()
    await session.ended()
    await live(session, source)
    assert not holds(bench)
    assert not is_muted(session)


async def test_a_connection_that_does_not_come_back_is_given_up(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    bench.room.listener.connection_changed(False)
    life = await asyncio.wait_for(session.ended(), 40)
    assert isinstance(life, Failed)
    assert isinstance(life.error, RoomLostError)
    assert source.open_sessions == []


async def test_a_picture_that_is_not_back_with_the_connection_is_fetched(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    bench.room.listener.connection_changed(False)
    bench.room.listener.connection_changed(True)
    await settle(lambda: "refresh picture" in bench.room.calls, 5)
    bench.room.calls.clear()
    bench.room.listener.connection_changed(False)
    bench.room.listener.connection_changed(True)
    bench.show()
    await asyncio.sleep(1.5)
    assert "refresh picture" not in bench.room.calls
