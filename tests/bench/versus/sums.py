"""The figures of one run, from what was logged: pure arithmetic."""

import statistics
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from tests.bench.versus.bar_code import made_whole

# A recorder hears what the sound server takes: that may be a moment before a player has let go of it.
_EARLY_S, _LATE_S = -0.02, 0.95
_GAP_FRAMES = 2.5


@dataclass(frozen=True, slots=True)
class Sums:
    """What one viewer did in one run; ``None`` where nothing came.

    Attributes:
        shown_percent: Frames that were on the screen, of those sent during the time measured.
        glass_p50_ms: From the sender's hand to the screen.
        gaps: Times that a picture stood for more than two frames.
        sound_ms: From the sender's hand to the card, median.
        sound_growth_ms: How much more that is in the last tenth of the time than in the first.
        skew_ms: How much later a beep is heard than its frame is seen, median.
        skew_worst_ms: The largest of them, whichever way.
        dropouts: Times the sound was gone.
    """

    frames_sent: int
    shown_percent: float
    glass_p50_ms: float | None
    glass_p95_ms: float | None
    glass_p99_ms: float | None
    gaps: int
    longest_ms: float | None
    sound_ms: float | None
    sound_growth_ms: float | None
    skew_ms: float | None
    skew_worst_ms: float | None
    beeps: int
    dropouts: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that ``share`` (0 … 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def seen_first(sent_s: Mapping[int, float], looks: Sequence[tuple[float, int]]) -> dict[int, float]:
    """When each frame was seen first, from (time, lowest bits of the number)."""
    numbers = sorted(sent_s)
    times = [sent_s[number] for number in numbers]
    first: dict[int, float] = {}
    for at_s, low in looks:
        place = bisect_right(times, at_s)
        if not place:
            continue
        number = made_whole(low, numbers[place - 1])
        if number in sent_s and at_s >= sent_s[number]:
            first.setdefault(number, at_s)
    return first


def heard_delays(sent_s: Mapping[int, float], heard_s: Sequence[float]) -> dict[int, float]:
    """The delay of each beep that was heard, in seconds, by its frame's number."""
    delays = {}
    for number, at_s in sent_s.items():
        delay_s = next((heard - at_s for heard in heard_s if _EARLY_S <= heard - at_s < _LATE_S), None)
        if delay_s is not None:
            delays[number] = delay_s
    return delays


def sums(
    frames_s: Mapping[int, float],
    beeps_s: Mapping[int, float],
    seen_s: Mapping[int, float],
    heard_s: Sequence[float],
    dropouts: int,
    rate_hz: float,
) -> Sums:
    """The figures of the frames and beeps given: those that were sent during the time measured."""
    glass = {number: seen_s[number] - at_s for number, at_s in frames_s.items() if number in seen_s}
    shows = sorted(seen_s[number] for number in glass)
    waits = [after - before for before, after in pairwise(shows)]
    sound = heard_delays(beeps_s, heard_s)
    skews = [delay - glass[number] for number, delay in sound.items() if number in glass]
    delays = list(glass.values())
    return Sums(
        frames_sent=len(frames_s),
        shown_percent=round(100 * len(glass) / max(1, len(frames_s)), 2),
        glass_p50_ms=_ms(percentile(delays, 0.5)),
        glass_p95_ms=_ms(percentile(delays, 0.95)),
        glass_p99_ms=_ms(percentile(delays, 0.99)),
        gaps=sum(wait * rate_hz > _GAP_FRAMES for wait in waits),
        longest_ms=_ms(max(waits, default=None)),
        sound_ms=_ms(statistics.median(sound.values()) if sound else None),
        sound_growth_ms=_ms(_growth(list(sound.values()))),
        skew_ms=_ms(statistics.median(skews) if skews else None),
        skew_worst_ms=_ms(max(skews, key=abs, default=None)),
        beeps=len(sound),
        dropouts=dropouts,
    )


def _growth(delays_s: Sequence[float]) -> float | None:
    tenth = len(delays_s) // 10
    if tenth == 0:
        return None
    return statistics.median(delays_s[-tenth:]) - statistics.median(delays_s[:tenth])


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
