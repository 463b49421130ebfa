"""How the service ends what was made: again and again, at the app's end, and by another guard."""

import asyncio
from pathlib import Path

import pytest

from atlas_desktop.api.guard_protocol import EndReason
from atlas_desktop.api.source import EndReceipt
from atlas_desktop.errors import (
    GuardDownError,
    UnreachableError,
)
from atlas_desktop.storage.billing_entry import Outcome
from tests.unit.guard.fakes import Desk, settle

BACKEND = "https://backend.example/api/session"


async def test_an_end_that_says_nothing_is_told_at_once_and_asked_for_again(desk: Desk) -> None:
    grant = await desk.create()
    desk.service.end_outcomes = [EndReceipt("", confirmed=False)]
    assert not (await desk.end(grant["session_id"]))["confirmed"]
    assert desk.entry().outcome is Outcome.OPEN
    await settle(lambda: desk.told("ended"))
    (event,) = desk.told("ended")
    assert (event["why"], event["receipt"]["confirmed"]) == ("asked", True)
    assert desk.entry().outcome is Outcome.ENDED


async def test_ends_join_the_one_that_runs(desk: Desk) -> None:
    grant = await desk.create()
    desk.service.end_gate = asyncio.Event()
    ends = [asyncio.ensure_future(desk.end(grant["session_id"])) for _ in range(3)]
    await settle(lambda: desk.service.ends)
    desk.service.end_gate.set()
    receipts = await asyncio.gather(*ends)
    assert receipts[0]["confirmed"]
    assert receipts == [receipts[0]] * 3
    assert desk.service.ends == 1
    assert await desk.end(grant["session_id"]) == receipts[0]
    assert desk.service.ends == 1


async def test_a_session_of_an_earlier_run_can_be_ended_by_its_id(desk: Desk, tmp_path: Path) -> None:
    grant = await desk.create()
    other = Desk(tmp_path, desk.service)
    await other.open()
    assert (await other.end(grant["session_id"]))["confirmed"]
    assert desk.service.opened[-1][2] == (grant["session_id"],)
    assert desk.entry().outcome is Outcome.ENDED
    await other.guard.aclose(1.0)


async def test_an_id_that_nobody_knows_is_asked_about_all_the_same(desk: Desk) -> None:
    assert (await desk.end("foreign/1"))["confirmed"]
    assert desk.service.calls == ["end foreign/1"]
    assert desk.entries() == []


async def test_the_end_of_the_app_waits_for_a_create_and_ends_it(desk: Desk) -> None:
    desk.service.create_gate = asyncio.Event()
    creating = asyncio.ensure_future(desk.create())
    await settle(lambda: desk.service.calls)
    closing = asyncio.ensure_future(desk.guard.aclose(2.0, EndReason.APP_GONE))
    await asyncio.sleep(0.01)
    assert not closing.done()
    with pytest.raises(GuardDownError):
        await desk.create()
    desk.service.create_gate.set()
    await closing
    await creating
    assert desk.service.open_sessions == []
    assert (desk.entry().outcome, desk.entry().why) == (Outcome.ENDED, "app_gone")
    assert not list(desk.guards_folder.iterdir())


async def test_a_create_that_nobody_waits_for_any_more_is_ended(desk: Desk) -> None:
    desk.service.create_gate = asyncio.Event()
    creating = asyncio.ensure_future(desk.create())
    await settle(lambda: desk.service.calls)
    creating.cancel()
    desk.service.create_gate.set()
    await settle(lambda: desk.service.ends)
    await settle(lambda: not desk.service.open_sessions)


@pytest.mark.logs("left to the journal")
async def test_what_is_not_confirmed_in_time_stays_open_in_the_journal(desk: Desk) -> None:
    await desk.create()
    desk.service.end_outcomes = [UnreachableError()] * 1000
    await desk.guard.aclose(0.05)
    assert desk.entry().outcome is Outcome.OPEN
    assert list(desk.guards_folder.iterdir())


async def test_all_are_ended_at_once(desk: Desk) -> None:
    for _ in range(3):
        await desk.create()
    await desk.guard.aclose(5.0, EndReason.GUARD_TOLD)
    assert desk.service.open_sessions == []
    assert {entry.why for entry in desk.entries()} == {"guard_told"}
    assert len(desk.told("ended")) == 3


@pytest.mark.logs("guard.end.request failed")
async def test_a_bug_in_a_delete_does_not_stop_the_asking(desk: Desk) -> None:
    grant = await desk.create()
    desk.service.end_outcomes = [ZeroDivisionError("ours")]
    assert not (await desk.end(grant["session_id"]))["confirmed"]
    await settle(lambda: desk.entry().outcome is Outcome.ENDED)


async def test_a_user_may_say_that_a_session_is_over(desk: Desk) -> None:
    await desk.create()
    await desk.guard.handle({"op": "dismiss", "entry": desk.entry().key})
    assert desk.entry().outcome is Outcome.DISMISSED


async def test_an_app_that_hung_loses_its_sessions_and_is_told(desk: Desk) -> None:
    grant = await desk.create()
    desk.service.end_outcomes = [UnreachableError()]
    for _ in range(31):
        desk.clock.pass_s(1.0)
        desk.guard.check()
    await settle(lambda: len(desk.told("ended")) == 2)
    first, last = desk.told("ended")
    assert (first["session_id"], first["why"]) == (grant["session_id"], "hang")
    assert not first["receipt"]["confirmed"]
    assert last["receipt"]["confirmed"]
    assert desk.entry().why == "hang"


async def test_another_sessions_end_is_answered_while_one_is_unreachable(desk: Desk) -> None:
    first, second = await desk.create(), await desk.create()
    desk.service.end_gate = asyncio.Event()
    stuck = asyncio.ensure_future(desk.end(first["session_id"]))
    await settle(lambda: desk.service.ends)
    gate, desk.service.end_gate = desk.service.end_gate, None
    assert (await desk.end(second["session_id"]))["confirmed"]
    assert not stuck.done()
    gate.set()
    assert (await stuck)["confirmed"]


async def test_an_id_that_the_service_gives_again_is_ended_again(desk: Desk) -> None:
    desk.service.reused_id = "1"
    for ends in (1, 2):
        session_id = (await desk.create())["session_id"]
        assert (await desk.end(session_id))["confirmed"]
        assert (desk.service.ends, desk.service.open_sessions) == (ends, [])
    assert [entry.outcome for entry in desk.entries()] == [Outcome.ENDED] * 2
    desk.clock.pass_s(10.0)
    await desk.create()
    desk.clock.pass_s(31.0)
    desk.guard.check()
    desk.guard.check()
    await settle(lambda: not desk.service.open_sessions)


async def test_an_id_that_comes_again_while_it_is_ended_is_ended_again(desk: Desk) -> None:
    desk.service.reused_id = "1"
    await desk.create()
    desk.service.end_gate = asyncio.Event()
    ending = asyncio.ensure_future(desk.end("1"))
    await settle(lambda: desk.service.ends)
    await desk.create()
    gate, desk.service.end_gate = desk.service.end_gate, None
    gate.set()
    assert (await ending)["confirmed"]
    # The second session runs on, and its limit holds it all the same.
    desk.service.open_sessions = ["1"]
    for _ in range(3):
        desk.clock.pass_s(31.0)
        desk.guard.check()
    await settle(lambda: not desk.service.open_sessions)
    await settle(lambda: [entry.outcome for entry in desk.entries()] == [Outcome.ENDED] * 2)


async def test_two_services_may_give_the_same_id(desk: Desk) -> None:
    desk.service.reused_id = "1"
    order = {"op": "open", "source": "mine", "kind": "backend", "address": BACKEND, "secret": ""}
    await desk.guard.handle(order)
    await desk.create()
    await desk.create(source="mine")
    assert (await desk.end("1"))["confirmed"]
    assert [(entry.kind, entry.outcome) for entry in desk.entries()] == [
        ("atlas", Outcome.ENDED), ("backend", Outcome.OPEN),
    ]  # fmt: skip
    assert (await desk.order("end", "1", source="mine", why="asked"))["confirmed"]
    assert desk.service.ends == 2
    assert {entry.outcome for entry in desk.entries()} == {Outcome.ENDED}


async def test_a_leftovers_id_that_comes_again_is_no_leftover(desk: Desk, tmp_path: Path) -> None:
    desk.service.reused_id = "1"
    await desk.create()
    desk.guard.lock.release()
    successor = await desk.successor(tmp_path)
    await successor.guard.handle({"op": "leftovers"})
    await settle(lambda: len(successor.told("leftover")) == 2)
    await successor.create()
    await successor.guard.aclose(5.0, EndReason.HANG)
    assert [event["why"] for event in successor.told("ended")] == ["hang"]
    assert len(successor.told("leftover")) == 2
