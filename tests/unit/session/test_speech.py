import pytest

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AppError, NoMicrophoneError, RoomLostError
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.snapshot import MicState
from tests.unit.session.fakes import Bench, FakeReader, FakeSource, live, settle


async def test_the_speech_track_is_published_with_the_first_clip_and_only_once(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    assert "publish tts-audio" not in bench.room.calls
    session.speak(FakeReader())
    session.speak(FakeReader())
    await settle(lambda: bench.feeder.sink)
    session.speak(FakeReader())
    assert bench.room.calls == ["join", "publish tts-audio"]


@pytest.mark.parametrize(("mode", "published"), [(Mode.PASSTHROUGH, True), (Mode.CONVERSATION, False)])
async def test_the_speech_track_can_be_brought_up_beforehand(
    session: AtlasSession, source: FakeSource, bench: Bench, mode: Mode, published: bool
) -> None:
    session.speaker.prepare()
    await live(session, source, mode)
    session.speaker.prepare()
    session.speaker.prepare()
    if published:
        await settle(lambda: bench.feeder.sink)
    assert bench.room.calls.count("publish tts-audio") == published


async def test_a_clip_given_before_live_waits(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    clip = FakeReader()
    session.speak(clip)
    await live(session, source)
    await settle(lambda: bench.feeder.sink)
    assert bench.feeder.current is clip


async def test_speaking_a_clip_in_a_conversation_is_refused(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source, Mode.CONVERSATION)
    clip = FakeReader()
    with pytest.raises(RuntimeError, match="passthrough"):
        session.speak(clip)
    assert bench.feeder.current is None
    assert clip.closed


async def test_a_clip_that_waited_is_not_spoken_into_a_conversation(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    session.speak(FakeReader())
    session.start(source, Mode.CONVERSATION, microphone=True)
    assert await session.wait_live()
    await settle(lambda: bench.feeder.sink)
    assert bench.feeder.current is None
    assert not session.snapshot.speaking


async def test_a_microphone_that_nobody_can_hear_is_off(
    session: AtlasSession, source: FakeSource, bench: Bench, notices: list[AppError]
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    bench.publish_errors.append(RoomLostError())
    session.set_microphone(True)
    await settle(lambda: notices)
    assert (session.snapshot.microphone_wanted, session.snapshot.microphone.value) == (False, "off")
    session.set_microphone(True)
    await settle(lambda: bench.feeder.sink)
    assert (session.snapshot.microphone_wanted, session.snapshot.microphone.value) == (True, "on")


async def test_a_track_that_could_not_be_published_is_tried_again(
    session: AtlasSession, source: FakeSource, bench: Bench, notices: list[AppError]
) -> None:
    await live(session, source)
    bench.publish_errors.append(RoomLostError())
    session.speak(FakeReader())
    await settle(lambda: notices)
    session.speak(FakeReader())
    await settle(lambda: bench.feeder.sink)


async def test_the_end_stops_playback_and_lets_the_microphone_go(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source)
    session.speak(FakeReader())
    session.set_microphone(True)
    assert session.snapshot.microphone.value == "muted_for_clip"
    session.end()
    assert (bench.feeder.current, bench.feeder.microphone, bench.feeder.sink) == (None, None, None)
    await session.ended()
    assert session.snapshot.microphone is MicState.OFF


@pytest.mark.parametrize(
    ("mode", "track"), [(Mode.CONVERSATION, "microphone"), (Mode.PASSTHROUGH, "tts-audio")]
)
async def test_the_microphone_goes_into_the_track_of_the_mode(
    session: AtlasSession, source: FakeSource, bench: Bench, mode: Mode, track: str
) -> None:
    opened: list[FakeReader] = []

    def make(_preroll_ms: int) -> FakeReader:
        opened.append(FakeReader())
        return opened[-1]

    session.attach_microphone(make)
    session.start(source, mode, microphone=True)
    assert session.snapshot.microphone_wanted
    assert not opened
    await session.wait_live()
    await settle(lambda: bench.feeder.sink)
    assert bench.room.calls == ["join", f"publish {track}"]
    assert session.snapshot.microphone.value == "on"
    session.set_microphone(False)
    assert session.snapshot.microphone is MicState.OFF
    assert bench.feeder.microphone is None


async def test_a_microphone_turned_off_stays_off_after_a_reconnect(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    session.start(source, Mode.CONVERSATION, microphone=True)
    await session.wait_live()
    session.set_microphone(False)
    bench.room.listener.connection_changed(False)
    bench.room.listener.connection_changed(True)
    assert session.snapshot.is_live
    assert session.snapshot.microphone is MicState.OFF


async def test_a_microphone_turned_on_while_switching_is_on_afterwards(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.PASSTHROUGH)
    session.switch_mode(Mode.CONVERSATION)
    session.set_microphone(True)
    await settle(lambda: session.snapshot.is_live)
    assert session.snapshot.mode is Mode.CONVERSATION
    assert session.snapshot.microphone is MicState.ON


async def test_without_a_microphone_a_notice_says_so(
    session: AtlasSession, source: FakeSource, notices: list[AppError]
) -> None:
    await live(session, source)
    session.set_microphone(True)
    assert [type(notice) for notice in notices] == [NoMicrophoneError]
    assert not session.snapshot.microphone_wanted


async def test_interrupt_stops_the_clip_and_shuts_the_gate(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    session.speak(FakeReader())
    assert session.snapshot.can_interrupt
    session.interrupt()
    assert bench.feeder.current is None
    assert bench.playout.calls[-1] == "close"


async def test_after_an_interrupt_in_conversation_the_agents_next_segment_opens_the_gate(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source, Mode.CONVERSATION)
    stream = bench.room.listener.stream_opened("a", "agent", False)
    stream.add("I was")
    session.interrupt()
    stream.add(" saying")
    assert bench.playout.calls[-1] == "hold"
    bench.room.listener.stream_opened("b", "agent", False)
    assert bench.playout.calls[-1] == "release"


async def test_a_change_of_the_agents_state_opens_the_gate(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source, Mode.CONVERSATION)
    bench.room.listener.agent_state_changed("speaking")
    assert session.snapshot.agent_state == "speaking"
    session.interrupt()
    bench.room.listener.agent_state_changed("speaking")
    assert bench.playout.calls[-1] == "hold"
    bench.room.listener.agent_state_changed("listening")
    assert bench.playout.calls[-1] == "release"


async def test_push_to_talk_begins_a_moment_earlier(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    session.set_talking(True)
    assert bench.feeder.microphone.preroll_ms == 150
    session.set_talking(False)
    assert not bench.feeder.microphone
    session.set_microphone(True)
    assert bench.feeder.microphone.preroll_ms == 0


async def test_push_to_talk_leaves_an_open_microphone_open(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    session.set_microphone(True)
    reader = bench.feeder.microphone
    session.set_talking(True)
    session.set_talking(False)
    assert bench.feeder.microphone is reader


def is_heard(bench: Bench) -> bool:
    return bench.feeder.microphone is not None


async def test_quiet_keeps_the_user_unheard_whatever_is_wished_meanwhile(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    session.set_microphone(True)
    assert is_heard(bench)
    session.set_quiet(True)
    assert not is_heard(bench)
    assert (session.snapshot.microphone_wanted, session.snapshot.microphone) == (True, MicState.OFF)
    session.set_talking(True)
    session.set_microphone(True)
    assert not is_heard(bench)
    session.set_quiet(False)
    assert is_heard(bench)
    assert not session.playout.quiet


async def test_a_session_that_goes_live_in_the_quiet_is_quiet(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    session.attach_microphone(FakeReader)
    session.set_quiet(True)
    session.start(source, Mode.CONVERSATION, microphone=True)
    await live(session, source, Mode.CONVERSATION)
    assert not is_heard(bench)
    session.set_microphone(True)
    session.set_quiet(False)
    assert is_heard(bench)


async def test_seek_reaches_the_feeder(session: AtlasSession, source: FakeSource, bench: Bench) -> None:
    await live(session, source)
    session.speak(FakeReader())
    session.seek(2.5)
    assert bench.feeder.sought_s == 2.5
