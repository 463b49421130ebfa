"""The clocks: sleep is what one of them counts and the other does not."""

import math

import pytest

from atlas_desktop.clock import SleepDetector


class Clocks:
    def __init__(self, threshold_s: float = 5.0, longest_gap_s: float = math.inf) -> None:
        self.boottime_s = self.waking_s = 100.0
        self.detector = SleepDetector(
            threshold_s, lambda: self.boottime_s, lambda: self.waking_s, longest_gap_s
        )

    def look_after(self, awake_s: float, asleep_s: float = 0.0) -> float:
        self.boottime_s += awake_s + asleep_s
        self.waking_s += awake_s
        return self.detector.look()


def test_a_sleep_is_seen_once() -> None:
    clocks = Clocks()
    assert clocks.look_after(2.0) == 0.0
    assert clocks.look_after(2.0, asleep_s=600.0) == pytest.approx(600.0)
    assert clocks.detector.passed_s == pytest.approx(602.0)
    assert clocks.look_after(2.0) == 0.0


def test_a_drift_adds_up_to_no_sleep() -> None:
    clocks = Clocks()
    assert [clocks.look_after(2.0, asleep_s=0.1) for _ in range(1000)] == [0.0] * 1000


def test_a_nap_below_the_threshold_is_none() -> None:
    assert Clocks(5.0).look_after(1.0, asleep_s=4.0) == 0.0
    assert Clocks(2.0).look_after(1.0, asleep_s=4.0) == pytest.approx(4.0)


def test_where_both_clocks_count_sleep_a_long_gap_is_one() -> None:
    clocks = Clocks(longest_gap_s=31.0)
    assert clocks.look_after(30.0) == 0.0
    assert clocks.look_after(31.0) == 31.0
