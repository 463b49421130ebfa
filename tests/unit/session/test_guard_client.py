import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from atlas_desktop.api.access import Access
from atlas_desktop.api.guard_protocol import EndReason, LeftoverOutcome, encode_error
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import EndReceipt, Face, Mode, SessionSource, SourceKind
from atlas_desktop.errors import (
    GuardDownError,
    JournalError,
    RateLimitedError,
)
from atlas_desktop.session.guard_client import GuardClient
from atlas_desktop.session.guard_events import (
    JournalBroken,
    Leftover,
    SessionStatusReceived,
    SessionStopped,
)
from tests.unit.session.fake_guard import ADDRESS, Guards, Watched, until


@pytest.fixture
def source(guard: GuardClient) -> SessionSource:
    return guard.open(Access(SourceKind.ATLAS, "ak_secret", ADDRESS))


async def test_a_source_is_opened_once_however_often_it_is_asked_for(
    guard: GuardClient, guards: Guards
) -> None:
    await guard.start()
    for _ in range(2):
        source = guard.open(Access(SourceKind.BACKEND, "", "https://mine.example.com/api"))
        await source.end("ses_1")
    assert guards.last.ops == ["open", "end", "end"]
    (order,) = guards.last.told("open")
    assert (order["kind"], order["secret"], order["address"]) == (
        "backend",
        "",
        "https://mine.example.com/api",
    )
    assert (guard.is_up, guard.pid) == (True, 1000)


async def test_no_secret_is_in_a_representation(guard: GuardClient) -> None:
    source = guard.open(Access(SourceKind.ATLAS, "ak_secret", ADDRESS))
    assert "ak_secret" not in f"{source!r} {vars(guard)!r}"


async def test_a_create_goes_with_the_limits_and_a_sign_of_life(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    guard.set_limits(SpendingLimits(session_usd=1.0))
    guard.set_idle(12.0)
    grant = await source.create(Mode.PASSTHROUGH, Face(content=b"face\nbytes"))
    assert (grant.session_id, grant.spent_today_usd) == (guards.open_sessions[0], 1.5)
    (order,) = guards.last.told("create")
    assert (order["mode"], order["unrecorded"], order["limits"]["session_usd"]) == ("passthrough", False, 1.0)
    assert guards.last.contents == [b"face\nbytes"]
    # More signs of life may follow.
    assert [order["op"] for order in guards.last.orders][:3] == ["open", "beat", "create"]
    assert guards.last.told("beat")[0]["idle_s"] == 12.0


async def test_a_create_waits_for_a_guard_that_comes_up(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    guards.gate = asyncio.Event()
    starting = asyncio.ensure_future(guard.start())
    creating = asyncio.ensure_future(source.create(Mode.CONVERSATION, None))
    await asyncio.sleep(0.02)
    assert not creating.done()
    guards.gate.set()
    await creating
    await starting
    assert guards.tries == 1


async def test_it_beats_only_while_a_session_is_held(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    await guard.start()
    await asyncio.sleep(0.06)
    assert guards.last.told("beat") == []
    grant = await source.create(Mode.CONVERSATION, None)
    await until(lambda: len(guards.last.told("beat")) > 3)
    await source.end(grant.session_id)
    beats = len(guards.last.told("beat"))
    await asyncio.sleep(0.06)
    assert len(guards.last.told("beat")) <= beats + 1


async def test_limits_reach_those_that_run(guard: GuardClient, guards: Guards, source: SessionSource) -> None:
    grant = await source.create(Mode.CONVERSATION, None)
    more = replace(SpendingLimits(), session_s=10.0)
    guard.set_session_limits(grant.session_id, more)
    guard.set_session_limits("ses_of_nobody", more)
    await until(lambda: guards.last.limits_told)
    guard.set_limits(SpendingLimits(day_usd=1.0))
    await until(lambda: len(guards.last.limits_told) == 2)
    told = [(order["session_id"], order["limits"]) for order in guards.last.limits_told]
    assert [one for one, _ in told] == [grant.session_id] * 2
    assert (told[0][1]["session_s"], told[1][1]["day_usd"]) == (10.0, 1.0)


async def test_limits_that_change_while_a_session_is_asked_for_reach_it(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    guards.script["create"] = [None]
    creating = asyncio.ensure_future(source.create(Mode.CONVERSATION, None))
    await until(lambda: guards.started and guards.last.told("create"))
    guard.set_limits(SpendingLimits(session_usd=0.5))
    guards.last.answer(guards.last.told("create")[0]["n"], guards.grant())
    await creating
    await until(lambda: guards.last.limits_told)
    assert guards.last.limits_told[0]["limits"]["session_usd"] == 0.5


async def test_errors_of_the_service_pass_through(
    guard: Watched, guards: Guards, source: SessionSource
) -> None:
    guards.script["create"] = [RateLimitedError(retry_after_s=7.0), JournalError(detail="disk full")]
    with pytest.raises(RateLimitedError) as limited:
        await source.create(Mode.CONVERSATION, None)
    assert limited.value.params["retry_after_s"] == 7.0
    with pytest.raises(JournalError, match="disk full"):
        await source.create(Mode.CONVERSATION, None)
    assert guard.errors == []


async def test_without_a_record_only_after_the_user_agreed_and_once(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    guard.allow_unrecorded()
    guards.script["create"] = [RateLimitedError()]
    with pytest.raises(RateLimitedError):
        await source.create(Mode.CONVERSATION, None)
    await source.create(Mode.CONVERSATION, None)
    await source.create(Mode.CONVERSATION, None)
    assert [order["unrecorded"] for order in guards.last.told("create")] == [True, True, False]


async def test_a_create_that_nobody_waits_for_is_ended(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    guards.script["create"] = [None]
    creating = asyncio.ensure_future(source.create(Mode.CONVERSATION, None))
    await until(lambda: guards.started and guards.last.told("create"))
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    guards.last.answer(guards.last.told("create")[0]["n"], guards.grant())
    await until(lambda: not guards.open_sessions)


async def test_an_end_asked_twice_is_one_order(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    grant = await source.create(Mode.CONVERSATION, None)
    guards.script["end"] = [None]
    impatient = asyncio.ensure_future(source.end(grant.session_id))
    await until(lambda: guards.last.told("end"))
    impatient.cancel()
    ending = asyncio.ensure_future(source.end(grant.session_id))
    await asyncio.sleep(0.02)
    (order,) = guards.last.told("end")
    assert order["why"] == "asked"
    guards.last.answer(order["n"], {"session_id": grant.session_id, "confirmed": False})
    assert not (await ending).confirmed
    # Not confirmed: it is still held, and asked for anew.
    await until(lambda: guards.last.orders[-1]["op"] == "beat")
    assert (await source.end(grant.session_id)).confirmed


async def test_events_are_told(guard: Watched, guards: Guards, source: SessionSource) -> None:
    grant = await source.create(Mode.CONVERSATION, None)
    one = grant.session_id
    receipt = {"session_id": one, "confirmed": True, "duration_s": 9.0, "cost_usd": 0.2}
    entry = {"key": "k", "session_id": "ses_old", "address": ADDRESS}
    say = guards.last.say
    say({"event": "status", "session_id": one, "duration_s": 5.0, "status": "active"})
    say({"event": "ended", "session_id": one, "why": "hang", "receipt": receipt})
    say({"event": "leftover", "entry": entry, "outcome": "ending", "cost_usd": 1.25, "receipt": None})
    say({"event": "journal", "error": encode_error(JournalError(detail="disk full"))})
    say({"event": "of a later version"})
    broken = guard.events.pop()
    assert isinstance(broken, JournalBroken)
    assert broken.error.params["detail"] == "disk full"
    assert guard.events == [
        SessionStatusReceived(one, 5.0, "active"),
        SessionStopped(one, EndReason.HANG, EndReceipt(one, True, 9.0, 0.2)),
        Leftover(entry, LeftoverOutcome.ENDING, 1.25, None),
    ]
    # What the guard ended is not kept any more.
    guards.last.die()
    await until(lambda: guard.is_up)
    assert guards.last.told("adopt") == []


@pytest.mark.logs("can't be read", "no frame")
async def test_nonsense_of_the_guard_is_passed_over(
    guard: Watched, guards: Guards, source: SessionSource
) -> None:
    await source.end("ses_1")
    guards.last.say({"event": "ended"})
    assert guards.last.on_line is not None
    guards.last.on_line(b"Traceback (most recent call last):")
    guards.last.say({"n": 99, "ok": {}})
    await source.end("ses_1")
    assert guard.events == []


async def test_leftovers_are_looked_for_with_every_source_and_once(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    guard.look_for_leftovers()
    await until(lambda: guards.started and "leftovers" in guards.last.ops)
    assert guards.last.ops == ["open", "leftovers"]
    guard.open(Access(SourceKind.ATLAS, "ak_other", ADDRESS))
    guard.look_for_leftovers()
    await until(lambda: len(guards.last.ops) == 4)
    assert guards.last.ops[2:] == ["open", "leftovers"]


async def test_a_source_is_opened_by_a_guard_that_is_up_before_it_is_used(
    guard: GuardClient, guards: Guards
) -> None:
    await guard.start()
    guard.open(Access(SourceKind.ATLAS, "ak_early", ADDRESS))
    await until(lambda: guards.last.told("open"))
    assert guards.last.ops == ["open"]


async def test_the_users_word_on_a_leftover_is_passed_on(guard: Watched, guards: Guards) -> None:
    await guard.start()
    guards.script["dismiss"] = [{}, JournalError(detail="disk full")]
    guard.dismiss("0011")
    await until(lambda: guards.last.told("dismiss"))
    assert guards.last.told("dismiss")[0]["entry"] == "0011"
    guard.dismiss("0022")
    await until(lambda: guard.errors)
    assert isinstance(guard.errors[0], JournalError)


async def test_it_lets_go_and_the_guard_stays(guards: Guards, tmp_path: Path) -> None:
    guard = Watched(tmp_path, guards)
    source = guard.open(Access(SourceKind.ATLAS, "ak_secret", ADDRESS))
    await source.create(Mode.CONVERSATION, None)
    guards.script["end"] = [None]
    ending = asyncio.ensure_future(source.end(guards.open_sessions[0]))
    await until(lambda: guards.last.told("end"))
    await guard.aclose()
    with pytest.raises(GuardDownError):
        await ending
    with pytest.raises(GuardDownError):
        await source.end(guards.open_sessions[0])
    guard.set_limits(SpendingLimits(day_usd=1.0))
    guard.look_for_leftovers()
    assert (guards.last.released, guards.last.running) == (True, True)
    assert guard.errors == []


async def test_it_lets_go_of_one_that_only_comes_up(guards: Guards, tmp_path: Path) -> None:
    guard = Watched(tmp_path, guards)
    guards.gate = asyncio.Event()
    starting = asyncio.ensure_future(guard.start())
    await until(lambda: guards.tries)
    async with asyncio.timeout(1):
        await guard.aclose()
        await starting
    assert guard.errors == []


async def test_the_reason_of_an_end_that_the_program_knows_is_written_down(
    guard: GuardClient, guards: Guards, source: SessionSource
) -> None:
    grant = await source.create(Mode.PASSTHROUGH, None)
    guard.note_reason(grant.session_id, EndReason.LIMIT)
    await source.end(grant.session_id)
    (order,) = guards.last.told("end")
    assert order["why"] == "limit"
