"""The monitor: limits, signs of life, absence, a sleeping computer, by clocks that are set by hand."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from atlas_desktop.api.guard_protocol import EndReason
from atlas_desktop.api.limits import LAST_S, SpendingLimits, Terms, day_left_s
from atlas_desktop.guard.managed_session import ManagedSession
from atlas_desktop.guard.session_monitor import TICK_S, SessionMonitor, StatusPoller
from tests.unit.guard.fakes import Clock, FakeService, StoreBench, managed, settle

LIMITS = SpendingLimits()


class Bench:
    """A monitor of one session; what it does is recorded."""

    def __init__(self, limits: SpendingLimits = LIMITS, terms: Terms | None = None) -> None:
        stores = StoreBench(Path("never-written"))
        self.clock = stores.clock
        self.ended: list[EndReason] = []
        self.polls = 0
        self.session = stores.session(limits, terms)
        self.store = stores.store
        self.store.end = self.end  # type: ignore[method-assign]
        self.hold()
        poller = StatusPoller(self.store, stores.events.append)
        poller.poll = self.poll  # type: ignore[method-assign]
        self.monitor = SessionMonitor(
            self.store,
            poller,
            stores.journal,
            lambda: self.clock.boottime_s,
            lambda: self.clock.steady_s,
        )

    def hold(self) -> None:
        self.store.add(self.session)

    def drop(self) -> None:
        self.store.sessions.clear()
        self.store.occupied.clear()

    def end(self, session: ManagedSession, reason: EndReason, *, unasked: bool = True) -> None:
        self.ended.append(reason)

    def poll(self, session: ManagedSession) -> None:
        self.polls += 1

    def run_s(self, seconds: float, *, beats: bool = True, idle_s: float = 0.0) -> None:
        """Ticks through ``seconds``, or until the session is ended."""
        until_s = self.clock.boottime_s + seconds
        while self.clock.boottime_s < until_s and not self.ended:
            self.clock.pass_s(TICK_S)
            if beats:
                self.monitor.beat(idle_s)
            self.monitor.check()

    @property
    def ran_s(self) -> float:
        return self.clock.boottime_s - self.session.granted_s


@pytest.mark.parametrize(
    ("limits", "terms", "after_s"),
    [
        (replace(LIMITS, session_s=120.0), Terms(), 120.0),
        (LIMITS, Terms(max_duration_s=90.0), 90.0),
        (replace(LIMITS, session_usd=0.1), Terms(price_per_hour_usd=7.2), 50.0),
        (LIMITS, Terms(price_per_hour_usd=7.2, spent_today_usd=19.9), 50.0),
        (LIMITS, Terms(price_per_hour_usd=7.2, spent_today_usd=25.0), 0.0),
    ],
)
def test_a_limit_ends_it_within_five_seconds_but_after_the_app(
    limits: SpendingLimits, terms: Terms, after_s: float
) -> None:
    bench = Bench(limits, terms)
    bench.run_s(after_s + 10.0)
    assert bench.ended == [EndReason.LIMIT]
    assert after_s + 2.0 <= bench.ran_s < after_s + 4.0


@pytest.mark.logs("guard.monitor failed")
def test_what_goes_wrong_with_one_keeps_no_other_from_its_limit() -> None:
    bench = Bench(replace(LIMITS, session_s=60.0))
    broken = managed(FakeService(), bench.clock, LIMITS)
    broken.limits = None  # type: ignore[assignment]
    # Looked at before the other.
    name = bench.session.name
    bench.store.sessions["https://other.example", "ses_0"] = broken
    bench.store.sessions[name] = bench.store.sessions.pop(name)
    bench.run_s(70.0)
    assert bench.ended == [EndReason.LIMIT]


def test_a_limit_that_was_raised_counts_from_then_on() -> None:
    bench = Bench(replace(LIMITS, session_s=60.0))
    bench.run_s(55.0)
    bench.session.limits = replace(LIMITS, session_s=75.0)
    bench.run_s(60.0)
    assert bench.ended == [EndReason.LIMIT]
    assert 77.0 <= bench.ran_s < 79.0


def test_an_app_that_gives_no_sign_of_life_has_hung() -> None:
    bench = Bench()
    bench.run_s(100.0)
    assert bench.ended == []
    bench.run_s(60.0, beats=False)
    assert bench.ended == [EndReason.HANG]
    assert bench.ran_s == pytest.approx(130.0, abs=1.1)


def test_a_session_is_given_its_time_though_the_last_beat_is_old() -> None:
    bench = Bench()
    bench.clock.pass_s(25.0)
    bench.session.since_s = bench.clock.boottime_s
    bench.monitor.check()
    bench.run_s(20.0, beats=False)
    assert bench.ended == []


def test_an_empty_chair_is_left_after_the_apps_own_question() -> None:
    bench = Bench()
    bench.run_s(10.0, idle_s=LIMITS.idle_s + LAST_S)
    assert bench.ended == []
    bench.run_s(1.0, idle_s=LIMITS.idle_s + LAST_S + 3.0)
    assert bench.ended == [EndReason.IDLE]


@pytest.mark.parametrize("asleep_s", [3.0, 8 * 3600.0])
def test_a_computer_that_slept_ends_it_at_once_on_waking(asleep_s: float) -> None:
    bench = Bench()
    bench.run_s(10.0)
    bench.clock.sleep_s(asleep_s)
    bench.run_s(TICK_S)
    assert bench.ended[0] is EndReason.SLEEP


def test_where_both_clocks_count_sleep_a_long_gap_tells_it() -> None:
    bench = Bench()
    bench.run_s(10.0)
    bench.clock.pass_s(3600.0)
    bench.monitor.check()
    assert bench.ended[0] is EndReason.SLEEP


def test_a_guard_that_was_held_up_reads_its_pipe_before_it_judges() -> None:
    bench = Bench(replace(LIMITS, hang_s=10.0))
    bench.run_s(5.0)
    bench.clock.pass_s(20.0)
    bench.monitor.check()
    assert bench.ended == []
    bench.run_s(5.0)
    assert bench.ended == []


def test_the_wall_clock_changes_nothing() -> None:
    bench = Bench(replace(LIMITS, session_s=60.0))
    bench.run_s(30.0)
    bench.clock.wall = bench.clock.wall.replace(year=2031)
    bench.run_s(30.0)
    assert bench.ended == []
    bench.run_s(5.0)
    assert bench.ended == [EndReason.LIMIT]


def test_a_minute_is_told_once() -> None:
    bench = Bench()
    bench.run_s(185.0)
    assert bench.polls == 3


@pytest.fixture
async def ticking(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Bench, list[int]]]:
    """A monitor that has been started, with quick ticks; how many sessions each tick has seen."""
    monkeypatch.setattr("atlas_desktop.guard.session_monitor.TICK_S", 0.01)
    bench, checks = Bench(), list[int]()
    monkeypatch.setattr(bench.monitor, "check", lambda: checks.append(len(bench.store.sessions)))
    bench.monitor.start()
    yield bench, checks
    await bench.monitor.aclose()


async def test_it_wakes_up_only_while_something_is_held(ticking: tuple[Bench, list[int]]) -> None:
    bench, checks = ticking
    await settle(lambda: len(checks) > 3)
    bench.drop()
    await asyncio.sleep(0.03)
    seen = len(checks)
    await asyncio.sleep(0.05)
    assert len(checks) == seen
    bench.hold()
    await settle(lambda: len(checks) > seen)


async def test_what_is_held_the_moment_the_last_one_has_gone_is_monitored(
    ticking: tuple[Bench, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, checks = ticking

    def check() -> None:
        checks.append(len(bench.store.sessions))
        if len(checks) == 1:
            bench.drop()
            # Its turn is after the tick's last step.
            asyncio.get_running_loop().call_soon(bench.hold)

    monkeypatch.setattr(bench.monitor, "check", check)
    checks.clear()
    await settle(lambda: len(checks) > 3)


def test_a_local_day_ends_at_its_midnight() -> None:
    wall = Clock().wall
    left_s = day_left_s(wall)
    assert 0 < left_s <= 25 * 3600
    assert day_left_s(wall.replace(hour=13)) != left_s
