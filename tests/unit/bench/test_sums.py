"""The figures of a run."""

import pytest

from tests.bench.versus.sums import heard_delays, percentile, seen_first, sums

_RATE_HZ = 25


def sent(frames: int) -> dict[int, float]:
    return {number: 100 + number / _RATE_HZ for number in range(frames)}


def test_percentiles() -> None:
    assert percentile([], 0.5) is None
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(list(range(100)), 0.95) == 95


def test_a_frame_counts_from_when_it_was_seen_first() -> None:
    frames = sent(5000)
    looks = [(99.0, 7), (frames[3000] + 0.02, 3000 % 2048), (frames[3000] + 0.05, 3000 % 2048)]
    # Before anything was sent there is nothing to see.
    assert seen_first(frames, looks) == {3000: frames[3000] + 0.02}


def test_a_perfect_viewer() -> None:
    frames = sent(100)
    beeps = {number: at_s for number, at_s in frames.items() if number % _RATE_HZ == 0}
    seen = {number: at_s + 0.03 for number, at_s in frames.items()}
    found = sums(frames, beeps, seen, [at_s + 0.07 for at_s in beeps.values()], 0, _RATE_HZ)
    assert (found.frames_sent, found.shown_percent, found.gaps, found.beeps) == (100, 100.0, 0, 4)
    assert (found.glass_p50_ms, found.glass_p99_ms, found.sound_ms) == pytest.approx((30, 30, 70))
    assert (found.skew_ms, found.skew_worst_ms) == pytest.approx((40, 40))


def test_a_freeze_costs_frames_and_is_a_gap() -> None:
    frames = sent(100)
    seen = {number: at_s + 0.03 for number, at_s in frames.items() if not 40 <= number < 60}
    found = sums(frames, {}, seen, [], 3, _RATE_HZ)
    assert (found.shown_percent, found.gaps, found.dropouts) == (80.0, 1, 3)
    assert found.longest_ms == pytest.approx(21 * 40)
    assert found.sound_ms is None


def test_sound_that_falls_behind_grows() -> None:
    beeps = {second * 25: 100.0 + second for second in range(100)}
    heard = [at_s + 0.07 + 0.0003 * second for second, at_s in enumerate(beeps.values())]
    found = sums({}, beeps, {}, heard, 0, _RATE_HZ)
    assert found.sound_growth_ms == pytest.approx(27, abs=0.5)


def test_a_beep_that_was_not_heard_is_not_the_next_one() -> None:
    beeps = {0: 100.0, 25: 101.0, 50: 102.0}
    assert heard_delays(beeps, [100.06, 102.08]) == pytest.approx({0: 0.06, 50: 0.08})
