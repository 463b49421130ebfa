"""The day's limit: it ends at local midnight, and is shared with all that runs beside."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.guard.daily_spend import terms_of_entry, terms_of_grant
from atlas_desktop.storage.billing_entry import BillingEntry, asked, granted
from atlas_desktop.storage.billing_replay import fold
from tests.unit.guard.fakes import ADDRESS, KEY, LIMITS, Desk, settle

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
GRANT = SessionGrant("ses_1", "wss://room", "token", price_per_hour_usd=7.2)
PRICE_PER_S = 7.2 / 3600
Zone = Callable[[str], None]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    """Moves this computer to another time zone."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("name", "left_h"),
    [("UTC", 12), ("Pacific/Kiritimati", 22), ("Pacific/Pago_Pago", 23), ("Asia/Kolkata", 6.5)],
)
def test_the_day_ends_at_midnight_where_the_user_is(zone: Zone, name: str, left_h: float) -> None:
    zone(name)
    assert terms_of_grant(GRANT, "key", [], NOON).day_left_s == left_h * 3600
    record = asked("guard", "atlas", ADDRESS, KEY, Mode.CONVERSATION, NOON)
    (entry,) = fold([record, granted(record["key"], GRANT, NOON - timedelta(minutes=10))])
    assert terms_of_entry(entry, [entry], NOON).day_left_s == left_h * 3600 + 600


def test_a_day_of_25_hours_is_one(zone: Zone) -> None:
    zone("Europe/Berlin")
    began = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # midnight; at 3:00 the clock goes back
    assert terms_of_grant(GRANT, "key", [], began).day_left_s == 25 * 3600


def ends_of(desk: Desk) -> list[str]:
    return [event["why"] for event in desk.told("ended")]


async def run_s(desks: list[Desk], seconds: int, until: Callable[[], object] = lambda: False) -> int:
    """Lets all of them live for so long, or until something is true; returns the seconds."""
    for passed in range(seconds):
        if until():
            return passed
        desks[0].clock.pass_s(1.0)
        for desk in desks:
            desk.guard.beat(0.0)
            desk.guard.check()
        for _ in range(8):
            await asyncio.sleep(0)
    return seconds


@pytest.fixture
async def two(desk: Desk, tmp_path: Path) -> "list[Desk]":
    other = Desk(tmp_path, desk.service, desk.clock)
    await other.open()
    return [desk, other]


async def test_two_programs_do_not_overrun_the_day_together(two: list[Desk]) -> None:
    limits = {**LIMITS, "day_usd": 1.0}
    for desk in two:
        await desk.create(limits=limits)
    ran_s = await run_s(two, 600, lambda: all(desk.told("ended") for desk in two))
    assert [ends_of(desk) for desk in two] == [["limit"], ["limit"]]
    # Half a dollar each; then the app's two seconds.
    assert 250 <= ran_s <= 260
    await two[1].guard.aclose(1.0)


async def test_the_app_is_told_what_others_have_spent_by_now(two: list[Desk]) -> None:
    first = (await two[0].create())["session_id"]
    await run_s(two, 60)
    assert two[0].told("day") == []
    await two[1].create()
    await run_s(two, 100)
    told = two[0].told("day")
    assert {event["session_id"] for event in told} == {first}
    assert told[-1]["spent_today_usd"] == pytest.approx(100 * PRICE_PER_S, abs=6 * PRICE_PER_S)
    assert told[-1]["day_left_s"] == pytest.approx(two[0].told("day")[0]["day_left_s"], abs=1)
    count = len(told)
    assert count <= 25
    await two[1].guard.aclose(1.0)
    await run_s(two[:1], 10)
    after = len(two[0].told("day"))
    await run_s(two[:1], 120)
    # Nothing runs beside any more: nothing is reckoned, and nothing told.
    assert len(two[0].told("day")) == after


async def test_after_midnight_only_the_new_day_counts(zone: Zone, desk: Desk, tmp_path: Path) -> None:
    zone("America/Los_Angeles")
    desk.clock.wall = datetime(2026, 5, 5, 6, 55, tzinfo=UTC)  # five minutes to midnight
    other = Desk(tmp_path, desk.service, desk.clock)
    await other.open()
    limits = {**LIMITS, "day_usd": 1.0}
    for each in (desk, other):
        await each.create(limits=limits)
    # 0.4 of the old day's dollar each is gone at 200 s: then the other one goes.
    await run_s([desk, other], 200)
    await other.end(desk.service.open_sessions[-1])
    ran_s = await run_s([desk], 1200, lambda: desk.told("ended"))
    assert ends_of(desk) == ["limit"]
    # The rest of the old day, and a whole dollar of the new one.
    assert 200 + ran_s == pytest.approx(300 + 500, abs=8)
    await other.guard.aclose(1.0)


async def test_a_wall_clock_that_is_set_puts_the_day_off_or_forward_by_nothing(two: list[Desk]) -> None:
    await two[1].create()
    await run_s(two, 100)
    await two[0].create(limits={**LIMITS, "day_usd": 1.0})
    two[0].clock.wall += timedelta(days=3)
    ran_s = await run_s(two, 600, lambda: two[0].told("ended"))
    # 0.2 by the other before, and then each half of the rest.
    assert ran_s == pytest.approx(200, abs=8)
    await two[1].guard.aclose(1.0)


async def test_the_days_limit_reads_nothing_while_nobody_writes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.create()
    await run_s([desk], 5)
    reads: list[int] = []
    entries = desk.journal.entries

    def counted() -> list[BillingEntry]:
        reads.append(1)
        return entries()

    monkeypatch.setattr(desk.journal, "entries", counted)
    await run_s([desk], 130)
    assert reads == []
    await settle(lambda: True)
