"""What earlier runs left open: ended once, by one guard, or told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import pytest

from atlas_desktop.api.access import Access
from atlas_desktop.api.http_source import HttpSource
from atlas_desktop.api.source import EndReceipt, Mode
from atlas_desktop.errors import UnreachableError
from atlas_desktop.storage.billing_entry import Outcome, asked
from tests.unit.guard.fakes import ADDRESS, KEY, LIMITS, Clock, Desk, FakeService, settle

Successor = Callable[[], Desk]
OTHER_KEY = "ak_another_0123456789"


@pytest.fixture
async def successor(tmp_path: Path) -> AsyncIterator[Successor]:
    """Makes guards that share a profile, a service and a clock."""
    service, clock, made = FakeService(), Clock(), list[Desk]()

    def make() -> Desk:
        made.append(Desk(tmp_path, service, clock))
        return made[-1]

    yield make
    service.end_outcomes.clear()
    for desk in made:
        desk.journal.full = False
        await desk.guard.aclose(1.0)


def kill(desk: Desk) -> None:
    """Its lock is free, and nobody has ended what it held."""
    desk.guard.lock.release()


async def leave_open(desk: Desk, secret: str = KEY) -> str:
    await desk.open(secret=secret)
    session_id: str = (await desk.create())["session_id"]
    kill(desk)
    return session_id


async def look(desk: Desk) -> None:
    await desk.guard.handle({"op": "leftovers"})


def outcomes(desk: Desk) -> list[str]:
    return [event["outcome"] for event in desk.told("leftover")]


async def test_a_session_of_a_dead_guard_is_ended_and_told(successor: Successor) -> None:
    session_id = await leave_open(successor())
    desk = successor()
    desk.clock.pass_s(1800.0)
    await desk.open()
    await look(desk)
    assert desk.entry().guard == desk.guard.guard
    await settle(lambda: len(desk.told("leftover")) == 2)
    ending, ended = desk.told("leftover")
    assert (ending["outcome"], ended["outcome"]) == ("ending", "ended")
    assert ending["entry"]["session_id"] == session_id
    assert ending["cost_usd"] == pytest.approx(3.6)
    assert ending["receipt"] is None
    assert ended["cost_usd"] == 0.1
    assert ended["receipt"]["confirmed"]
    assert not {"salt", "fingerprint"} & ending["entry"].keys()
    assert desk.service.opened[-1] == (KEY, ADDRESS, (session_id,))
    assert (desk.entry().outcome, desk.entry().why) == (Outcome.ENDED, "left_open")
    assert desk.told("ended") == []


async def test_one_whose_id_holds_the_key_is_ended_by_the_next_guard_and_written_without_it(
    successor: Successor,
) -> None:
    first = successor()
    first.service.reused_id = f"ses_{KEY}"
    assert await leave_open(first) == f"ses_{KEY}"
    assert KEY not in first.journal.file.read_text("utf-8")
    desk = successor()
    await desk.open()
    await look(desk)
    await settle(lambda: outcomes(desk) == ["ending", "ended"])
    assert desk.service.calls[-1] == f"end ses_{KEY}"
    assert desk.service.open_sessions == []
    assert desk.entry().outcome is Outcome.ENDED
    entries = [event["entry"] for event in desk.told("leftover")]
    assert KEY not in str(entries)
    assert not {"sealed_id"} & entries[0].keys()


async def test_one_of_days_ago_without_figures_does_not_eat_the_day(successor: Successor) -> None:
    await leave_open(successor())
    desk = successor()
    desk.service.end_outcomes = [EndReceipt("", confirmed=True)]
    desk.clock.pass_s(80 * 3600.0)
    await desk.open()
    await look(desk)
    await settle(lambda: outcomes(desk) == ["ending", "ended"])
    # It was allowed $5, and nobody knows more.
    assert desk.told("leftover")[0]["cost_usd"] == pytest.approx(80 * 7.2)
    assert desk.entry().cost_usd == pytest.approx(5.0)
    assert (await desk.create())["spent_today_usd"] <= 5.0


async def test_the_app_is_told_no_query(successor: Successor) -> None:
    desk = successor()
    ask = asked("dead", "backend", "", "", Mode.CONVERSATION, desk.clock.wall)
    desk.journal.append({**ask, "address": "https://x.org/api?token=hush"})
    desk.clock.pass_s(121.0)
    await look(desk)
    (told,) = desk.told("leftover")
    assert told["entry"]["address"] == "https://x.org/api"
    assert "hush" not in str(told)


async def test_nothing_is_looked_at_before_the_app_asks(successor: Successor) -> None:
    await leave_open(successor())
    desk = successor()
    await desk.open()
    await asyncio.sleep(0.05)
    assert desk.service.ends == 0
    assert desk.events == []


async def test_a_session_of_a_guard_that_lives_is_not_touched(successor: Successor) -> None:
    alive = successor()
    await alive.open()
    await alive.create()
    desk = successor()
    await desk.open()
    await look(desk)
    await asyncio.sleep(0.05)
    assert desk.events == []
    assert desk.entry().outcome is Outcome.OPEN
    assert desk.service.ends == 0


async def test_a_guard_that_dies_a_minute_later_leaves_nothing_open(successor: Successor) -> None:
    alive = successor()
    await alive.open()
    await alive.create()
    desk = successor()
    await desk.open()
    await look(desk)
    await asyncio.sleep(0.2)
    assert desk.events == []
    kill(alive)
    await settle(lambda: outcomes(desk) == ["ending", "ended"])
    assert desk.service.ends == 1


async def test_one_that_another_guard_made_after_the_look_is_seen_too(successor: Successor) -> None:
    alive, desk = successor(), successor()
    await desk.open()
    await look(desk)
    await asyncio.sleep(0.1)
    await alive.open(secret=OTHER_KEY)
    await alive.create()
    desk.guard.beat(0.0)
    kill(alive)
    await settle(lambda: outcomes(desk) == ["locked"])
    await desk.open("other", OTHER_KEY)
    await settle(lambda: outcomes(desk) == ["locked", "ending", "ended"])


async def test_where_nothing_can_be_left_it_is_not_looked_again(successor: Successor) -> None:
    await leave_open(successor(), OTHER_KEY)
    desk = successor()
    await desk.open()
    await desk.create()
    await look(desk)
    await settle(lambda: outcomes(desk) == ["locked"])
    desk.guard.beat(0.0)
    await asyncio.sleep(0.1)
    assert tasks_of("guard.recovery") == []


async def test_one_timer_waits_however_often_it_is_looked(successor: Successor) -> None:
    alive = successor()
    await alive.open()
    await alive.create()
    desk = successor()
    for _ in range(3):
        await look(desk)
        desk.guard.beat(0.0)
    await asyncio.sleep(0.03)
    assert tasks_of("guard.recovery") == ["guard.recovery.again"]
    await desk.guard.aclose(1.0)
    assert tasks_of("guard.recovery") == []
    await alive.create()
    desk.guard.beat(0.0)
    await look(desk)
    assert tasks_of("guard.recovery") == []


def tasks_of(scope: str) -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith(f"{scope}.")]


async def test_what_was_adopted_is_not_left_over(successor: Successor) -> None:
    session_id = await leave_open(successor())
    desk = successor()
    await desk.open()
    await desk.order("adopt", session_id, limits=LIMITS)
    await look(desk)
    await asyncio.sleep(0.05)
    assert desk.events == []
    assert desk.service.ends == 0


async def test_of_two_guards_one_ends_it(successor: Successor) -> None:
    await leave_open(successor())
    first, second = successor(), successor()
    first.service.end_gate = asyncio.Event()
    for desk in (first, second):
        await desk.open()
        await look(desk)
    await settle(lambda: first.service.ends)
    await asyncio.sleep(0.05)
    first.service.end_gate.set()
    await settle(lambda: outcomes(first) == ["ending", "ended"])
    assert outcomes(second) == []
    assert first.service.ends == 1


async def test_another_key_is_asked_for_and_ends_it_when_it_comes(successor: Successor) -> None:
    await leave_open(successor(), OTHER_KEY)
    desk = successor()
    await desk.open()
    await look(desk)
    await settle(lambda: outcomes(desk) == ["locked"])
    assert desk.service.ends == 0
    assert desk.entry().outcome is Outcome.OPEN
    await desk.open("other", OTHER_KEY)
    await settle(lambda: outcomes(desk) == ["locked", "ending", "ended"])


async def test_a_key_that_comes_a_little_later_needs_no_question(successor: Successor) -> None:
    await leave_open(successor())
    desk = successor()
    await look(desk)
    await desk.open()
    await settle(lambda: outcomes(desk) == ["ending", "ended"])
    await asyncio.sleep(0.05)
    assert len(outcomes(desk)) == 2


async def test_a_locked_one_that_another_guard_could_end_is_left_to_it(successor: Successor) -> None:
    await leave_open(successor(), OTHER_KEY)
    desk, other = successor(), successor()
    await desk.open()
    await look(desk)
    await settle(lambda: outcomes(desk) == ["locked"])
    await other.open(secret=OTHER_KEY)
    await look(other)
    await settle(lambda: outcomes(other) == ["ending", "ended"])


async def test_a_dismissed_one_is_never_spoken_of_again(successor: Successor) -> None:
    await leave_open(successor(), OTHER_KEY)
    desk = successor()
    await look(desk)
    await settle(lambda: outcomes(desk) == ["locked"])
    await desk.guard.handle({"op": "dismiss", "entry": desk.told("leftover")[0]["entry"]["key"]})
    later = successor()
    await look(later)
    await asyncio.sleep(0.05)
    assert later.events == []


async def test_an_answer_that_says_nothing_is_told_and_keeps_no_guard_alive(successor: Successor) -> None:
    await leave_open(successor())
    desk = successor()
    desk.service.end_outcomes = [EndReceipt("", confirmed=False)] * 1000
    await desk.open()
    await look(desk)
    await settle(lambda: outcomes(desk) == ["ending", "unconfirmed"])
    await asyncio.sleep(0.1)
    assert outcomes(desk) == ["ending", "unconfirmed"]
    async with asyncio.timeout(0.5):
        await desk.guard.aclose(900.0)
    assert desk.entry().outcome is Outcome.OPEN


async def test_one_whose_service_can_not_be_reached_is_asked_for_until_it_can(successor: Successor) -> None:
    await leave_open(successor())
    desk = successor()
    desk.service.end_outcomes = [UnreachableError()] * 5
    await desk.open()
    await look(desk)
    await settle(lambda: outcomes(desk) == ["ending", "ended"])
    assert desk.service.ends == 6


async def test_an_end_that_the_user_asks_for_joins(successor: Successor) -> None:
    session_id = await leave_open(successor())
    desk = successor()
    desk.service.end_gate = asyncio.Event()
    await desk.open()
    await look(desk)
    ending = asyncio.ensure_future(desk.end(session_id))
    await asyncio.sleep(0.01)
    desk.service.end_gate.set()
    assert (await ending)["confirmed"]
    assert desk.service.ends == 1
    assert outcomes(desk) == ["ending", "ended"]


def leave_asked(desk: Desk, guard: str = "dead") -> None:
    desk.journal.append(asked(guard, "atlas", ADDRESS, KEY, Mode.CONVERSATION, desk.clock.wall))


async def test_one_whose_id_never_came_is_told_once(successor: Successor) -> None:
    desk = successor()
    leave_asked(desk)
    desk.clock.pass_s(121.0)
    await desk.open()
    await look(desk)
    assert outcomes(desk) == ["unknown"]
    await look(desk)
    later = successor()
    await later.open()
    await look(later)
    assert outcomes(desk) == ["unknown"]
    assert later.events == []


async def test_the_most_that_a_lost_one_may_cost_is_said_where_the_last_one_there_tells_it(
    successor: Successor,
) -> None:
    desk = successor()
    await desk.open()
    desk.service.max_duration_s = 3600.0
    await desk.end((await desk.create())["session_id"])
    leave_asked(desk)
    desk.clock.pass_s(121.0)
    await look(desk)
    (told,) = desk.told("leftover")
    assert (told["outcome"], told["most_usd"]) == ("unknown", pytest.approx(7.2))


async def test_one_that_was_asked_for_just_now_is_waited_for(successor: Successor) -> None:
    desk = successor()
    leave_asked(desk)
    desk.clock.pass_s(30.0)
    await look(desk)
    assert outcomes(desk) == []
    desk.clock.pass_s(100.0)
    await look(desk)
    assert outcomes(desk) == ["unknown"]


@pytest.mark.parametrize("guard", ["", "../../etc/passwd", "x" * 300, "a/b", "Ω"])
async def test_a_damaged_journal_may_name_any_guard(successor: Successor, guard: str, tmp_path: Path) -> None:
    desk = successor()
    leave_asked(desk, guard)
    desk.clock.pass_s(121.0)
    await look(desk)
    assert outcomes(desk) == ["unknown"]
    assert {file.parent for file in tmp_path.rglob("*.lock")} <= {tmp_path, desk.guards_folder}


async def test_an_unwritable_journal_ends_nothing_that_it_can_not_claim(successor: Successor) -> None:
    await leave_open(successor())
    desk = successor()
    await desk.open()
    desk.journal.full = True
    await look(desk)
    assert desk.service.ends == 0
    await asyncio.sleep(0.1)
    assert desk.service.ends == 0
    desk.journal.full = False
    await settle(lambda: outcomes(desk) == ["ending", "ended"])


async def test_locks_of_the_dead_are_cleared_away(successor: Successor) -> None:
    await leave_open(successor())
    desk = successor()
    await desk.open()
    await look(desk)
    await settle(lambda: outcomes(desk) == ["ending", "ended"])
    assert [file.stem for file in desk.guards_folder.iterdir()] == [desk.guard.guard]


@pytest.mark.logs("guard.recovery failed")
async def test_what_goes_wrong_with_one_keeps_no_other_from_its_end(
    successor: Successor, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, *others = [await leave_open(successor()) for _ in range(6)]
    factory = FakeService.factory

    def made(service: FakeService, access: Access, own_ids: Iterable[str] = ()) -> HttpSource:
        if broken in own_ids:
            raise RuntimeError("a bug")
        return factory(service, access, own_ids)

    monkeypatch.setattr(FakeService, "factory", made)
    desk = successor()
    await desk.open()
    await look(desk)
    await settle(lambda: desk.service.open_sessions == [broken])
    assert len(others) == 5
