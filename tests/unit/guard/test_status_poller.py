"""The service's word about a session, once a minute: believed when it can be meant."""

import asyncio

import pytest

from atlas_desktop.errors import NotFoundError, UnreachableError
from tests.unit.guard.fakes import Desk, settle

BACKEND = "https://backend.example/api/session"
GONE = NotFoundError(status=404)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atlas_desktop.guard.session_monitor.SECOND_POLL_S", 0.01)


async def pass_minutes(desk: Desk, minutes: int = 1) -> None:
    for _ in range(minutes):
        for _ in range(61):
            desk.clock.pass_s(1.0)
            desk.guard.beat(0.0)
            desk.guard.check()
        await asyncio.sleep(0.05)


async def with_backend(desk: Desk) -> str:
    order = {"op": "open", "source": "mine", "kind": "backend", "address": BACKEND, "secret": ""}
    await desk.guard.handle(order)
    return str((await desk.create(source="mine"))["session_id"])


def statuses(desk: Desk) -> int:
    return sum(call.startswith("status") for call in desk.service.calls)


async def test_a_backend_without_that_call_keeps_its_session(desk: Desk) -> None:
    session_id = await with_backend(desk)
    desk.service.status_outcomes = [GONE] * 20
    await pass_minutes(desk, 5)
    assert desk.service.open_sessions == [session_id]
    assert desk.told("ended") == []


async def test_a_backend_that_has_it_is_believed(desk: Desk) -> None:
    await with_backend(desk)
    desk.service.status_outcomes = ["active", GONE, GONE]
    await pass_minutes(desk, 2)
    await settle(lambda: desk.told("ended"))
    assert desk.told("ended")[0]["why"] == "service"


async def test_one_slip_of_the_service_ends_nothing(desk: Desk) -> None:
    session_id = (await desk.create())["session_id"]
    desk.service.status_outcomes = [GONE, "active", GONE, UnreachableError()]
    await pass_minutes(desk, 2)
    assert desk.service.open_sessions == [session_id]
    assert statuses(desk) == 4


async def test_said_twice_it_is_over(desk: Desk) -> None:
    await desk.create()
    desk.service.status_outcomes = [GONE, GONE]
    await pass_minutes(desk)
    await settle(lambda: desk.told("ended"))
    assert desk.told("ended")[0]["why"] == "service"
    assert statuses(desk) == 2


async def test_what_is_being_ended_is_not_asked_about_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atlas_desktop.guard.session_monitor.SECOND_POLL_S", 0.3)
    session_id = (await desk.create())["session_id"]
    desk.service.status_outcomes = [GONE, GONE]
    await pass_minutes(desk)
    await settle(lambda: statuses(desk))
    assert (await desk.end(session_id))["confirmed"]
    await asyncio.sleep(0.4)
    assert statuses(desk) == 1
    assert desk.told("ended") == []
