"""The monotonic clocks: one for media, and one for limits, which counts sleep."""

import math
import sys
import time
from collections.abc import Callable
from functools import partial


def boottime_s() -> float:
    """Return monotonic seconds of a clock that counts sleep.

    Source: Linux and macOS stop ``time.monotonic`` in suspend, macOS not its CLOCK_MONOTONIC; Windows counts
    sleep in all of its clocks.
    """
    return _read()


def monotonic_us() -> int:
    """Return CLOCK_MONOTONIC in microseconds: the clock of frames and blocks."""
    return time.monotonic_ns() // 1000


class SleepDetector:
    """Detects from two clocks that the computer slept. Only a jump since the last look counts: clocks drift.

    Attributes:
        passed_s: Seconds between the last two looks, sleep included.

    Args:
        threshold_s: A shorter sleep is none.
        lasting: Counts sleep.
        waking: Does not, where the platform has such a clock.
        longest_gap_s: Two looks are never further apart on a computer that is awake: what tells a sleep where
            both clocks count it (Windows).
    """

    def __init__(
        self,
        threshold_s: float,
        lasting: Callable[[], float] = boottime_s,
        waking: Callable[[], float] = time.monotonic,
        longest_gap_s: float = math.inf,
    ) -> None:
        self.passed_s = 0.0
        self._threshold_s = threshold_s
        self._longest_gap_s = longest_gap_s
        self._lasting = lasting
        self._waking = waking
        self._lasting_s, self._waking_s = lasting(), waking()

    def look(self) -> float:
        """Return how long the computer slept since the last look; 0 when it did not."""
        lasting_before_s, waking_before_s = self._lasting_s, self._waking_s
        self._lasting_s, self._waking_s = self._lasting(), self._waking()
        self.passed_s = self._lasting_s - lasting_before_s
        asleep_s = self.passed_s - (self._waking_s - waking_before_s)
        if asleep_s >= self._threshold_s:
            return asleep_s
        return self.passed_s if self.passed_s >= self._longest_gap_s else 0.0


def _read_clock(name: str) -> Callable[[], float]:
    clock = getattr(time, name, None)
    return time.monotonic if clock is None else partial(time.clock_gettime, clock)


_read = _read_clock({"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform, ""))
