import asyncio

import pytest

from atlas_desktop.api.source import EndReceipt, Mode
from atlas_desktop.errors import (
    AppError,
    BadAnswerError,
    EndUnconfirmedError,
    NoCapacityError,
    RateLimitedError,
    RoomRefusedError,
    UnreachableError,
)
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.state import Ended, Failed
from tests.unit.session.conftest import QUICK
from tests.unit.session.fakes import SESSION_ID, Bench, FakeSource, live, settle


async def test_a_create_that_answers_after_cancel_is_ended_with_its_id(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    source.create_gate = asyncio.Event()
    session.start(source, Mode.CONVERSATION)
    await settle(lambda: source.calls)
    session.end()
    life = await session.ended()
    assert life == Ended(None)  # the user does not wait for it
    source.create_gate.set()
    await settle(lambda: source.ends)
    assert source.open_sessions == []
    assert all("join" not in room.calls for room in bench.rooms)


async def test_a_late_create_whose_end_fails_is_told(
    session: AtlasSession, source: FakeSource, notices: list[AppError]
) -> None:
    source.create_gate = asyncio.Event()
    source.end_outcomes = [EndReceipt("x", confirmed=False)]
    session.start(source, Mode.CONVERSATION)
    await settle(lambda: source.calls)
    session.end()
    await session.ended()
    source.create_gate.set()
    await settle(lambda: notices)
    assert isinstance(notices[0], EndUnconfirmedError)


async def test_a_join_in_flight_is_never_cancelled_and_never_delays_the_delete(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.join_gate = asyncio.Event()
    session.start(source, Mode.CONVERSATION)
    await settle(lambda: bench.rooms and "join" in bench.room.calls)
    session.end()
    await settle(lambda: source.ends)
    assert isinstance(await session.ended(), Ended)
    assert "leave" not in bench.room.calls
    bench.join_gate.set()
    await settle(lambda: "leave" in bench.room.calls)
    assert not bench.room.join_cancelled


async def test_the_delete_runs_beside_a_disconnect_that_hangs(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    bench.leave_gate = asyncio.Event()
    session.end()
    assert isinstance(await session.ended(), Ended)
    assert source.open_sessions == []
    bench.leave_gate.set()


async def test_a_refused_room_ends_the_session_and_says_why(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    bench.join_error = RoomRefusedError(detail="401")
    session.start(source, Mode.CONVERSATION)
    with pytest.raises(RoomRefusedError):
        await session.wait_live()
    life = await session.ended()
    assert isinstance(life, Failed)
    assert source.open_sessions == []


async def test_waits_as_told_when_there_were_too_many_requests(
    session: AtlasSession, source: FakeSource
) -> None:
    source.create_errors = [RateLimitedError(retry_after_s=0.05), RateLimitedError(retry_after_s=0.05)]
    waits: list[float | None] = []
    session.on_change(lambda snapshot: waits.append(snapshot.retry_in_s))
    await live(session, source)
    assert source.calls == ["create"] * 3
    assert 0.05 in waits


async def test_cancel_while_waiting_as_told_asks_no_more(session: AtlasSession, source: FakeSource) -> None:
    source.create_errors = [RateLimitedError(retry_after_s=30.0)]
    session.start(source, Mode.CONVERSATION)
    await settle(lambda: session.snapshot.retry_in_s)
    session.end()
    assert isinstance(await session.ended(), Ended)
    assert source.calls == ["create"]


async def test_a_wait_that_is_too_long_is_the_users_decision(
    session: AtlasSession, source: FakeSource
) -> None:
    source.create_errors = [RateLimitedError(retry_after_s=3600.0)]
    session.start(source, Mode.CONVERSATION)
    with pytest.raises(RateLimitedError):
        await session.wait_live()


async def test_no_capacity_fails_at_once_and_can_be_retried(
    session: AtlasSession, source: FakeSource
) -> None:
    source.create_errors = [NoCapacityError()]
    session.start(source, Mode.CONVERSATION)
    with pytest.raises(NoCapacityError):
        await session.wait_live()
    assert session.snapshot.error is not None
    assert session.snapshot.error.retryable
    await live(session, source)


async def test_a_session_in_an_answer_that_could_not_be_used_is_ended(
    session: AtlasSession, source: FakeSource
) -> None:
    error = BadAnswerError(host="x", session_id=SESSION_ID)
    source.create_errors = [error]
    source.open_sessions = [SESSION_ID]
    session.start(source, Mode.CONVERSATION)
    with pytest.raises(BadAnswerError):
        await session.wait_live()
    assert source.open_sessions == []


async def test_a_failed_delete_is_tried_again(session: AtlasSession, source: FakeSource) -> None:
    await live(session, source)
    source.end_outcomes = [UnreachableError(), UnreachableError()]
    session.end()
    life = await session.ended()
    assert isinstance(life, Ended)
    assert life.summary is not None
    assert life.summary.confirmed
    assert source.ends == 3


async def test_a_source_that_retries_by_itself_is_asked_once(
    session: AtlasSession, source: FakeSource
) -> None:
    source.retries_end = True
    await live(session, source)
    source.end_gate = asyncio.Event()
    session.end()
    await session.ended()
    await asyncio.sleep(0.1)
    assert source.ends == 1
    source.end_gate.set()
    await settle(lambda: not source.open_sessions)
    assert source.ends == 1


async def test_a_delete_confirmed_late_mends_the_summary(
    session: AtlasSession, source: FakeSource, notices: list[AppError]
) -> None:
    await live(session, source)
    source.end_gate = asyncio.Event()
    session.end()
    life = await session.ended()
    assert isinstance(life, Ended)
    assert life.summary is not None
    assert not life.summary.confirmed
    assert isinstance(notices[0], EndUnconfirmedError)
    source.end_gate.set()
    await settle(lambda: (summary := session.snapshot.summary) is not None and summary.confirmed)
    assert source.open_sessions == []


async def test_an_end_the_service_would_not_confirm_can_be_asked_again(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    source.end_outcomes = [EndReceipt("x", confirmed=False)]
    bench.room.listener.room_lost("gone")
    life = await session.ended()
    assert isinstance(life, Failed)
    assert life.session_id == source.open_sessions[0]
    session.end_again()
    await settle(lambda: not source.open_sessions)
    await settle(lambda: session.snapshot.state == Failed(life.error, None, session.snapshot.summary))


async def test_every_session_that_may_be_open_is_asked_for_again_even_during_another(
    session: AtlasSession, source: FakeSource
) -> None:
    for _ in range(2):
        await live(session, source)
        source.end_outcomes = [EndReceipt("x", confirmed=False)]
        session.end()
        await session.ended()
    await live(session, source)
    assert len(source.open_sessions) == 3
    session.end_again()
    await settle(lambda: len(source.open_sessions) == 1)
    assert session.snapshot.is_live
    asked = source.ends
    session.end_again()
    await asyncio.sleep(0.02)
    assert source.ends == asked


async def test_an_end_that_is_still_asked_for_is_not_asked_for_twice(
    session: AtlasSession, source: FakeSource
) -> None:
    await live(session, source)
    source.end_gate = asyncio.Event()
    session.end()
    await session.ended()
    session.end_again()
    session.end_again()
    await asyncio.sleep(0.1)
    source.end_gate.set()
    await settle(lambda: not source.open_sessions)
    # As often as one end is patient, not three times that.
    assert source.ends <= (QUICK.end_retry.max_attempts or 0)


async def test_a_late_session_whose_end_is_not_confirmed_can_be_asked_for_again(
    session: AtlasSession, source: FakeSource, notices: list[AppError]
) -> None:
    source.create_gate = asyncio.Event()
    source.end_outcomes = [EndReceipt("x", confirmed=False)]
    session.start(source, Mode.CONVERSATION)
    await settle(lambda: source.calls)
    session.end()
    await session.ended()
    source.create_gate.set()
    await settle(lambda: notices)
    session.end_again()
    await settle(lambda: not source.open_sessions)


async def test_a_rehearsal_whose_atlas_is_gone_ends_without_a_word_about_money(
    session: AtlasSession, bench: Bench, notices: list[AppError]
) -> None:
    source = FakeSource(billed=False)
    await live(session, source)
    source.end_outcomes = [UnreachableError()] * 4
    bench.room.listener.room_lost("gone")
    life = await session.ended()
    assert isinstance(life, Failed)
    assert life.session_id is None
    assert notices == []


async def test_closing_waits_for_the_delete(bench: Bench, source: FakeSource) -> None:
    session = AtlasSession(dependencies=bench.dependencies())
    await live(session, source)
    await session.aclose()
    assert source.open_sessions == []
    assert bench.feeder.closed


@pytest.mark.logs("session.kept.join failed", "session.start failed")
async def test_a_bug_at_the_start_ends_the_session_on_the_server(
    session: AtlasSession, source: FakeSource, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.join_error = ZeroDivisionError("ours")
    session.start(source, Mode.CONVERSATION)
    life = await session.ended()
    assert isinstance(life, Failed)
    assert life.error.code == "bug"
    assert source.open_sessions == []
    assert "ours" in caplog.text


@pytest.mark.logs("session.change failed")
async def test_a_bug_of_ours_in_the_teardown_does_not_keep_the_session_open(
    session: AtlasSession, source: FakeSource, bench: Bench, notices: list[AppError]
) -> None:
    await live(session, source)
    bench.feeder.interrupt_error = RuntimeError("media-feeder did not start")
    session.end()
    assert isinstance(await session.ended(), Ended)
    assert source.open_sessions == []
    bench.feeder.interrupt_error = None


async def test_nothing_is_started_while_the_program_goes(session: AtlasSession, source: FakeSource) -> None:
    await live(session, source)
    source.end_gate = asyncio.Event()
    closing = asyncio.ensure_future(session.aclose(0.5))
    await session.ended()
    session.start(source, Mode.CONVERSATION)
    source.end_gate.set()
    await closing
    assert source.calls.count("create") == 1
    assert source.open_sessions == []
