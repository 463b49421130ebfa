"""Stand-ins with programmable faults, and clips made on the spot."""

import asyncio
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.blocks import BLOCK_SAMPLES, Block
from atlas_desktop.media.speaker import ClipEvent


class FakeSink:
    """Takes blocks like the room's source; each hand-over lasts ``delay_s``."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.blocks: list[Block] = []
        self.times_s: list[float] = []
        self.queued: list[Block] = []
        self.clears = 0

    async def write(self, block: Block) -> None:
        self.times_s.append(time.monotonic())
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        self.blocks.append(block)
        self.queued.append(block)

    def clear(self) -> None:
        self.clears += 1
        self.queued.clear()

    def wait_for(self, samples: int) -> None:
        """Waits until exactly so much was handed over."""
        until(lambda: len(self.samples) == samples)

    @property
    def samples(self) -> NDArray[np.int16]:
        return np.concatenate([np.zeros((0, 1), np.int16), *self.blocks]).ravel()


class FakeReader:
    """Gives blocks when the test says so."""

    def __init__(self, preroll_ms: int = 0) -> None:
        self.preroll_ms = preroll_ms
        self.ready: list[Block] = []
        self.ended = False
        self.closed = False

    def read(self) -> Block | None:
        return self.ready.pop(0) if self.ready and not self.closed else None

    @property
    def finished(self) -> bool:
        return self.closed or (self.ended and not self.ready)

    def close(self) -> None:
        self.closed = True

    def give(self, *values: int, samples: int = BLOCK_SAMPLES) -> None:
        self.ready += [np.full((samples, 1), value, np.int16) for value in values]


class Ears:
    """Keeps the events of a speaker."""

    def __init__(self) -> None:
        self.events: list[ClipEvent] = []

    def __call__(self, event: ClipEvent) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


def count_up(samples: int, start: int = 1) -> NDArray[np.int16]:
    """Samples that are all different from their neighbours, so that a loss shows."""
    return (np.arange(start, start + samples) % 30_000 + 1).astype(np.int16)


def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Waits for another thread."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.002)


def write_wav(path: Path, samples: NDArray[np.int16], rate_hz: int = 48_000) -> Path:
    """``samples``: (n,) or (n, channels)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())
    return path


def tone(seconds: float, rate_hz: int = 48_000, level: float = 0.5) -> NDArray[np.int16]:
    """440 Hz, (n,)."""
    at = np.arange(int(seconds * rate_hz)) / rate_hz
    return (np.sin(2 * np.pi * 440 * at) * level * 32767).astype(np.int16)
