import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from atlas_desktop.api.limits import (
    Allowance,
    Bound,
    SpendingLimits,
    Terms,
    allowance,
    allowances,
    allowed_usd,
    day_left_s,
)

LIMITS = SpendingLimits()
HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (Terms(), Allowance(Bound.SESSION_TIME, 3600.0)),
        (Terms(10.0), Allowance(Bound.SESSION_USD, 1800.0)),
        (Terms(4.0), Allowance(Bound.SESSION_TIME, 3600.0)),
        (Terms(10.0, max_duration_s=600.0), Allowance(Bound.SERVICE_TIME, 600.0)),
        (Terms(10.0, spent_today_usd=19.0), Allowance(Bound.DAY_USD, 360.0)),
        (Terms(10.0, spent_today_usd=25.0), Allowance(Bound.DAY_USD, 0.0)),
        (Terms(0.0, spent_today_usd=25.0), Allowance(Bound.SESSION_TIME, 3600.0)),
        (Terms(-7.0), Allowance(Bound.SESSION_TIME, 3600.0)),
        (Terms(math.nan), Allowance(Bound.SESSION_TIME, 3600.0)),
    ],
)
def test_the_limit_that_comes_first_counts(terms: Terms, expected: Allowance) -> None:
    assert allowance(LIMITS, terms) == expected


def test_an_allowance_says_what_is_left_and_when_it_is_near() -> None:
    one = Allowance(Bound.SESSION_TIME, 100.0)
    assert (one.left_s(30.0), one.left_s(130.0)) == (70.0, -30.0)
    assert not one.is_near(79.9)
    assert one.is_near(80.0)


@pytest.mark.parametrize("bound", [Bound.SESSION_USD, Bound.SESSION_TIME, Bound.DAY_USD])
def test_extending_gives_a_quarter_more_of_one_limit(bound: Bound) -> None:
    extended = LIMITS.extended(bound)
    assert getattr(extended, bound.value) == 1.25 * getattr(LIMITS, bound.value)
    changed = [name for name in SpendingLimits.__slots__ if getattr(extended, name) != getattr(LIMITS, name)]
    assert changed == [bound.value]


def test_the_services_own_limit_cannot_be_extended() -> None:
    assert LIMITS.extended(Bound.SERVICE_TIME) == LIMITS


def test_a_session_over_midnight_has_todays_rest_and_then_a_new_day() -> None:
    # $1 is left of today, 5 minutes before midnight, at $10 an hour: midnight comes first.
    terms = Terms(10.0, spent_today_usd=19.0, day_left_s=300.0)
    day = next(one for one in allowances(LIMITS, terms) if one.bound is Bound.DAY_USD)
    assert day.seconds == 300.0 + 2 * HOUR_S
    # The money of today would be spent a moment before midnight.
    terms = Terms(10.0, spent_today_usd=19.0, day_left_s=361.0)
    assert allowance(LIMITS, terms) == Allowance(Bound.DAY_USD, 360.0)


def test_a_day_that_cannot_be_spent_in_a_day_is_no_limit() -> None:
    limits = SpendingLimits(session_usd=math.inf, session_s=math.inf, day_usd=241.0)
    assert allowance(limits, Terms(10.0, day_left_s=HOUR_S)).seconds == math.inf


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (Terms(), None),
        (Terms(10.0), 5.0),
        (Terms(10.0, max_duration_s=60.0), 5.0),
        (Terms(10.0, spent_today_usd=18.0), 2.0),
        (Terms(10.0, spent_today_usd=22.0), 0.0),
        (Terms(10.0, spent_today_usd=19.0, day_left_s=180.0), 5.0),
    ],
)
def test_says_at_which_cost_money_ends_it(terms: Terms, expected: float | None) -> None:
    allowed = allowed_usd(LIMITS, terms)
    assert allowed == (expected if expected is None else pytest.approx(expected))


def test_midnight_is_the_zones_own() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert day_left_s(datetime(2026, 11, 24, 23, 59, 30, tzinfo=UTC)) == 30.0
    assert day_left_s(datetime(2026, 11, 24, 0, 0, tzinfo=UTC)) == 24 * HOUR_S
    # The nights on which the clock goes forward and back.
    assert day_left_s(datetime(2026, 3, 29, 0, 0, tzinfo=berlin)) == 23 * HOUR_S
    assert day_left_s(datetime(2026, 10, 25, 0, 0, tzinfo=berlin)) == 25 * HOUR_S


def test_todays_sessions_together_never_cost_more_than_the_day_allows() -> None:
    spent_usd, now_s, bounds = 0.0, 8 * HOUR_S, []
    while (one := allowance(LIMITS, Terms(10.0, spent_usd, 24 * HOUR_S - now_s))).seconds > 0:
        spent_usd += one.seconds / HOUR_S * 10.0
        now_s += one.seconds + 60.0
        bounds.append(one.bound)
    assert spent_usd == pytest.approx(20.0)
    assert bounds == [Bound.SESSION_USD] * 4
    assert one == Allowance(Bound.DAY_USD, 0.0)
