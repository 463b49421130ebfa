"""The broker with a fake service: what is written when, and that everything made is ended."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from atlas_desktop.api.orders import Why, face_frame, grant_of_frame
from atlas_desktop.api.source import EndReceipt, Face, Mode
from atlas_desktop.errors import (
    AppError,
    BadAnswerError,
    BadRoomAddressError,
    BugError,
    GuardDownError,
    InsecureAddressError,
    JournalError,
    NoCapacityError,
    NoCreditError,
    NotFoundError,
    ServerFailedError,
    UnauthorizedError,
    UnreachableError,
)
from atlas_desktop.guard.lock import GuardLock
from atlas_desktop.storage.billing_entry import Outcome
from tests.unit.guard.fakes import KEY, LIMITS, Desk, settle

LOST = "ses_0123456789abcdef0123"
BACKEND = "https://backend.example/api/session"


async def test_it_is_written_down_before_the_request_leaves(desk: Desk) -> None:
    desk.service.create_gate = asyncio.Event()
    creating = asyncio.ensure_future(desk.create())
    await settle(lambda: desk.service.calls)
    asked = desk.entry()
    assert (asked.outcome, asked.guard) == (Outcome.ASKED, desk.broker.guard)
    assert asked.matches("atlas", asked.address, KEY)
    assert not asked.matches("atlas", asked.address, "ak_other_0123456789")
    desk.service.create_gate.set()
    grant = grant_of_frame(await creating)
    assert desk.entry().session_id == grant.session_id
    assert (desk.entry().outcome, desk.entry().price_per_hour_usd) == (Outcome.OPEN, 7.2)


async def test_a_grant_tells_what_other_sessions_of_the_day_have_cost(desk: Desk) -> None:
    first = await desk.create()
    assert first["spent_today_usd"] == 0.0
    await desk.end(first["session_id"])
    assert (await desk.create())["spent_today_usd"] == pytest.approx(0.1)


async def test_an_end_writes_the_services_figures_and_ours(desk: Desk) -> None:
    grant = await desk.create()
    receipt = await desk.end(grant["session_id"])
    assert receipt == {
        "session_id": grant["session_id"], "confirmed": True, "duration_s": 50.0, "cost_usd": 0.1,
    }  # fmt: skip
    entry = desk.entry()
    assert (entry.outcome, entry.why, entry.duration_s) == (Outcome.ENDED, "asked", 50.0)
    assert entry.charged_usd == 0.1
    assert entry.estimated_usd == pytest.approx(0.1)
    assert desk.told("ended") == []


async def test_our_own_time_stands_in_for_the_services(desk: Desk) -> None:
    grant = await desk.create()
    desk.clock.pass_s(100.0)
    desk.service.end_outcomes = [EndReceipt("", confirmed=True)]
    assert (await desk.end(grant["session_id"]))["duration_s"] is None
    assert desk.entry().duration_s == 100.0
    assert desk.entry().estimated_usd == pytest.approx(0.2)


REFUSALS = [
    UnauthorizedError(status=401),
    UnauthorizedError(status=0),
    NoCreditError(status=402),
    NoCapacityError(status=503),
    ServerFailedError(status=500),
    InsecureAddressError(url="http://far"),
    UnreachableError(sent=False),
    BadAnswerError(status=404),
    BadAnswerError(status=302),
    BadRoomAddressError(ended_session_id=LOST),
]
UNKNOWNS = [
    UnreachableError(),
    BadAnswerError(status=200),
    BadAnswerError(status=502),
    ServerFailedError(status=502),
    ServerFailedError(status=504),
]


@pytest.mark.parametrize("error", REFUSALS, ids=str)
async def test_a_refusal_made_none(desk: Desk, error: AppError) -> None:
    desk.service.create_outcomes = [error]
    with pytest.raises(type(error)):
        await desk.create()
    assert (desk.entry().outcome, desk.entry().why) == (Outcome.REFUSED, error.code)


@pytest.mark.parametrize("error", UNKNOWNS, ids=str)
async def test_what_may_have_been_made_stays_asked_for(desk: Desk, error: AppError) -> None:
    desk.service.create_outcomes = [error]
    with pytest.raises(type(error)):
        await desk.create()
    assert desk.entry().outcome is Outcome.ASKED


async def test_a_session_in_an_answer_that_could_not_be_used_is_ended(desk: Desk) -> None:
    desk.service.create_outcomes = [BadRoomAddressError(session_id=LOST)]
    desk.service.open_sessions = [LOST]
    desk.service.end_outcomes = [UnreachableError()]
    with pytest.raises(BadRoomAddressError) as caught:
        await desk.create()
    assert caught.value.params["session_id"] == LOST
    # The app ends it, too: the one ending answers it.
    assert (await desk.end(LOST))["confirmed"]
    assert desk.service.open_sessions == []
    assert (desk.entry().session_id, desk.entry().why) == (LOST, "unusable")
    assert desk.service.ends == 2


async def test_a_full_disk_stops_a_create_unless_the_user_agreed(desk: Desk) -> None:
    desk.journal.full = True
    with pytest.raises(JournalError):
        await desk.create()
    assert desk.service.calls == []
    grant = await desk.create(unrecorded=True)
    assert desk.entries() == []
    assert len(desk.told("journal")) == 1
    desk.journal.full = False
    await desk.end(grant["session_id"])
    assert desk.entry().outcome is Outcome.ENDED


async def test_a_disk_that_fills_later_keeps_the_session_and_the_records(desk: Desk) -> None:
    grant = await desk.create()
    desk.journal.full = True
    receipt = await desk.end(grant["session_id"])
    assert receipt["confirmed"]
    assert desk.entry().outcome is Outcome.OPEN
    assert [event["error"]["code"] for event in desk.told("journal")] == ["journal"]
    desk.journal.full = False
    await desk.broker.aclose(1.0)
    assert desk.entry().outcome is Outcome.ENDED


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
    await other.broker.aclose(1.0)


async def test_an_id_that_nobody_knows_is_asked_about_all_the_same(desk: Desk) -> None:
    assert (await desk.end("foreign/1"))["confirmed"]
    assert desk.service.calls == ["end foreign/1"]
    assert desk.entries() == []


async def test_faces_statuses_and_viewers_pass_through(desk: Desk) -> None:
    frame, content = face_frame(Face("a.png", b"png"))
    session_id = (await desk.create(content, face=frame))["session_id"]
    order = {"op": "patch_face", "source": "atlas", "session_id": session_id, "face": frame}
    assert await desk.broker.obey(order, content) == {}
    assert f"face {session_id} 3" in desk.service.calls
    assert (await desk.order("status", session_id))["status"] == "active"
    assert (await desk.order("viewer", session_id))["token"] == "viewer token"


async def test_the_end_of_the_app_waits_for_a_create_and_ends_it(desk: Desk) -> None:
    desk.service.create_gate = asyncio.Event()
    creating = asyncio.ensure_future(desk.create())
    await settle(lambda: desk.service.calls)
    closing = asyncio.ensure_future(desk.broker.aclose(2.0, Why.APP_GONE))
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
    await desk.broker.aclose(0.05)
    assert desk.entry().outcome is Outcome.OPEN
    assert list(desk.guards_folder.iterdir())


async def test_all_are_ended_at_once(desk: Desk) -> None:
    for _ in range(3):
        await desk.create()
    await desk.broker.end_all(Why.GUARD_TOLD)
    assert desk.service.open_sessions == []
    assert {entry.why for entry in desk.entries()} == {"guard_told"}
    assert len(desk.told("ended")) == 3


@pytest.mark.logs("guard.endings.ask failed", "guard.ask.try failed")
async def test_a_bug_in_a_delete_does_not_stop_the_asking(desk: Desk) -> None:
    grant = await desk.create()
    desk.service.end_outcomes = [ZeroDivisionError("ours")]
    assert not (await desk.end(grant["session_id"]))["confirmed"]
    await settle(lambda: desk.entry().outcome is Outcome.ENDED)


async def test_a_user_may_say_that_a_session_is_over(desk: Desk) -> None:
    await desk.create()
    await desk.broker.obey({"op": "dismiss", "entry": desk.entry().key})
    assert desk.entry().outcome is Outcome.DISMISSED


async def test_the_same_source_is_opened_once(desk: Desk) -> None:
    await desk.open()
    assert len(desk.service.opened) == 1
    await desk.open(secret="ak_another_0123456789")
    assert len(desk.service.opened) == 2


@pytest.mark.parametrize("order", [{"op": "fly"}, {"op": "create", "source": "?", "mode": "conversation",
                                                   "limits": LIMITS}])  # fmt: skip
async def test_an_order_that_makes_no_sense_is_a_bug(desk: Desk, order: dict[str, object]) -> None:
    with pytest.raises(BugError):
        await desk.broker.obey(order)


async def killed(desk: Desk, tmp_path: Path) -> Desk:
    """The guard that comes after ``desk``'s, which is as good as dead."""
    successor = Desk(tmp_path, desk.service, desk.clock)
    await successor.open()
    return successor


async def test_a_successor_adopts(desk: Desk, tmp_path: Path) -> None:
    grant = await desk.create()
    desk.clock.pass_s(100.0)
    successor = await killed(desk, tmp_path)
    assert await successor.order("adopt", grant["session_id"], limits=LIMITS) == {}
    assert successor.entry().guard == successor.broker.guard
    desk.service.end_outcomes = [EndReceipt("", confirmed=True)]
    await successor.end(grant["session_id"])
    # Counted from the grant, not from the adoption.
    assert successor.entry().duration_s == pytest.approx(100.0)
    await successor.broker.aclose(1.0)


async def test_a_successor_adopts_what_the_journal_does_not_know(desk: Desk) -> None:
    await desk.order("adopt", LOST, limits=LIMITS)
    entry = desk.entry()
    assert (entry.session_id, entry.outcome, entry.mode) == (LOST, Outcome.OPEN, Mode.CONVERSATION)
    await desk.order("adopt", LOST, limits=LIMITS)
    assert desk.entry() == entry


async def test_a_status_is_told_each_minute_and_ends_what_is_over(desk: Desk) -> None:
    grant = await desk.create()
    desk.service.status_outcomes = ["active", UnreachableError(), "ended"]
    for _ in range(3):
        for _ in range(61):
            desk.clock.pass_s(1.0)
            desk.broker.beat(0.0)
            desk.broker.look()
        await asyncio.sleep(0.01)
    assert [event["status"] for event in desk.told("status")] == ["active", "ended"]
    (event,) = desk.told("ended")
    assert (event["session_id"], event["why"]) == (grant["session_id"], "service")
    assert desk.entry().why == "service"


async def test_a_session_that_the_service_no_longer_knows_is_over(desk: Desk) -> None:
    await desk.create()
    desk.service.status_outcomes = [NotFoundError(status=404)]
    desk.clock.pass_s(61.0)
    desk.broker.beat(0.0)
    desk.broker.look()
    desk.broker.look()
    await settle(lambda: desk.told("ended"))


async def test_an_app_that_hung_loses_its_sessions_and_is_told(desk: Desk) -> None:
    grant = await desk.create()
    desk.service.end_outcomes = [UnreachableError()]
    for _ in range(31):
        desk.clock.pass_s(1.0)
        desk.broker.look()
    await settle(lambda: len(desk.told("ended")) == 2)
    first, last = desk.told("ended")
    assert (first["session_id"], first["why"]) == (grant["session_id"], "hang")
    assert not first["receipt"]["confirmed"]
    assert last["receipt"]["confirmed"]
    assert desk.entry().why == "hang"


async def test_limits_that_the_user_raised_hold_from_then_on(desk: Desk) -> None:
    session_id = (await desk.create(limits={**LIMITS, "session_s": 10.0}))["session_id"]
    await desk.order("limits", session_id, limits={**LIMITS, "session_s": 20.0})
    await desk.order("limits", "ses_of_long_ago", limits=LIMITS)
    for second in range(25):
        desk.clock.pass_s(1.0)
        desk.broker.beat(0.0)
        desk.broker.look()
        for _ in range(5):
            await asyncio.sleep(0)
        assert (desk.service.ends > 0) == (second >= 21)
    await settle(lambda: desk.entry().outcome is Outcome.ENDED)
    assert desk.entry().why == "limit"


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
    desk.broker.look()
    desk.broker.look()
    await settle(lambda: not desk.service.open_sessions)


async def test_two_services_may_give_the_same_id(desk: Desk) -> None:
    desk.service.reused_id = "1"
    order = {"op": "open", "source": "mine", "kind": "backend", "address": BACKEND, "secret": ""}
    await desk.broker.obey(order)
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
    desk.broker.lock.release()
    successor = await killed(desk, tmp_path)
    await successor.broker.obey({"op": "leftovers"})
    await settle(lambda: len(successor.told("leftover")) == 2)
    await successor.create()
    await successor.broker.end_all(Why.HANG)
    assert [event["why"] for event in successor.told("ended")] == ["hang"]
    assert len(successor.told("leftover")) == 2
    await successor.broker.aclose(1.0)


# Its own lock


def block(tmp_path: Path) -> Desk:
    """A guard that can't take its lock."""
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "guards").write_text("a file where the folder should be")
    return Desk(tmp_path / "locked")


async def test_a_guard_without_its_lock_makes_a_session_only_when_the_user_agreed(tmp_path: Path) -> None:
    desk = block(tmp_path)
    await desk.open()
    assert not desk.broker.lock.is_held
    with pytest.raises(JournalError):
        await desk.create()
    assert (desk.service.calls, desk.events) == ([], [])
    await desk.create(unrecorded=True)
    desk.broker.beat(0.0)
    assert [event["error"]["code"] for event in desk.told("journal")] == ["journal"]
    await desk.broker.aclose(1.0)


async def test_a_guard_goes_on_trying_for_its_lock(tmp_path: Path) -> None:
    desk = block(tmp_path)
    await desk.open()
    await desk.create(unrecorded=True)
    desk.guards_folder.unlink()
    desk.broker.beat(0.0)
    assert desk.broker.lock.is_held
    await desk.create()
    assert len(desk.told("journal")) == 1
    await desk.broker.aclose(1.0)


async def test_a_lock_that_somebody_only_looks_at_is_waited_for(desk: Desk) -> None:
    desk.broker.lock.release()
    other = GuardLock(desk.guards_folder, desk.broker.guard)
    assert other.take()
    asyncio.get_running_loop().call_later(0.05, other.release)
    await desk.create()
    assert desk.broker.lock.is_held


# Adoption, by the app's own figures


async def test_a_successor_goes_by_what_the_app_knows(desk: Desk, tmp_path: Path) -> None:
    grant = await desk.create()
    desk.clock.pass_s(100.0)
    desk.clock.wall -= timedelta(hours=5)
    successor = await killed(desk, tmp_path)
    known = {"ran_s": 100.0, "price_per_hour_usd": 7.2, "max_duration_s": 160.0}
    await successor.order("adopt", grant["session_id"], limits=LIMITS, **known)
    for _ in range(57):
        desk.clock.pass_s(1.0)
        successor.broker.beat(0.0)
        successor.broker.look()
    assert desk.service.ends == 0
    desk.service.end_outcomes = [EndReceipt("", confirmed=True)]
    for _ in range(6):
        desk.clock.pass_s(1.0)
        successor.broker.look()
        for _ in range(8):
            await asyncio.sleep(0)
    assert [event["why"] for event in successor.told("ended")] == ["limit"]
    assert successor.entry().duration_s == pytest.approx(160.0)
    await successor.broker.aclose(1.0)


async def test_what_the_journal_does_not_know_is_adopted_with_its_price(desk: Desk) -> None:
    known = {"ran_s": 30.0, "price_per_hour_usd": 3600.0, "max_duration_s": None}
    await desk.order("adopt", LOST, limits={**LIMITS, "session_usd": 40.0}, **known)
    desk.service.end_outcomes = [EndReceipt("", confirmed=True)]
    for _ in range(13):
        desk.clock.pass_s(1.0)
        desk.broker.beat(0.0)
        desk.broker.look()
    await settle(lambda: desk.told("ended"))
    assert desk.told("ended")[0]["why"] == "limit"
    assert desk.entry().estimated_usd == pytest.approx(42.0, abs=1.5)


async def test_a_source_that_was_opened_for_one_session_goes_with_it(desk: Desk, tmp_path: Path) -> None:
    grant = await desk.create()
    successor = await killed(desk, tmp_path)
    await successor.order("adopt", grant["session_id"], limits=LIMITS)
    opened = len(desk.service.opened)
    await successor.end(grant["session_id"])
    await successor.end(grant["session_id"])
    await settle(lambda: desk.service.closed == 1)
    assert len(desk.service.opened) == opened
    await successor.broker.aclose(1.0)
