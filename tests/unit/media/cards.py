"""A sound card with a clock of its own, and a sender with another, in simulated time."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block
from atlas_desktop.media.playout import PlayoutControl
from atlas_desktop.media.playout_level import samples_of
from atlas_desktop.media.playout_line import BRIDGE_BELOW_MS, PlayoutCounters, PlayoutLine

BLOCK_MS = 10.0
PULL_MS = 5.333
PEAK = 8_000


@dataclass
class Seen:
    """One write: when, what the card held before it, and by how much the sound was lengthened."""

    at_s: float
    level_ms: float
    share: float


@dataclass
class Desk:
    """A sender, a playout line and a card.

    Attributes:
        ppm: By how much the card's clock is faster than the sender's.
        late_ms: Says by how much the next block is late.
        played: All that the card was given, when ``keep``.
    """

    ppm: float = 0.0
    late_ms: Callable[[], float] = lambda: 0.0
    keep: bool = False
    control: PlayoutControl = field(default_factory=lambda: PlayoutControl(volume=100))
    counters: PlayoutCounters = field(default_factory=PlayoutCounters)
    seen: list[Seen] = field(default_factory=list)
    played: list[Block] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.line = PlayoutLine(self.control, self.counters)
        self.now_ms = self.card_ms = self.level_ms = 0.0
        self.dry_ms = 0.0
        self.source = tone()

    def run(self, seconds: float) -> None:
        """So much simulated time of a sender that works."""
        until_ms = self.now_ms + seconds * 1000
        while self.now_ms < until_ms:
            self.now_ms += BLOCK_MS
            self.arrive(next(self.source), self.now_ms + self.late_ms())

    def stall(self, seconds: float) -> None:
        """The sender sends nothing; when it goes on, what is up to half a second old is there at once."""
        until_ms = self.now_ms + seconds * 1000
        burst = []
        while self.now_ms < until_ms:
            self.now_ms += BLOCK_MS
            burst.append(next(self.source))
        self.arrive(np.concatenate(burst[-50:]), self.now_ms)

    def arrive(self, sound: Block, at_ms: float) -> None:
        """Sound comes at ``at_ms``: the card has played meanwhile, and gaps were bridged."""
        while self._advance(at_ms, stop_below_ms=BRIDGE_BELOW_MS if self.line.can_bridge else None):
            bridged = self.line.bridge(self.level_ms)
            if len(bridged) == 0:
                break
            self._give(bridged)
        self._advance(at_ms, None)
        level_ms = self.level_ms
        self._give(self.line.write(sound, level_ms))
        self.seen.append(Seen(at_ms / 1000, level_ms, self.counters.share_ppm / 1e6))

    def _give(self, block: Block) -> None:
        self.level_ms += len(block) * 1000 / SAMPLE_RATE_HZ
        if self.keep:
            self.played.append(block)

    def _advance(self, until_ms: float, stop_below_ms: float | None) -> bool:
        """Lets the card pull until then; True when it stopped before, with too little left."""
        step_ms = PULL_MS / (1 + self.ppm / 1e6)
        while self.card_ms + step_ms <= until_ms:
            if stop_below_ms is not None and self.level_ms < stop_below_ms:
                return True
            self.card_ms += step_ms
            self.dry_ms += max(0.0, PULL_MS - self.level_ms)
            self.level_ms = max(0.0, self.level_ms - PULL_MS)
        return stop_below_ms is not None and self.level_ms < stop_below_ms


def tone(frequency_hz: float = 200.0) -> Iterator[Block]:
    """An endless tone, int16 (480, 2); of whole periods a second, so that one second is kept."""
    ticks = np.arange(SAMPLE_RATE_HZ)
    mono = (PEAK * np.sin(2 * np.pi * frequency_hz * ticks / SAMPLE_RATE_HZ)).astype(np.int16)
    second = np.repeat(mono[:, np.newaxis], 2, axis=1)
    size = samples_of(BLOCK_MS)
    while True:
        for at in range(0, SAMPLE_RATE_HZ, size):
            yield second[at : at + size]


def late_writers(seed: int = 1, usual_ms: float = 1.0, rare_ms: float = 6.0) -> Callable[[], float]:
    """Lateness as measured: mostly little, one block in a hundred much."""
    chance = random.Random(seed)
    return lambda: (
        chance.expovariate(1 / usual_ms) % 4 if chance.random() > 0.01 else chance.random() * rare_ms
    )
