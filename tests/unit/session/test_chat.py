"""What is typed, around the end of a session."""

import asyncio
import json

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AppError
from atlas_desktop.session import AtlasSession
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
