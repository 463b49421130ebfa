"""The guard's service with a fake Atlas: what is written when, and that everything made is ended."""

import asyncio
from pathlib import Path

import pytest

from atlas_desktop.api.guard_protocol import face_frame, grant_of_frame
from atlas_desktop.api.source import EndReceipt, Face
from atlas_desktop.errors import (
    AppError,
    BadAnswerError,
    BadRoomAddressError,
    BugError,
    InsecureAddressError,
    JournalError,
    NoCapacityError,
    NoCreditError,
    NotFoundError,
    ServerFailedError,
    UnauthorizedError,
    UnreachableError,
)
from atlas_desktop.storage.billing_entry import Outcome
from tests.unit.guard.fakes import KEY, LIMITS, LOST, Desk, settle


async def test_it_is_written_down_before_the_request_leaves(desk: Desk) -> None:
    desk.service.create_gate = asyncio.Event()
    creating = asyncio.ensure_future(desk.create())
    await settle(lambda: desk.service.calls)
    asked = desk.entry()
    assert (asked.outcome, asked.guard) == (Outcome.ASKED, desk.guard.guard)
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


async def test_an_id_is_on_the_disk_before_the_rest_of_its_answer_is_read(desk: Desk) -> None:
    desk.service.useless = BadAnswerError(status=200)
    desk.service.end_gate = asyncio.Event()
    with pytest.raises(BadAnswerError):
        await desk.create()
    (session_id,) = desk.service.open_sessions
    assert (desk.entry().outcome, desk.entry().session_id) == (Outcome.OPEN, session_id)
    desk.service.end_gate.set()
    await settle(lambda: desk.entry().outcome is Outcome.ENDED)
    assert (desk.service.open_sessions, desk.entry().why) == ([], "unusable")


@pytest.mark.logs("guard.create failed")
async def test_a_session_is_held_though_its_figures_stop_what_reckons_with_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atlas_desktop.guard.session_creator.terms_of_grant", lambda *_: 1 / 0)
    session_id = (await desk.create())["session_id"]
    assert (desk.entry().outcome, desk.entry().session_id) == (Outcome.OPEN, session_id)
    # The limit of time holds it.
    for _ in range(3610):
        desk.clock.pass_s(1.0)
        desk.guard.beat(0.0)
        desk.guard.check()
    await settle(lambda: not desk.service.open_sessions)


async def test_a_create_that_nothing_comes_of_is_waited_for_so_long(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atlas_desktop.guard.session_creator.TIMEOUT_S", 0.05)
    desk.service.create_gate = asyncio.Event()
    with pytest.raises(UnreachableError):
        await desk.create()
    assert desk.entry().outcome is Outcome.ASKED


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
    await desk.guard.aclose(1.0)
    assert desk.entry().outcome is Outcome.ENDED


async def test_a_face_goes_with_the_request(desk: Desk) -> None:
    frame, content = face_frame(Face("a.png", b"png"))
    await desk.create(content, face=frame)
    assert desk.service.faces == [Face("a.png", b"png")]


async def test_the_same_source_is_opened_once(desk: Desk) -> None:
    await desk.open()
    assert (len(desk.service.opened), desk.service.warmed) == (1, 1)
    await desk.open(secret="ak_another_0123456789")
    assert (len(desk.service.opened), desk.service.warmed) == (2, 2)


@pytest.mark.parametrize("order", [{"op": "fly"}, {"op": "create", "source": "?", "mode": "conversation",
                                                   "limits": LIMITS}])  # fmt: skip
async def test_an_order_that_makes_no_sense_is_a_bug(desk: Desk, order: dict[str, object]) -> None:
    with pytest.raises(BugError):
        await desk.guard.handle(order)


async def test_a_status_is_told_each_minute_and_ends_what_is_over(desk: Desk) -> None:
    grant = await desk.create()
    desk.service.status_outcomes = ["active", UnreachableError(), "ended"]
    for _ in range(3):
        for _ in range(61):
            desk.clock.pass_s(1.0)
            desk.guard.beat(0.0)
            desk.guard.check()
        await asyncio.sleep(0.01)
    assert [event["status"] for event in desk.told("status")] == ["active", "ended"]
    (event,) = desk.told("ended")
    assert (event["session_id"], event["why"]) == (grant["session_id"], "service")
    assert desk.entry().why == "service"


async def test_a_session_that_the_service_no_longer_knows_is_over(desk: Desk) -> None:
    await desk.create()
    desk.service.status_outcomes = [NotFoundError(status=404)]
    desk.clock.pass_s(61.0)
    desk.guard.beat(0.0)
    desk.guard.check()
    desk.guard.check()
    await settle(lambda: desk.told("ended"))


async def test_limits_that_the_user_raised_hold_from_then_on(desk: Desk) -> None:
    session_id = (await desk.create(limits={**LIMITS, "session_s": 10.0}))["session_id"]
    await desk.order("limits", session_id, limits={**LIMITS, "session_s": 20.0})
    await desk.order("limits", "ses_of_long_ago", limits=LIMITS)
    for second in range(25):
        desk.clock.pass_s(1.0)
        desk.guard.beat(0.0)
        desk.guard.check()
        for _ in range(5):
            await asyncio.sleep(0)
        assert (desk.service.ends > 0) == (second >= 21)
    await settle(lambda: desk.entry().outcome is Outcome.ENDED)
    assert desk.entry().why == "limit"


async def test_a_source_that_was_opened_for_one_session_goes_with_it(desk: Desk, tmp_path: Path) -> None:
    grant = await desk.create()
    successor = await desk.successor(tmp_path)
    await successor.order("adopt", grant["session_id"], limits=LIMITS)
    opened = len(desk.service.opened)
    await successor.end(grant["session_id"])
    await successor.end(grant["session_id"])
    await settle(lambda: desk.service.closed == 1)
    assert len(desk.service.opened) == opened
    await successor.guard.aclose(1.0)
