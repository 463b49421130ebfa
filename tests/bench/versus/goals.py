"""What is promised of the program beside Chromium, and whether a set of pairs keeps it."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Run = dict[str, Any]
Pair = tuple[Run, Run]
"""A run of the program, and Chromium's beside it."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise.

    Attributes:
        stream: Of which stream.
        name: Of which figure of a run.
        bound: What it may be, in words.
        holds: Whether the medians of the program and of Chromium keep it.
        viewer: Which of the program's ways.
        condition: What else the machine does.
    """

    stream: str
    title: str
    name: str
    bound: str
    holds: Callable[[float, float], bool]
    viewer: str = "program"
    condition: str = "idle"


@dataclass(frozen=True, slots=True)
class Reached:
    """What became of a goal: medians and ranges of all pairs."""

    goal: Goal
    ours: tuple[float, float, float]
    theirs: tuple[float, float, float]
    ratio: tuple[float, float, float] | None
    kept: bool
    pairs: int


def reached(goal: Goal, pairs: Sequence[Pair]) -> Reached | None:
    """Judges a goal by the pairs that belong to it; nothing where there are none with that figure."""
    both = [
        (abs(ours[goal.name]), abs(theirs[goal.name])) for ours, theirs in pairs if _has(goal, ours, theirs)
    ]
    if not both:
        return None
    ours, theirs = _spread([one for one, _ in both]), _spread([other for _, other in both])
    ratios = [one / other for one, other in both if other]
    return Reached(
        goal,
        ours,
        theirs,
        _spread(ratios) if len(ratios) == len(both) else None,
        goal.holds(ours[0], theirs[0]),
        len(both),
    )


def _has(goal: Goal, ours: Run, theirs: Run) -> bool:
    return ours.get(goal.name) is not None and theirs.get(goal.name) is not None


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, lowest, highest."""
    return statistics.median(values), min(values), max(values)


def _at_most(share: float | None = None, most: float | None = None) -> Callable[[float, float], bool]:
    def holds(ours: float, theirs: float) -> bool:
        return (share is None or ours <= share * theirs) and (most is None or ours <= most)

    return holds


def _at_least(least: float | None = None, beyond: float | None = None) -> Callable[[float, float], bool]:
    def holds(ours: float, theirs: float) -> bool:
        return (least is None or ours >= least) and (beyond is None or ours >= min(100.0, theirs + beyond))

    return holds


_LOW = "program, lowest delay"
_SMALL, _WIDE = "512@25", "1280x720@30"
_ANY = math.inf


def _picture_and_cost(stream: str, cpu: float, memory: float, glass: float, glass_ms: float) -> list[Goal]:
    worded = f"≤ {glass:g} ×" + (f" and ≤ {glass_ms:g} ms" if glass_ms < _ANY else "")
    return [
        Goal(stream, "CPU of the process tree, %", "cpu_percent", f"≤ {cpu:.2f} ×", _at_most(cpu)),
        Goal(stream, "memory (PSS), MB", "pss_mb", f"≤ {memory:.2f} ×", _at_most(memory)),
        Goal(stream, "picture, p50, ms", "glass_p50_ms", worded, _at_most(glass, glass_ms)),
        Goal(stream, "frames shown, %", "shown_percent", "≥ 99.5 %", _at_least(99.5)),
    ]


def _lowest_delay(stream: str, share: float, p50_ms: float, p95_ms: float) -> list[Goal]:
    both = (("p50", "glass_p50_ms", p50_ms), ("p95", "glass_p95_ms", p95_ms))
    return [
        Goal(
            stream,
            f"picture, {words}, lowest delay, ms",
            name,
            f"≤ {share:g} ×" + (f" and ≤ {most:g} ms" if most < _ANY else ""),
            _at_most(share, most),
            _LOW,
        )
        for words, name, most in both
    ]


def _sound_and_start(stream: str, sound_ms: float, worst_ms: float, start: float) -> list[Goal]:
    worded = "≤ 0.75 ×" + (f" and ≤ {sound_ms:g} ms" if sound_ms < _ANY else "")
    return [
        Goal(stream, "sound, ms", "sound_ms", worded, _at_most(0.75, sound_ms)),
        Goal(stream, "skew, median, ms", "skew_ms", "≤ 8 ms", _at_most(most=8)),
        Goal(stream, "skew, worst, ms", "skew_worst_ms", f"≤ {worst_ms:g} ms", _at_most(most=worst_ms)),
        Goal(
            stream,
            "start → first frame, ms",
            "pressed_ms",
            f"≤ {start:g} ×",
            _at_most(start),
            condition="start",
        ),
        Goal(stream, "dropouts", "dropouts", "0", _at_most(most=0)),
        Goal(stream, "dropouts, stalled", "dropouts", "0", _at_most(most=0), condition="stalled"),
        Goal(stream, "dropouts, 2 busy", "dropouts", "≤ 2", _at_most(most=2), condition="busy"),
    ]


_BUSY = ("frames shown, 2 busy, %", "shown_percent")
GOALS = (
    *_picture_and_cost(_SMALL, 0.70, 0.37, 1.0, 75),
    *_lowest_delay(_SMALL, 0.4, 26, 32),
    *_sound_and_start(_SMALL, 70, 20, 0.45),
    Goal(_SMALL, *_BUSY, "≥ 98 %", _at_least(98), condition="busy"),
    *_picture_and_cost(_WIDE, 0.75, 0.40, 0.8, _ANY),
    *_lowest_delay(_WIDE, 0.5, _ANY, _ANY),
    *_sound_and_start(_WIDE, _ANY, 25, 0.5),
    Goal(_WIDE, *_BUSY, "≥ Chromium + 15", _at_least(beyond=15), condition="busy"),
)
