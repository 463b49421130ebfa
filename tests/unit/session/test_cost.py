import math

import pytest

from atlas_desktop.session.cost import CostMeter


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> CostMeter:
    meter = CostMeter(10.0, clock)
    meter.start()
    return meter


def test_counts_nothing_before_the_grant(clock: Clock) -> None:
    meter = CostMeter(10.0, clock)
    clock.now_s += 5
    meter.reconcile(30.0)
    assert (meter.elapsed_s, meter.spent_s, meter.cost_usd) == (0.0, 0.0, 0.0)


def test_counts_from_the_grant_to_the_end(meter: CostMeter, clock: Clock) -> None:
    clock.now_s += 360
    assert (meter.elapsed_s, meter.cost_usd) == (360.0, 1.0)
    meter.stop()
    clock.now_s += 360
    meter.stop()
    assert meter.elapsed_s == 360.0


def test_costs_nothing_where_no_price_is_known(clock: Clock) -> None:
    meter = CostMeter(None, clock)
    meter.start()
    clock.now_s += 60
    assert meter.cost_usd is None


@pytest.mark.parametrize("told_s", [59.0, 59.6, 60.0, 61.0])
def test_a_second_is_no_difference(meter: CostMeter, clock: Clock, told_s: float) -> None:
    clock.now_s += 60
    meter.reconcile(told_s)
    assert meter.elapsed_s == 60.0


def test_follows_a_service_that_counts_more(meter: CostMeter, clock: Clock) -> None:
    clock.now_s += 60
    meter.reconcile(75.0)
    clock.now_s += 5
    assert (meter.elapsed_s, meter.spent_s) == (80.0, 80.0)
    assert meter.cost_usd == pytest.approx(80 / 360)


def test_follows_a_service_that_counts_less_but_puts_no_limit_off(meter: CostMeter, clock: Clock) -> None:
    clock.now_s += 60
    meter.reconcile(50.0)
    clock.now_s += 5
    assert (meter.elapsed_s, meter.spent_s) == (55.0, 65.0)


@pytest.mark.parametrize("told_s", [0.0, -5.0, math.nan, math.inf, -math.inf])
def test_a_figure_that_says_nothing_is_not_believed(meter: CostMeter, clock: Clock, told_s: float) -> None:
    clock.now_s += 60
    meter.reconcile(told_s)
    assert meter.elapsed_s == 60.0


def test_a_figure_that_stands_still_does_not_hold_the_meter(meter: CostMeter, clock: Clock) -> None:
    shown = []
    for _ in range(5):
        clock.now_s += 60
        meter.reconcile(30.0)
        shown.append(meter.elapsed_s)
    assert shown == [30.0, 90.0, 150.0, 210.0, 270.0]


def test_what_is_told_after_the_end_changes_nothing(meter: CostMeter, clock: Clock) -> None:
    clock.now_s += 60
    meter.stop()
    meter.reconcile(90.0)
    assert meter.elapsed_s == 60.0


def test_the_meter_counts_from_the_grant_to_the_end() -> None:
    now_s = 100.0
    meter = CostMeter(7.2, lambda: now_s)
    assert (meter.elapsed_s, meter.cost_usd) == (0.0, 0.0)
    meter.start()
    now_s = 150.0
    assert meter.elapsed_s == 50.0
    assert meter.cost_usd == pytest.approx(0.1)
    meter.stop()
    now_s = 999.0
    meter.stop()
    assert meter.elapsed_s == 50.0
    assert CostMeter(None).cost_usd is None
