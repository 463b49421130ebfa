"""A server that takes sound, on a made-up clock: fairly, in lumps, slowly, and with gaps."""

import random

import pytest

from atlas_desktop.media.underruns import LEAST_MS, UnderrunDetector

BLOCK_MS, FINE_MS = 20.0, 10.0
CUSHION_MS = 30.0


class Server:
    """Takes sound in pieces of ``step_ms`` by its own clock, which may stand still for a while."""

    def __init__(self, step_ms: float = 4.0, ppm: float = 0.0, block_ms: float = BLOCK_MS) -> None:
        self.detector = UnderrunDetector()
        self.step_ms = step_ms
        self.block_ms = block_ms
        self.pace = 1 + ppm / 1e6
        self.now_ms = self.stood_ms = self.taken_ms = 0.0
        self.held_ms = CUSHION_MS
        self.found: list[float] = []

    def run(self, seconds: float, stands: dict[float, float] | None = None, seed: int = 1) -> list[float]:
        """``stands``: when, in ms from now, it stands still and for how long."""
        rng, due, since_ms = random.Random(seed), dict(stands or {}), self.now_ms
        before = len(self.found)
        while self.now_ms < since_ms + seconds * 1000:
            self.now_ms += self.block_ms
            for at_ms in [one for one in due if since_ms + one <= self.now_ms]:
                self.stood_ms += due.pop(at_ms)
            self._take()
            lost_ms = self.detector.update((self.now_ms + rng.uniform(0, 3)) / 1000, self.held_ms)
            self.found += [lost_ms] if lost_ms else []
            self.held_ms += self.block_ms
            self.detector.add_write(self.block_ms)
        return self.found[before:]

    def _take(self) -> None:
        wanted_ms = (self.now_ms - self.stood_ms) * self.pace
        while self.taken_ms + self.step_ms <= wanted_ms:
            self.taken_ms += self.step_ms
            self.held_ms = max(0.0, self.held_ms - self.step_ms)


@pytest.mark.parametrize("block_ms", [BLOCK_MS, FINE_MS])
@pytest.mark.parametrize("step_ms", [1.0, 4.0, 20.0, 45.0])
def test_a_server_that_takes_its_sound_in_lumps_loses_nothing(step_ms: float, block_ms: float) -> None:
    server = Server(step_ms, block_ms=block_ms)
    server.held_ms = CUSHION_MS + step_ms
    assert server.run(30) == []


@pytest.mark.parametrize("block_ms", [BLOCK_MS, FINE_MS])
@pytest.mark.parametrize("ppm", [-20_000, -5_000, -500, 500, 5_000, 20_000])
def test_a_clock_that_differs_is_no_loss(ppm: float, block_ms: float) -> None:
    assert Server(ppm=ppm, block_ms=block_ms).run(60) == []


@pytest.mark.parametrize("block_ms", [BLOCK_MS, FINE_MS])
def test_each_time_it_runs_dry_is_told_once_and_with_what_it_took(block_ms: float) -> None:
    found = Server(block_ms=block_ms).run(10, {1_000: 30.0, 3_000: 100.0, 6_000: 12.0})
    assert found == pytest.approx([30, 100, 12], abs=LEAST_MS)


@pytest.mark.parametrize("ppm", [-300, 0, 300])
def test_so_little_as_a_server_takes_at_once_is_told_too(ppm: float) -> None:
    server = Server(step_ms=3.75, ppm=ppm, block_ms=FINE_MS)
    assert server.run(10) == []
    found = server.run(60, {second * 1_000.0: 3.75 for second in range(5, 55, 5)})
    assert 7 <= len(found) <= 10
    assert found == pytest.approx([3.75] * len(found), abs=1.5)


def test_with_nothing_to_take_nothing_is_lost() -> None:
    server = Server()
    server.run(1)
    server.held_ms = 0.0
    server.detector.update(server.now_ms / 1000, 0.0)
    server.now_ms += 5_000
    server.stood_ms += 5_000
    server.held_ms = CUSHION_MS
    assert server.run(2) == []
