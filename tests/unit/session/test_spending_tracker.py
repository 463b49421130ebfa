"""Limits of one session, and of whole days that are only simulated."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from atlas_desktop.api.guard_protocol import EndReason
from atlas_desktop.api.limits import LAST_S, Bound, SpendingLimits, Terms, day_left_s
from atlas_desktop.api.source import SessionGrant
from atlas_desktop.errors import (
    CostReachedError,
    DayReachedError,
    EndedByServiceError,
    HungError,
    LongestTimeError,
    NobodyThereError,
    SleptError,
    StoppedError,
    TimeReachedError,
)
from atlas_desktop.session.limit_enforcer import SpendingTracker, Standing, terms_of

LIMITS = SpendingLimits()
PRICED = Terms(10.0)


def test_a_session_that_just_began_is_far_from_everything() -> None:
    standing = SpendingTracker(LIMITS, PRICED).standing(1.0, 0.0)
    assert standing.allowance is not None
    assert standing.allowance.bound is Bound.SESSION_USD
    assert standing == Standing(standing.allowance, 1799.0, 5.0, can_extend=True)


def test_warns_at_four_fifths_counts_the_last_minute_and_ends() -> None:
    watch = SpendingTracker(LIMITS, PRICED)
    near = {s: watch.standing(s, 0.0) for s in (1439.9, 1440.0, 1739.9, 1740.0, 1799.9, 1800.0, 1801.0)}
    assert [one.limit_near for one in near.values()] == [False, True, True, True, True, True, True]
    assert [one.limit_last for one in near.values()] == [False, False, False, True, True, True, True]
    assert near[1801.0].left_s == 0.0
    assert watch.over(1799.9, 0.0) is None
    assert isinstance(watch.over(1800.0, 0.0), CostReachedError)


def test_extending_gives_a_quarter_more_each_time() -> None:
    watch = SpendingTracker(LIMITS, PRICED)
    assert watch.extend(1750.0)
    assert watch.limits == replace(LIMITS, session_usd=6.25)
    assert watch.standing(1750.0, 0.0).left_s == 500.0
    assert watch.standing(1750.0, 0.0).allowed_usd == 6.25
    assert watch.extend(2200.0)
    assert watch.limits.session_usd == 7.8125


def test_extending_reaches_past_a_second_limit_at_the_same_moment() -> None:
    watch = SpendingTracker(replace(LIMITS, session_s=1830.0), PRICED)
    watch.extend(1790.0)
    assert watch.limits == replace(LIMITS, session_usd=6.25, session_s=2287.5)
    left_s = watch.standing(1790.0, 0.0).left_s
    assert left_s is not None
    assert left_s > LAST_S


def test_the_services_own_limit_can_not_be_extended() -> None:
    watch = SpendingTracker(LIMITS, Terms(10.0, max_duration_s=600.0))
    assert not watch.standing(590.0, 0.0).can_extend
    assert not watch.extend(590.0)
    assert isinstance(watch.over(600.0, 0.0), LongestTimeError)


def test_a_day_that_is_spent_can_be_extended_for_this_session() -> None:
    watch = SpendingTracker(LIMITS, Terms(10.0, spent_today_usd=19.0))
    assert watch.standing(0.0, 0.0).allowed_usd == 1.0
    over = watch.over(360.0, 0.0)
    assert isinstance(over, DayReachedError)
    assert str(over).startswith("The sessions of today reached their limit of $20.00")
    watch.extend(350.0)
    assert watch.limits.day_usd == 25.0
    assert watch.over(360.0, 0.0) is None


def test_other_limits_keep_what_was_extended() -> None:
    watch = SpendingTracker(LIMITS, PRICED)
    watch.extend(1790.0)
    watch.set_limits(replace(LIMITS, session_usd=8.0, idle_s=60.0))
    assert watch.limits == replace(LIMITS, session_usd=10.0, idle_s=60.0)


def test_asks_whether_anybody_is_there_and_ends_a_minute_later() -> None:
    watch = SpendingTracker(LIMITS, PRICED)
    assert watch.standing(700.0, 599.9).idle_left_s is None
    assert watch.standing(700.0, 600.0).idle_left_s == 60.0
    assert watch.standing(720.0, 620.0).idle_left_s == 40.0
    assert watch.standing(620.0, 0.0).idle_left_s is None
    assert watch.over(800.0, 659.9) is None
    over = watch.over(800.0, 660.0)
    assert isinstance(over, NobodyThereError)
    assert str(over).startswith("Nobody spoke, typed, dropped or moved for 10 min")


def test_nobody_is_asked_who_did_not_want_to_be() -> None:
    watch = SpendingTracker(replace(LIMITS, idle_s=math.inf), PRICED)
    assert watch.standing(1000.0, 1000.0).idle_left_s is None
    assert watch.over(1000.0, 1000.0) is None


def test_only_times_limit_a_session_of_unknown_price() -> None:
    watch = SpendingTracker(LIMITS, Terms())
    assert watch.standing(10.0, 0.0).allowed_usd is None
    over = watch.over(3600.0, 0.0)
    assert isinstance(over, TimeReachedError)
    assert str(over).startswith("The session reached its limit of 60 min")


@pytest.mark.parametrize(
    ("why", "kind", "words"),
    [
        (EndReason.LIMIT, CostReachedError, "The session reached its limit of $5.00"),
        (EndReason.IDLE, NobodyThereError, "for 10 min"),
        (EndReason.HANG, HungError, "The program did not answer for 30 s"),
        (EndReason.SLEEP, SleptError, "The computer went to sleep"),
        (EndReason.SERVICE, EndedByServiceError, "Atlas ended the session"),
        (EndReason.GUARD_TOLD, StoppedError, "guard_told"),
        (EndReason.APP_GONE, StoppedError, "app_gone"),
    ],
)
def test_every_reason_has_its_sentence(why: EndReason, kind: type[StoppedError], words: str) -> None:
    found = SpendingTracker(LIMITS, PRICED).reason(why)
    assert type(found) is kind
    assert found.params["why"] == why.value
    assert words in str(found)


def test_terms_are_those_of_the_grant() -> None:
    grant = SessionGrant("ses_1", "wss://x", "t", price_per_hour_usd=7.0, spent_today_usd=3.0)
    noon = datetime(2026, 11, 24, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert terms_of(grant, noon) == Terms(7.0, 3.0, 12 * 3600.0, None)


# Whole days


class World:
    """A clock that lasts, a wall clock that may be set, and what sessions have cost on each day."""

    def __init__(self, wall: datetime, limits: SpendingLimits = LIMITS, price_usd: float = 10.0) -> None:
        self.clock_s = 0.0
        self.wall = wall
        self.limits = limits
        self.price_usd = price_usd
        self.spent_usd: dict[object, float] = {}

    def pass_s(self, seconds: float) -> None:
        self.clock_s += seconds
        self.wall += timedelta(seconds=seconds)

    def run(
        self, most_s: float = math.inf, set_clock_at: dict[int, timedelta] | None = None
    ) -> tuple[StoppedError | None, float]:
        """One session, looked at each second; why it was ended and how long it ran."""
        today = self.spent_usd.get(self.wall.date(), 0.0)
        watch = SpendingTracker(self.limits, Terms(self.price_usd, today, day_left_s(self.wall)))
        began_s = self.clock_s
        while (ran_s := self.clock_s - began_s) < most_s:
            over = watch.over(ran_s, 0.0)
            if over is not None:
                return over, ran_s
            self.wall += (set_clock_at or {}).get(int(ran_s), timedelta())
            self.pass_s(1.0)
            day = self.wall.date()
            self.spent_usd[day] = self.spent_usd.get(day, 0.0) + self.price_usd / 3600.0
        return None, ran_s


@pytest.fixture
def world() -> World:
    return World(datetime(2026, 11, 24, 9, tzinfo=ZoneInfo("Europe/Berlin")))


def test_the_sessions_of_a_day_share_its_limit(world: World) -> None:
    world.limits = replace(LIMITS, day_usd=8.0)
    over, ran_s = world.run()
    assert (type(over), ran_s) == (CostReachedError, 1800.0)
    world.pass_s(3600.0)
    over, ran_s = world.run()
    assert type(over) is DayReachedError
    assert ran_s == pytest.approx(1080.0, abs=1.0)
    assert world.spent_usd[world.wall.date()] == pytest.approx(8.0, abs=0.01)
    over, ran_s = world.run()
    assert type(over) is DayReachedError
    assert ran_s <= 1.0


def test_the_next_day_begins_with_nothing_spent(world: World) -> None:
    world.limits = replace(LIMITS, day_usd=5.0)
    world.run()
    world.pass_s(24 * 3600.0)
    over, ran_s = world.run()
    assert over is not None
    assert ran_s == 1800.0


def test_each_side_of_midnight_has_its_own_limit(world: World) -> None:
    world.limits = replace(LIMITS, session_usd=100.0, session_s=math.inf, day_usd=3.0)
    first_day = world.wall.date()
    world.run(900.0)
    world.pass_s(14.7 * 3600.0)
    assert world.wall.date() == first_day
    over, _ = world.run()
    assert type(over) is DayReachedError
    assert world.wall.date() != first_day
    assert world.spent_usd[first_day] <= 3.01
    assert world.spent_usd[world.wall.date()] == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("step", [timedelta(hours=-5), timedelta(days=-400), timedelta(hours=20)])
def test_a_wall_clock_that_is_set_puts_no_limit_off_or_forward(world: World, step: timedelta) -> None:
    over, ran_s = world.run(set_clock_at={600: step, 1200: -step / 2})
    assert (type(over), ran_s) == (CostReachedError, 1800.0)


def test_a_night_asleep_counts(world: World) -> None:
    watch = SpendingTracker(LIMITS, PRICED)
    assert watch.over(60.0, 5.0) is None
    world.pass_s(8 * 3600.0)
    assert isinstance(watch.over(60.0 + world.clock_s, 5.0), CostReachedError)
