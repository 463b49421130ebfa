"""An hour with a card's clock that is not the sender's, in simulated time."""

import random
from collections.abc import Callable

import pytest

from atlas_desktop.media.drift import FAST_SLOPE_PER_S, GENTLE_SHARE, SLOPE_PER_S, RateControl
from atlas_desktop.media.playout_level import PlayoutLevel

BLOCK_MS, PULL_MS = 20.0, 5.333
SETTLED_S = 150.0


class Hours:
    """A card that pulls by its own clock, a control that holds its level; numbers only, no sound."""

    def __init__(self, ppm: float, late_ms: Callable[[], float] = lambda: 0.0) -> None:
        self.rate, self.level = RateControl(), PlayoutLevel()
        self.step_ms = PULL_MS / (1 + ppm / 1e6)
        self.late_ms = late_ms
        self.now_ms = self.card_ms = self.held_ms = 0.0
        self.cuts = self.pads = 0
        self.lows: list[float] = []
        self.shares: list[float] = []

    def run(self, seconds: float) -> None:
        until_ms = self.now_ms + seconds * 1000
        low_ms, writes = 1e9, 0
        while self.now_ms < until_ms:
            self.now_ms += BLOCK_MS
            self.pull(self.now_ms + self.late_ms())
            low_ms, writes = min(low_ms, self.held_ms), writes + 1
            self.write(BLOCK_MS)
            if writes % 12 == 0:
                self.lows.append(low_ms)
                low_ms = 1e9

    def pull(self, until_ms: float) -> None:
        while self.card_ms + self.step_ms <= until_ms:
            self.card_ms += self.step_ms
            self.held_ms = max(0.0, self.held_ms - PULL_MS)

    def write(self, came_ms: float) -> None:
        found = self.level.correction(self.held_ms, came_ms)
        self.cuts += found.cut_ms > 0
        self.pads += found.pad_ms > 0
        if found.pad_ms or found.cut_ms:
            self.rate.jumped()
        else:
            self.rate.observe(self.held_ms, came_ms, self.level.excess_ms)
        self.held_ms += came_ms * (1 + self.rate.share) + found.pad_ms - found.cut_ms
        self.shares.append(self.rate.share)

    @property
    def slope_per_s(self) -> float:
        return max(abs(b - a) for a, b in zip(self.shares, self.shares[1:], strict=False)) * 1000 / BLOCK_MS


def late(seed: int) -> Callable[[], float]:
    """Mostly less than a millisecond late, one block in a hundred up to three."""
    chance = random.Random(seed)
    return lambda: chance.random() * (3.0 if chance.random() < 0.01 else 0.8)


@pytest.mark.parametrize("ppm", [30.0, 500.0, -500.0, 20_000.0, -20_000.0])
def test_an_hour_does_not_move_the_level(ppm: float) -> None:
    hours = Hours(ppm, late(3))
    hours.run(SETTLED_S)
    hours.cuts = hours.pads = 0
    hours.lows.clear()
    hours.shares.clear()
    hours.run(3_600 - SETTLED_S)
    assert hours.cuts + hours.pads == 0
    # The late ones may make a single low lower; none is higher.
    assert max(hours.lows) <= hours.level.target_ms + 4
    assert sorted(hours.lows)[len(hours.lows) // 100] >= hours.level.target_ms - 4
    assert hours.rate.drift * 1e6 == pytest.approx(ppm, abs=25)
    assert sum(hours.shares) / len(hours.shares) * 1e6 == pytest.approx(ppm, abs=25)
    assert hours.slope_per_s <= SLOPE_PER_S * 1.001


def test_equal_clocks_come_to_rest_at_exactly_nothing() -> None:
    hours = Hours(0.0)
    hours.run(120.0)
    hours.shares.clear()
    hours.run(600.0)
    assert set(hours.shares) == {0.0}


@pytest.mark.parametrize("ppm", [500.0, -500.0])
def test_a_usual_clock_needs_no_cut_and_no_pad_from_the_start(ppm: float) -> None:
    hours = Hours(ppm)
    hours.run(60.0)
    assert hours.cuts + hours.pads <= 1  # the first write finds an empty card
    assert max(map(abs, hours.shares)) <= GENTLE_SHARE
    assert hours.slope_per_s <= SLOPE_PER_S * 1.001


def test_a_card_that_lies_by_two_percent_is_found_out_in_seconds() -> None:
    hours = Hours(20_000.0)
    hours.run(10.0)
    pads = hours.pads
    hours.run(120.0)
    assert hours.pads == pads
    assert pads < 15
    assert hours.slope_per_s <= FAST_SLOPE_PER_S * 1.001


@pytest.mark.parametrize("ppm", [0.0, 500.0, 20_000.0])
def test_a_sender_that_stalls_winds_nothing_up(ppm: float) -> None:
    hours = Hours(ppm)
    hours.run(SETTLED_S)
    for _ in range(20):
        before = hours.rate.drift
        hours.now_ms += 2_000
        hours.pull(hours.now_ms)
        assert hours.held_ms == 0
        hours.write(500.0)
        hours.run(1.0)
        assert hours.lows[-1] <= hours.level.target_ms + 4
        assert hours.rate.drift == pytest.approx(before, abs=60e-6)


def test_a_machine_that_stumbles_is_no_drift() -> None:
    hours, chance = Hours(0.0), random.Random(5)
    for _ in range(200):
        hours.run(0.3 + chance.random())
        # The sound server stood still, and lost as much.
        hours.card_ms += 15.0
    assert abs(hours.rate.drift) < 0.002
    assert max(map(abs, hours.shares)) <= GENTLE_SHARE


def test_another_clock_in_the_middle_is_followed() -> None:
    hours = Hours(0.0)
    hours.run(300.0)
    hours.step_ms = PULL_MS / 1.0008
    hours.lows.clear()
    hours.run(600.0)
    assert hours.rate.drift * 1e6 == pytest.approx(800, abs=80)
    assert all(abs(low_ms - hours.level.target_ms) <= 4 for low_ms in hours.lows)


@pytest.mark.parametrize("ppm", [10.0, 60.0, 100.0])
def test_a_good_clock_is_left_alone_most_of_the_time(ppm: float) -> None:
    hours = Hours(ppm, late(4))
    hours.run(SETTLED_S)
    hours.shares.clear()
    hours.lows.clear()
    hours.run(1_800.0)
    assert sum(share != 0.0 for share in hours.shares) < 0.4 * len(hours.shares)
    assert sum(hours.lows) / len(hours.lows) == pytest.approx(hours.level.target_ms, abs=1.5)
