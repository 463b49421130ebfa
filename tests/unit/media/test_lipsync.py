import math

import numpy as np
import pytest

from atlas_desktop.media.lipsync import (
    APART_USUAL_MS,
    HALF_BLOCK_MS,
    LEAD_MS,
    LONGEST_HOLD_US,
    STEP_MS_PER_S,
    LipSync,
    SyncFigures,
)

SECOND_US = 1_000_000


class Bench:
    """A lip sync that is told something every second."""

    def __init__(self, speaker_ms: float = 0.0) -> None:
        self.sync = LipSync(speaker_ms=speaker_ms)
        self.now_us = 50 * SECOND_US
        self.holds_ms: list[float] = []

    def tell(self, apart_ms: float | None, sink_ms: float | None = 8.0, after_s: float = 1.0) -> float:
        self.now_us += round(after_s * SECOND_US)
        self.sync.measure(self.now_us, apart_ms, sink_ms)
        self.holds_ms.append((self.sync.hold_us or 0) / 1000)
        return self.holds_ms[-1]

    def settle(self, apart_ms: float = 10.0) -> float:
        for _ in range(6):
            self.tell(apart_ms)
        assert self.sync.figures.settled
        return self.holds_ms[-1]

    @property
    def fastest_ms(self) -> float:
        return max(abs(b - a) for a, b in zip(self.holds_ms, self.holds_ms[1:], strict=False))


def test_nothing_waits_before_something_is_known() -> None:
    sync = LipSync()
    assert sync.hold_us is None
    assert sync.figures == SyncFigures()


def test_a_picture_waits_for_the_whole_path_of_its_sound() -> None:
    bench = Bench(speaker_ms=20.0)
    assert bench.tell(12.0, 8.0) == pytest.approx(12 + 8 + HALF_BLOCK_MS - LEAD_MS + 20)


def test_until_the_tracks_have_told_of_themselves_the_usual_is_taken() -> None:
    bench = Bench()
    assert bench.tell(None, 8.0) == pytest.approx(APART_USUAL_MS + 8 + HALF_BLOCK_MS - LEAD_MS)
    assert not bench.sync.figures.settled
    assert bench.tell(60.0, 8.0) == pytest.approx(60 + 8 + HALF_BLOCK_MS - LEAD_MS)


def test_without_a_speaker_no_picture_waits() -> None:
    bench = Bench()
    bench.tell(12.0, None)
    bench.tell(None, None)
    assert bench.sync.hold_us is None


def test_the_start_jumps_and_what_follows_glides() -> None:
    bench = Bench()
    bench.tell(100.0)
    bench.settle(10.0)
    settled_ms = bench.holds_ms[-1]
    bench.holds_ms.clear()
    for _ in range(40):
        bench.tell(110.0)
    assert bench.fastest_ms <= STEP_MS_PER_S + 0.01
    assert bench.holds_ms[-1] == pytest.approx(settled_ms + 100)


def test_jitter_of_measurements_hardly_moves_it() -> None:
    rng = np.random.default_rng(5)
    bench = Bench()
    for _ in range(300):
        bench.tell(10 + float(rng.normal(0, 3)), 8 + float(rng.uniform(-3, 3)))
    assert np.std(bench.holds_ms[20:]) < 3
    assert np.mean(bench.holds_ms[20:]) == pytest.approx(19, abs=1)


def test_outliers_are_passed_over() -> None:
    bench = Bench()
    settled_ms = bench.settle()
    for number in range(60):
        bench.tell(900.0 if number % 5 == 0 else -700.0 if number % 7 == 0 else 10.0)
    assert bench.holds_ms[-1] == pytest.approx(settled_ms, abs=1)
    assert max(abs(hold - settled_ms) for hold in bench.holds_ms[6:]) <= STEP_MS_PER_S


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 4e12, None])
def test_garbage_is_not_a_measurement(bad: float | None) -> None:
    bench = Bench()
    settled_ms = bench.settle()
    for _ in range(10):
        bench.tell(bad)
        bench.tell(10.0, bad)
    assert bench.holds_ms[-1] == settled_ms


def test_drift_of_the_sound_is_followed() -> None:
    bench = Bench()
    bench.settle()
    # 500 ppm that nobody corrects: half a millisecond a second.
    for number in range(60):
        bench.tell(10.0 + 0.5 * number)
    assert bench.holds_ms[-1] == pytest.approx(19 + 30, abs=2)


def test_a_stall_moves_nothing() -> None:
    bench = Bench()
    settled_ms = bench.settle()
    for _ in range(10):
        # After half a second without sound the figures are of the stall; then they are right again.
        bench.sync.shown(0, round(settled_ms * 1000) + 400_000)
        bench.tell(-450.0, 0.0)
        bench.tell(10.0)
        bench.tell(10.0)
    assert set(bench.holds_ms[5:]) == {settled_ms}


def test_what_lasts_is_no_stall() -> None:
    bench = Bench()
    settled_ms = bench.settle()
    for _ in range(60):
        bench.sync.shown(0, round(settled_ms * 1000) + 300_000)
        bench.tell(110.0)
    assert bench.holds_ms[-1] == pytest.approx(settled_ms + 100)


def test_the_first_measurement_after_a_sleep_is_passed_over() -> None:
    bench = Bench()
    settled_ms = bench.settle()
    assert bench.tell(400.0, after_s=3600) == settled_ms
    assert bench.tell(10.0, after_s=-10) == settled_ms


def test_the_hold_stays_in_its_bounds() -> None:
    bench = Bench()
    assert bench.tell(-500.0) == 0
    bench = Bench(speaker_ms=300.0)
    assert bench.tell(900.0) == LONGEST_HOLD_US / 1000


def test_the_users_own_correction_acts_at_once() -> None:
    bench = Bench()
    settled_ms = bench.settle()
    bench.sync.speaker_ms = 120.0
    assert bench.sync.hold_us == round((settled_ms + 120) * 1000)


def test_what_the_sound_server_is_known_to_keep_more_is_followed_at_once() -> None:
    bench = Bench()
    settled_ms = bench.settle()
    sound_ms = bench.sync.figures.sound_ms
    bench.sync.server_ms = 45.0
    assert bench.sync.hold_us == round((settled_ms + 45) * 1000)
    assert sound_ms is not None
    assert bench.sync.figures.sound_ms == sound_ms + 45


def test_lowest_delay_holds_nothing_and_still_says_what_the_skew_is() -> None:
    bench = Bench(speaker_ms=20.0)
    bench.sync.enabled = False
    for _ in range(6):
        bench.tell(10.0)
        bench.sync.shown(0, -5_000)
    assert bench.sync.hold_us is None
    figures = bench.sync.figures
    assert figures.skew_ms == pytest.approx(43 + 5)
    assert (figures.lip_sync, figures.hold_ms) == (False, 0.0)


def test_the_remaining_skew_is_that_of_sound_and_picture() -> None:
    bench = Bench()
    settled_ms = bench.settle()
    for _ in range(100):
        bench.sync.shown(0, round(settled_ms * 1000) + 4_000)
    figures = bench.sync.figures
    assert figures.sound_ms == pytest.approx(23)
    assert figures.picture_ms == pytest.approx(19 + 4)
    assert figures.skew_ms == pytest.approx(LEAD_MS - 4)


def test_other_tracks_begin_anew() -> None:
    bench = Bench()
    bench.settle()
    bench.sync.reset()
    assert bench.sync.hold_us is None
    assert bench.tell(200.0) == pytest.approx(209)


def test_room_and_speaker_together_say_how_long_a_picture_waits() -> None:
    now_us = 0
    sync = LipSync(speaker_ms=20.0, clock_us=lambda: now_us)
    sync.measure_now(9.0)
    assert sync.hold_us is None
    sync.attach_speaker(lambda: 7.0)
    now_us = 1_000_000
    sync.measure_now(9.0)
    assert sync.figures.hold_ms == pytest.approx(9 + 7 + HALF_BLOCK_MS - LEAD_MS + 20)
    sync.attach_speaker(lambda: 7.0, lambda: 45.0)
    now_us = 2_000_000
    sync.measure_now(9.0)
    assert sync.figures.hold_ms == pytest.approx(9 + 7 + HALF_BLOCK_MS - LEAD_MS + 20 + 45)
    sync.reset()
    assert sync.figures.sound_ms is None
