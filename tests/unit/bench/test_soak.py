"""A soak that was not watched to its end is none."""

import asyncio

import pytest

from tests.bench.growth import BOUNDS
from tests.bench.soak import judged
from tests.bench.soak_rehearsal import both


def samples(until_s: int) -> list[dict[str, object]]:
    held = dict.fromkeys(BOUNDS, 10.0)
    names = ("program", "local Atlas")
    return [{"process": name, "at_s": float(at_s), **held} for at_s in range(until_s) for name in names]


def test_samples_of_the_whole_time_are_judged() -> None:
    assert not any(row.too_much for row in judged(samples(119), 120))


def test_samples_that_end_halfway_tell_nothing() -> None:
    with pytest.raises(ValueError, match="60 s"):
        judged(samples(61), 120)


async def test_a_sampler_that_fails_ends_the_talk() -> None:
    async def fail() -> None:
        raise RuntimeError("no answer")

    with pytest.raises(ExceptionGroup, match="unhandled"):
        await both(asyncio.sleep(60), fail())


async def test_the_sampler_ends_with_the_talk() -> None:
    await asyncio.wait_for(both(asyncio.sleep(0), asyncio.sleep(60)), 5)
