"""A guard that dies, hangs or does not start: what the app makes of it."""

import asyncio
from pathlib import Path

import pytest

from atlas_desktop.api.access import Access
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import Mode, SessionSource, SourceKind
from atlas_desktop.errors import (
    GuardDownError,
    GuardLostError,
    SessionIdLostAtMostError,
    SessionIdLostError,
)
from atlas_desktop.session import guard_client, guard_supervisor, guard_transport
from atlas_desktop.session.guard_client import GuardClient
from atlas_desktop.session.guard_events import (
    SessionStopped,
)
from tests.unit.session.fake_guard import ADDRESS, FakeGuardProcess, Guards, Watched, until


@pytest.fixture
def source(guard: GuardClient) -> SessionSource:
    return guard.open(Access(SourceKind.ATLAS, "ak_secret", ADDRESS))


async def test_a_guard_that_dies_is_replaced_and_nobody_notices(
    guard: Watched, guards: Guards, source: SessionSource
) -> None:
    guard.look_for_leftovers()
    grant = await source.create(Mode.CONVERSATION, None)
    guard.set_session_limits(grant.session_id, SpendingLimits(session_usd=6.25))
    first = guards.last
    await until(lambda: "leftovers" in first.ops)
    first.die()
    assert guard.pid is None
    await until(lambda: guard.is_up and "leftovers" in guards.last.ops)
    assert guards.last is not first
    assert guards.last.ops == ["open", "adopt", "leftovers"]
    (adopted,) = guards.last.told("adopt")
    assert (adopted["session_id"], adopted["limits"]["session_usd"]) == (grant.session_id, 6.25)
    assert (adopted["price_per_hour_usd"], adopted["max_duration_s"]) == (7.0, None)
    assert 0.0 <= adopted["ran_s"] < 4.0
    await until(lambda: guards.last.told("beat"))
    assert (await source.end(grant.session_id)).cost_usd == 0.01
    assert guard.errors == []
    assert guard.events == []


async def test_a_guard_that_dies_over_a_create_is_told(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    guards.script["create"] = [None]
    creating = asyncio.ensure_future(source.create(Mode.CONVERSATION, None))
    await until(lambda: guards.started and guards.last.told("create"))
    guards.last.die()
    with pytest.raises(SessionIdLostError) as lost:
        await creating
    assert lost.value.params["per_hour_usd"] == 10.0
    assert "$10.00 an hour" in lost.value.advice.format(**lost.value.params)
    await source.create(Mode.CONVERSATION, None)
    assert len(guards.started) == 2


async def test_what_a_lost_session_may_cost_at_most_is_said_where_it_can_be_known(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    guards.script["create"] = [{**guards.grant(), "max_duration_s": 7200.0}, None]
    grant = await source.create(Mode.CONVERSATION, None)
    await source.end(grant.session_id)
    creating = asyncio.ensure_future(source.create(Mode.CONVERSATION, None))
    await until(lambda: len(guards.last.told("create")) == 2)
    guards.last.die()
    with pytest.raises(SessionIdLostAtMostError) as lost:
        await creating
    words = lost.value.advice.format(**lost.value.params)
    assert "$14.00 at most" in words
    assert "api.example.com" in words


async def test_what_a_guard_made_and_could_not_tell_is_looked_for_by_the_next(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    guards.script["create"] = [None]
    creating = asyncio.ensure_future(source.create(Mode.CONVERSATION, None))
    await until(lambda: guards.started and guards.last.told("create"))
    guards.last.die()
    with pytest.raises(GuardLostError):
        await creating
    await until(lambda: len(guards.started) == 2 and "leftovers" in guards.last.ops)


async def test_limits_that_change_while_no_guard_is_there_reach_the_next(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    grant = await source.create(Mode.CONVERSATION, None)
    guards.gate = asyncio.Event()
    guards.script["adopt"] = [None]
    guards.last.die()
    guards.gate.set()
    await until(lambda: len(guards.started) == 2 and guards.last.told("adopt"))
    guard.set_session_limits(grant.session_id, SpendingLimits(session_usd=6.25))
    guards.last.answer(guards.last.told("adopt")[0]["n"], {})
    await until(lambda: guards.last.limits_told)
    assert guards.last.limits_told[-1]["limits"]["session_usd"] == 6.25


async def test_an_end_is_repeated_by_the_next_guard(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    grant = await source.create(Mode.CONVERSATION, None)
    guards.script["end"] = [None]
    ending = asyncio.ensure_future(source.end(grant.session_id))
    await until(lambda: guards.last.told("end"))
    guards.last.die()
    assert (await ending).confirmed
    assert guards.last.ops == ["open", "adopt", "end"]


async def test_one_that_dies_while_it_is_told_what_to_keep_is_replaced_too(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    grant = await source.create(Mode.CONVERSATION, None)
    guards.script["adopt"] = [None]
    first = guards.last

    def second_dies(process: FakeGuardProcess) -> None:
        guards.on_start = None
        asyncio.get_running_loop().call_later(0.02, process.die)

    guards.on_start = second_dies
    first.die()
    assert (await source.end(grant.session_id)).confirmed
    assert len(guards.started) == 3


async def test_one_that_answers_nothing_is_replaced(
    guard: Watched, guards: Guards, source: SessionSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_supervisor, "SILENT_S", 0.02)
    monkeypatch.setattr(guard_supervisor, "PROBE_S", 0.02)
    grant = await source.create(Mode.CONVERSATION, None)
    await asyncio.sleep(0.1)
    assert len(guards.started) == 1
    guards.script["limits"] = [None]
    await until(lambda: len(guards.started) == 2 and guard.is_up)
    assert guards.started[0].running is False
    assert guards.last.told("adopt")[0]["session_id"] == grant.session_id
    assert guard.errors == []


async def test_one_that_answers_nothing_while_it_is_to_end_a_session_is_replaced_at_once(
    guard: Watched, guards: Guards, source: SessionSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_client, "ENDING_SILENT_S", 0.02)
    grant = await source.create(Mode.CONVERSATION, None)
    guards.script["limits"] = [None]
    guards.script["end"] = [None]
    assert (await source.end(grant.session_id)).confirmed
    assert len(guards.started) == 2
    assert guards.started[0].running is False
    assert guard.errors == []


@pytest.mark.logs("did not carry out")
async def test_one_that_never_carries_an_order_out_is_replaced(
    guard: Watched, guards: Guards, source: SessionSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_transport, "ANSWER_TIMEOUT_S", 0.05)
    guards.script["end"] = [None]
    assert (await source.end("ses_1")).confirmed
    assert [process.running for process in guards.started] == [False, True]
    assert guard.errors == []


async def test_one_that_does_not_take_what_it_is_told_at_first_is_replaced(
    guard: Watched, guards: Guards, source: SessionSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_supervisor, "RESTORE_TIMEOUT_S", 0.05)
    grant = await source.create(Mode.CONVERSATION, None)
    guards.script["adopt"] = [None]
    guards.last.die()
    assert (await source.end(grant.session_id)).confirmed
    assert [process.running for process in guards.started] == [False, False, True]
    assert guard.errors == []


async def test_no_guard_no_session(guard: Watched, guards: Guards, source: SessionSource) -> None:
    guards.failures = 2
    await guard.start()
    assert (guard.is_up, guard.pid, guard.errors) == (False, None, [])
    with pytest.raises(GuardDownError, match="no such program"):
        await source.create(Mode.CONVERSATION, None)
    # Whoever tries again gets one, when it starts by then.
    await source.create(Mode.CONVERSATION, None)
    assert guards.tries == 3


async def test_what_a_guard_was_ending_does_not_go_on_with_the_next(
    guard: Watched, guards: Guards, source: SessionSource
) -> None:
    grant = await source.create(Mode.CONVERSATION, None)
    receipt = {"session_id": grant.session_id, "confirmed": False}
    guards.last.say({"event": "ended", "session_id": grant.session_id, "why": "limit", "receipt": receipt})
    assert [type(event) for event in guard.events] == [SessionStopped]
    guards.last.die()
    await until(lambda: not guards.open_sessions)
    assert guards.last.told("end")[0]["why"] == "limit"


async def test_one_that_dies_while_it_is_let_go_is_not_replaced(guards: Guards, tmp_path: Path) -> None:
    guard = Watched(tmp_path, guards)
    source = guard.open(Access(SourceKind.ATLAS, "ak_secret", ADDRESS))
    grant = await source.create(Mode.CONVERSATION, None)
    guards.script["end"] = [None]
    ending = asyncio.ensure_future(source.end(grant.session_id))
    await until(lambda: guards.last.told("end"))
    closing = asyncio.ensure_future(guard.aclose())
    await asyncio.sleep(0)
    guards.last.die()
    await closing
    with pytest.raises(GuardDownError):
        await ending
    await guard.start()
    assert (len(guards.started), guard.is_up, guard.errors) == (1, False, [])
