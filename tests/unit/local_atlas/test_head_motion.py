"""Idle motion of the head: never still, never hectic."""

import itertools

import pytest

from atlas_desktop.local_atlas.avatar.head_motion import HeadMotion, HeadPose

RATE_HZ = 25


def minute(seed: int, loudness: float = 0.0) -> list[HeadPose]:
    sway = HeadMotion(seed)
    return [sway.pose(index, loudness) for index in range(60 * RATE_HZ)]


@pytest.mark.parametrize("seed", range(5))
def test_it_blinks_every_few_seconds_and_opens_its_eyes_again(seed: int) -> None:
    shut = [pose.lids > 0.9 for pose in minute(seed)]
    blinks = [index for index, (a, b) in enumerate(itertools.pairwise(shut)) if b and not a]
    gaps_s = [(b - a) / RATE_HZ for a, b in itertools.pairwise(blinks)]
    assert 9 <= len(blinks) <= 35
    assert max(gaps_s) <= 7
    assert sum(shut) / len(shut) < 0.1


@pytest.mark.parametrize("loudness", [0.0, 1.0])
def test_the_head_moves_a_little_and_smoothly(loudness: float) -> None:
    poses = minute(1, loudness)
    for name, most in [("shift_px", 8), ("lift_px", 9), ("turn_px", 8), ("nod_px", 8), ("tilt", 0.04)]:
        values = [getattr(pose, name) for pose in poses]
        assert max(values) - min(values) > most / 20
        assert max(map(abs, values)) <= most
        steps = [abs(b - a) for a, b in itertools.pairwise(values)]
        assert max(steps[1:]) <= most / 4


def test_it_looks_around() -> None:
    assert len({pose.gaze for pose in minute(2)}) >= 4


def test_speech_lifts_the_brows() -> None:
    silent = sum(pose.brows_px for pose in minute(3, 0.0))
    assert sum(pose.brows_px for pose in minute(3, 0.8)) > silent + 600


def test_a_seed_makes_it_repeatable() -> None:
    assert minute(4) == minute(4)
    assert minute(4) != minute(5)


def test_numbers_may_be_skipped() -> None:
    sway = HeadMotion(1)
    sway.pose(0, 0.0)
    assert -10 < sway.pose(100_000, 0.5).shift_px < 10
