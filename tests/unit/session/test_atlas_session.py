import asyncio
import json

import pytest

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AppError, AvatarMissingError, MessageTooLongError, RoomLostError
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Ended, Failed, Idle, Parked
from tests.unit.session.fakes import Bench, FakeReader, FakeSource, live, settle


async def test_goes_from_start_to_end_and_says_each_step(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    states: list[str] = []
    session.on_state_change(lambda state, _detail: states.append(state))
    await live(session, source)
    assert session.info is not None
    session.end()
    life = await session.ended()
    assert states == ["Connecting", "Waiting", "Live", "Ending", "Ended"]
    assert isinstance(life, Ended)
    assert life.summary is not None
    assert (life.summary.duration_s, life.summary.charged_usd, life.summary.confirmed) == (12.0, 0.02, True)
    assert source.open_sessions == []
    assert bench.room.calls == ["join", "leave"]
    assert session.info is None


async def test_is_idle_before_anything_and_ending_it_does_nothing(session: AtlasSession) -> None:
    session.end()
    assert isinstance(await session.ended(), Idle)


async def test_a_second_start_changes_nothing(session: AtlasSession, source: FakeSource) -> None:
    await live(session, source)
    session.start(source, Mode.CONVERSATION)
    assert source.calls == ["create"]
    assert session.snapshot.mode is Mode.PASSTHROUGH


async def test_waits_for_the_picture_and_gives_up_in_the_end(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.picture_at_once = False
    session.start(source, Mode.CONVERSATION)
    await settle(lambda: session.snapshot.state_name == "Waiting")
    await asyncio.sleep(0.05)
    assert session.snapshot.waited_s > 0.04
    life = await session.ended()
    assert isinstance(life, Failed)
    assert isinstance(life.error, AvatarMissingError)
    assert life.session_id is None
    assert source.open_sessions == []


async def test_keep_waiting_starts_the_time_anew(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.picture_at_once = False
    session.start(source, Mode.CONVERSATION)
    await asyncio.sleep(0.2)
    session.keep_waiting()
    await asyncio.sleep(0.2)
    assert session.snapshot.state_name == "Waiting"
    bench.show()
    assert await session.wait_live()


async def test_a_frame_that_came_while_reconnecting_makes_it_live_once_mended(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.picture_at_once = False
    session.start(source, Mode.CONVERSATION)
    await settle(lambda: session.snapshot.state_name == "Waiting")
    bench.room.listener.connection_changed(False)
    bench.show()
    await asyncio.sleep(0.02)
    assert session.snapshot.state_name == "Reconnecting"
    bench.room.listener.connection_changed(True)
    assert session.snapshot.state_name == "Live"


async def test_a_lost_room_ends_the_session_on_the_server_too(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    bench.room.listener.room_lost("SERVER_SHUTDOWN")
    life = await session.ended()
    assert isinstance(life, Failed)
    assert isinstance(life.error, RoomLostError)
    assert source.open_sessions == []


async def test_a_room_closed_at_the_longest_time_is_an_end_not_a_failure(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    source.max_duration_s = 2.0
    await live(session, source)
    bench.room.listener.room_lost("ROOM_DELETED")
    assert isinstance(await session.ended(), Ended)


async def test_events_of_an_earlier_room_are_not_heard(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    earlier = bench.room.listener
    session.end()
    await session.ended()
    await live(session, source)
    earlier.room_lost("late")
    earlier.stream_opened("s", "agent", False).add("late")
    assert session.snapshot.state_name == "Live"
    assert session.transcript.messages == ()


async def test_switch_keeps_the_transcript_and_uses_the_same_source(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source, Mode.CONVERSATION)
    session.send_chat("hello")
    session.switch_mode(Mode.PASSTHROUGH)
    assert session.snapshot.state_name == "Ending"
    await settle(lambda: session.snapshot.is_live)
    assert source.modes == [Mode.CONVERSATION, Mode.PASSTHROUGH]
    assert session.snapshot.mode is Mode.PASSTHROUGH
    assert len(source.open_sessions) == 1
    assert [message.text for message in session.transcript.messages] == ["hello"]


@pytest.mark.parametrize("way", ["switch", "park"])
async def test_a_summary_counts_what_was_said_before_a_switch_or_a_park(
    session: AtlasSession, source: FakeSource, bench: Bench, way: str
) -> None:
    await live(session, source)
    session.send_chat("hello")
    if way == "switch":
        session.switch_mode(Mode.PASSTHROUGH)
        await settle(lambda: len(source.modes) == 2)
    else:
        session.park()
        await settle(lambda: isinstance(session.snapshot.state, Parked))
        session.resume()
    await settle(lambda: session.snapshot.is_live)
    session.end()
    await session.ended()
    assert session.snapshot.summary is not None
    assert session.snapshot.summary.messages == 1


async def test_the_newest_wish_counts_while_switching(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    session.switch_mode(Mode.PASSTHROUGH)
    session.switch_mode(Mode.CONVERSATION, microphone=True)
    await settle(lambda: len(source.modes) == 2)
    assert source.modes == [Mode.CONVERSATION, Mode.CONVERSATION]
    assert session.snapshot.microphone_wanted


async def test_waiting_on_counts_only_what_is_waited_for(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.picture_at_once = False
    source.create_gate = asyncio.Event()
    session.start(source, Mode.CONVERSATION)
    session.keep_waiting()
    await asyncio.sleep(0.2)
    source.create_gate.set()
    await settle(lambda: session.snapshot.state_name == "Waiting")
    assert session.snapshot.waited_s < 0.1


async def test_ending_during_a_switch_starts_nothing(session: AtlasSession, source: FakeSource) -> None:
    await live(session, source, Mode.CONVERSATION)
    session.switch_mode(Mode.PASSTHROUGH)
    session.end()
    assert isinstance(await session.ended(), Ended)
    assert source.modes == [Mode.CONVERSATION]


async def test_a_new_start_begins_with_an_empty_transcript(session: AtlasSession, source: FakeSource) -> None:
    await live(session, source)
    session.send_chat("hello")
    session.end()
    await session.ended()
    assert len(session.transcript) == 1
    await live(session, source)
    assert len(session.transcript) == 0


async def test_chat_before_live_waits_and_is_sent_in_order(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.picture_at_once = False
    session.start(source, Mode.CONVERSATION)
    assert session.send_chat("one")
    assert session.send_chat("two")
    assert session.snapshot.unsent == 2
    await settle(lambda: bench.rooms)
    bench.show()
    await settle(lambda: len(bench.room.sent) == 2)
    assert [json.loads(packet) for packet in bench.room.sent] == [
        {"type": "speak", "text": "one"},
        {"type": "speak", "text": "two"},
    ]
    assert session.snapshot.unsent == 0


async def test_blank_unwanted_and_overlong_messages_are_not_sent(
    session: AtlasSession, source: FakeSource, bench: Bench, notices: list[AppError]
) -> None:
    assert not session.send_chat("nobody is there")
    await live(session, source)
    assert not session.send_chat(" \n ")
    assert not session.send_chat("ä" * 100_000)
    assert [type(notice) for notice in notices] == [MessageTooLongError]
    assert session.transcript.messages == ()
    assert bench.room.sent == []


async def test_a_message_that_could_not_be_sent_goes_out_when_the_room_is_back(
    session: AtlasSession, source: FakeSource, bench: Bench, notices: list[AppError]
) -> None:
    await live(session, source)
    bench.send_errors.append(RoomLostError())
    session.send_chat("hello")
    await settle(lambda: notices)
    bench.room.listener.connection_changed(False)
    session.send_chat("again")
    bench.room.listener.connection_changed(True)
    await settle(lambda: len(bench.room.sent) == 2)
    assert [json.loads(packet)["text"] for packet in bench.room.sent] == ["hello", "again"]


async def test_speak_text_is_absent_in_passthrough(session: AtlasSession, source: FakeSource) -> None:
    await live(session, source, Mode.PASSTHROUGH)
    assert session.speak_text is None


async def test_speak_text_reaches_the_agent(session: AtlasSession, source: FakeSource, bench: Bench) -> None:
    await live(session, source, Mode.CONVERSATION)
    assert session.speak_text is not None
    assert session.speak_text("hello")
    await settle(lambda: bench.room.sent)


async def test_streams_are_told_when_they_begin_and_cease(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    told: list[object] = []
    session.on_video_stream(told.append)
    session.on_audio_stream(told.append)
    await live(session, source)
    bench.room.listener.video_changed(True)
    bench.room.listener.audio_changed(True)
    bench.room.listener.video_changed(False)
    assert told == [session.video, session.audio, None]


@pytest.mark.logs("session.on_change failed")
async def test_a_callback_that_fails_harms_nobody(
    session: AtlasSession, source: FakeSource, notices: list[AppError], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_snapshot: SessionSnapshot) -> None:
        raise ValueError("mine")

    heard: list[SessionSnapshot] = []
    session.on_change(broken)
    session.on_change(heard.append)
    await live(session, source)
    assert heard[-1].is_live
    assert {notice.code for notice in notices} == {"bug"}
    assert "mine" in caplog.text


async def test_costs_nothing_when_not_billed(session: AtlasSession) -> None:
    await live(session, FakeSource(billed=False))
    assert session.snapshot.cost_usd is None
    assert not session.snapshot.billed


async def test_counts_the_cost_from_the_grant(session: AtlasSession, source: FakeSource) -> None:
    assert session.snapshot.elapsed_s == 0
    await live(session, source)
    await asyncio.sleep(0.05)
    snapshot = session.snapshot
    assert snapshot.elapsed_s > 0.04
    assert snapshot.cost_usd == pytest.approx(snapshot.elapsed_s * 7 / 3600, rel=0.01)


async def test_a_room_that_goes_while_switching_does_not_stop_the_switch(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source, Mode.CONVERSATION)
    session.switch_mode(Mode.PASSTHROUGH)
    bench.room.listener.room_lost("ROOM_DELETED")
    await settle(lambda: session.snapshot.is_live)
    assert session.snapshot.mode is Mode.PASSTHROUGH


async def test_says_how_long_it_has_been_connecting(session: AtlasSession, source: FakeSource) -> None:
    source.create_gate = asyncio.Event()
    session.start(source, Mode.CONVERSATION)
    await asyncio.sleep(0.05)
    assert session.snapshot.connecting_s > 0.04
    source.create_gate.set()
    await session.wait_live()
    assert session.snapshot.connecting_s == 0
