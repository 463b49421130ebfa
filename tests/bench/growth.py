"""Growth of what a process holds: samples over time, a line through them, and what is too much."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Bound:
    """How much a quantity may grow.

    Attributes:
        an_hour: By the line through the samples.
        in_all: From the first fifth of the samples to the last one, whatever the line says: in a short
            run a line through few samples means little.
        in_short: The same in a run too short for caches and memory pools to fill up before it.
    """

    an_hour: float
    in_all: float
    in_short: float


BOUNDS = {
    "memory_mb": Bound(an_hour=20.0, in_all=15.0, in_short=30.0),
    "threads": Bound(an_hour=4.0, in_all=5.0, in_short=8.0),
    "descriptors": Bound(an_hour=6.0, in_all=6.0, in_short=6.0),
    "tasks": Bound(an_hour=4.0, in_all=4.0, in_short=4.0),
}
"""Growth is too much only where the line and the difference are both beyond."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What became of one quantity of one process."""

    process: str
    quantity: str
    at_first: float
    at_last: float
    highest: float
    an_hour: float
    is_short: bool

    @property
    def too_much(self) -> bool:
        """Whether it grew by more than it may."""
        bound = BOUNDS[self.quantity]
        most = bound.in_short if self.is_short else bound.in_all
        return self.an_hour > bound.an_hour and self.at_last - self.at_first > most

    def row(self) -> str:
        """One line of the table."""
        bound = BOUNDS[self.quantity]
        return (
            f"{self.process:<12}{self.quantity:<12}{self.at_first:>9.1f}{self.at_last:>9.1f}{self.highest:>9.1f}"
            f"{self.an_hour:>+10.1f}   ≤ {bound.an_hour:g}{'   TOO MUCH' if self.too_much else ''}"
        )


HEAD = f"{'process':<12}{'of':<12}{'at first':>9}{'at last':>9}{'most':>9}{'an hour':>10}   allowed"


def growth(
    process: str, quantity: str, times_s: list[float], values: list[float], *, is_short: bool
) -> Growth:
    """A line through the samples, the warm-up left out by the caller.

    Raises:
        ValueError: Fewer than ten samples.
    """
    if len(values) < 10:
        raise ValueError(f"{len(values)} samples are too few to see growth")
    slope = float(np.polyfit(times_s, values, 1)[0]) * 3600
    fifth = max(2, len(values) // 5)
    first, last = float(np.median(values[:fifth])), float(np.median(values[-fifth:]))
    return Growth(process, quantity, first, last, max(values), slope, is_short)
