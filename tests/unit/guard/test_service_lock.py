"""A guard's own lock, and the guard that takes over from one that died."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from atlas_desktop.api.source import EndReceipt, Mode
from atlas_desktop.errors import JournalError
from atlas_desktop.guard.lock import GuardLock
from atlas_desktop.storage.billing_entry import Outcome
from tests.unit.guard.fakes import LIMITS, LOST, Desk, settle


async def test_a_successor_adopts(desk: Desk, tmp_path: Path) -> None:
    grant = await desk.create()
    desk.clock.pass_s(100.0)
    successor = await desk.successor(tmp_path)
    assert await successor.order("adopt", grant["session_id"], limits=LIMITS) == {}
    assert successor.entry().guard == successor.guard.guard
    desk.service.end_outcomes = [EndReceipt("", confirmed=True)]
    await successor.end(grant["session_id"])
    # Counted from the grant, not from the adoption.
    assert successor.entry().duration_s == pytest.approx(100.0)
    await successor.guard.aclose(1.0)


async def test_a_successor_adopts_what_the_journal_does_not_know(desk: Desk) -> None:
    await desk.order("adopt", LOST, limits=LIMITS)
    entry = desk.entry()
    assert (entry.session_id, entry.outcome, entry.mode) == (LOST, Outcome.OPEN, Mode.CONVERSATION)
    await desk.order("adopt", LOST, limits=LIMITS)
    assert desk.entry() == entry


def block(tmp_path: Path) -> Desk:
    """A guard that can't take its lock."""
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "guards").write_text("a file where the folder should be")
    return Desk(tmp_path / "locked")


async def test_a_guard_without_its_lock_makes_a_session_only_when_the_user_agreed(tmp_path: Path) -> None:
    desk = block(tmp_path)
    await desk.open()
    assert not desk.guard.lock.is_held
    with pytest.raises(JournalError):
        await desk.create()
    assert (desk.service.calls, desk.events) == ([], [])
    await desk.create(unrecorded=True)
    desk.guard.beat(0.0)
    assert [event["error"]["code"] for event in desk.told("journal")] == ["journal"]
    await desk.guard.aclose(1.0)


async def test_a_guard_goes_on_trying_for_its_lock(tmp_path: Path) -> None:
    desk = block(tmp_path)
    await desk.open()
    await desk.create(unrecorded=True)
    desk.guards_folder.unlink()
    desk.guard.beat(0.0)
    assert desk.guard.lock.is_held
    await desk.create()
    assert len(desk.told("journal")) == 1
    await desk.guard.aclose(1.0)


async def test_a_lock_that_somebody_only_looks_at_is_waited_for(desk: Desk) -> None:
    desk.guard.lock.release()
    other = GuardLock(desk.guards_folder, desk.guard.guard)
    assert other.take()
    asyncio.get_running_loop().call_later(0.05, other.release)
    await desk.create()
    assert desk.guard.lock.is_held


async def test_a_successor_goes_by_what_the_app_knows(desk: Desk, tmp_path: Path) -> None:
    grant = await desk.create()
    desk.clock.pass_s(100.0)
    desk.clock.wall -= timedelta(hours=5)
    successor = await desk.successor(tmp_path)
    known = {"ran_s": 100.0, "price_per_hour_usd": 7.2, "max_duration_s": 160.0}
    await successor.order("adopt", grant["session_id"], limits=LIMITS, **known)
    for _ in range(57):
        desk.clock.pass_s(1.0)
        successor.guard.beat(0.0)
        successor.guard.check()
    assert desk.service.ends == 0
    desk.service.end_outcomes = [EndReceipt("", confirmed=True)]
    for _ in range(6):
        desk.clock.pass_s(1.0)
        successor.guard.check()
        for _ in range(8):
            await asyncio.sleep(0)
    assert [event["why"] for event in successor.told("ended")] == ["limit"]
    assert successor.entry().duration_s == pytest.approx(160.0)
    await successor.guard.aclose(1.0)


async def test_what_the_journal_does_not_know_is_adopted_with_its_price(desk: Desk) -> None:
    known = {"ran_s": 30.0, "price_per_hour_usd": 3600.0, "max_duration_s": None}
    await desk.order("adopt", LOST, limits={**LIMITS, "session_usd": 40.0}, **known)
    desk.service.end_outcomes = [EndReceipt("", confirmed=True)]
    for _ in range(13):
        desk.clock.pass_s(1.0)
        desk.guard.beat(0.0)
        desk.guard.check()
    await settle(lambda: desk.told("ended"))
    assert desk.told("ended")[0]["why"] == "limit"
    assert desk.entry().estimated_usd == pytest.approx(42.0, abs=1.5)
