"""What is typed, around the end of a session."""

import asyncio
import json
import time

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AppError, RoomLostError
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.chat import Chat
from atlas_desktop.session.transcript import Delivery, Transcript
from tests.unit.session.fakes import Bench, FakeSource, live, settle


async def test_a_message_on_its_way_at_the_end_costs_the_next_session_none(
    session: AtlasSession, source: FakeSource, bench: Bench, notices: list[AppError]
) -> None:
    await live(session, source, Mode.CONVERSATION)
    bench.send_gate = asyncio.Event()
    session.send_chat("of before")
    await asyncio.sleep(0)
    session.end()
    await session.ended()

    session.start(source, Mode.CONVERSATION)
    session.send_chat("of now")
    bench.send_gate.set()
    await settle(lambda: bench.room.sent)
    assert [json.loads(packet)["text"] for packet in bench.room.sent] == ["of now"]
    assert notices == []


async def test_a_message_that_hangs_at_the_end_does_not_hold_up_the_next_session(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source, Mode.CONVERSATION)
    bench.send_gate = asyncio.Event()
    session.send_chat("of before")
    await asyncio.sleep(0)
    session.end()
    await session.ended()

    bench.send_gate = None
    session.start(source, Mode.CONVERSATION)
    session.send_chat("of now")
    await settle(lambda: len(bench.rooms) == 2 and bench.room.sent)
    assert session.snapshot.unsent == 0


def marks(session: AtlasSession) -> list[tuple[str, str]]:
    return [(message.text, message.delivery.value) for message in session.transcript.messages]


def texts(bench: Bench) -> list[str]:
    return [json.loads(packet)["text"] for packet in bench.room.sent]


async def test_what_waited_when_the_session_failed_is_not_sent_and_goes_out_in_the_next(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source, Mode.CONVERSATION)
    session.send_chat("arrives")
    await settle(lambda: bench.room.sent)
    bench.room.listener.connection_changed(False)
    session.send_chat("first")
    session.send_chat("second")
    assert marks(session) == [("arrives", "sent"), ("first", "waiting"), ("second", "waiting")]
    bench.room.listener.room_lost("SIGNAL_CLOSE")
    await session.ended()
    assert marks(session) == [("arrives", "sent"), ("first", "not_sent"), ("second", "not_sent")]

    await live(session, source, Mode.CONVERSATION)
    assert marks(session) == [("first", "not_sent"), ("second", "not_sent")]
    assert session.snapshot.not_sent == 2
    assert bench.room.sent == []
    session.send_again()
    await settle(lambda: len(bench.room.sent) == 2)
    assert texts(bench) == ["first", "second"]
    assert marks(session) == [("first", "sent"), ("second", "sent")]
    assert session.snapshot.not_sent == 0


async def test_what_is_sent_again_before_the_picture_waits_for_it(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.picture_at_once = False
    session.start(source, Mode.CONVERSATION)
    await settle(lambda: session.snapshot.state_name == "Waiting")
    session.send_chat("too early")
    assert marks(session) == [("too early", "waiting")]
    session.end()
    await session.ended()
    assert marks(session) == [("too early", "not_sent")]
    session.send_again()
    assert marks(session) == [("too early", "not_sent")]

    session.start(source, Mode.CONVERSATION)
    session.send_again()
    assert marks(session) == [("too early", "waiting")]
    await settle(lambda: session.snapshot.state_name == "Waiting")
    bench.show()
    await settle(lambda: bench.room.sent)
    assert marks(session) == [("too early", "sent")]


async def test_another_start_before_anything_was_sent_keeps_it_again(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.join_error = RoomLostError()
    session.start(source, Mode.CONVERSATION)
    session.send_chat("patient")
    for _ in range(2):
        await session.ended()
        assert marks(session) == [("patient", "not_sent")]
        session.start(source, Mode.CONVERSATION)
    await session.ended()


async def test_a_message_that_did_not_go_out_waits(
    session: AtlasSession, source: FakeSource, bench: Bench, notices: list[AppError]
) -> None:
    await live(session, source, Mode.CONVERSATION)
    bench.send_errors.append(RoomLostError())
    session.send_chat("stuck")
    await settle(lambda: notices)
    assert marks(session) == [("stuck", "waiting")]


async def test_what_was_sent_into_a_network_that_was_gone_is_in_doubt() -> None:
    bench, transcript = Bench(), Transcript()
    room = await bench.dependencies().make_room(None)  # type: ignore[arg-type]
    scope = TaskScope("chat")
    chat = Chat(transcript, scope, lambda error: None, lambda: None)

    def states() -> list[Delivery]:
        return [message.delivery for message in transcript.messages]

    chat.open(room)
    chat.send("before")
    await settle(lambda: len(bench.room.sent) == 1)
    lost_us = time.monotonic_ns() // 1000
    chat.send("into the void")
    await settle(lambda: len(bench.room.sent) == 2)
    assert states() == [Delivery.SENT, Delivery.SENT]
    chat.hold(lost_us)
    assert states() == [Delivery.SENT, Delivery.WAITING]
    chat.open(room)
    assert states() == [Delivery.SENT, Delivery.SENT]
    chat.hold(lost_us)
    chat.clear()
    assert states() == [Delivery.SENT, Delivery.NOT_SENT]
    await scope.aclose()
