"""Detection of underruns in a sound server, although sound was waiting for it. Pure.

A server that runs dry stops: what it fetches falls behind the clock in one step, and never catches up. One
that fetches unevenly catches up with its next fetch; one whose clock is slow falls behind by the same small
amount all the time.
"""

from atlas_desktop.media.playout_level import EMPTY_MS

LEAST_MS = 3.0
"""PulseAudio fetches a quarter of its buffer at once, 3.75 ms of 15: an underrun loses no less."""
LEAST_COARSE_MS = 5.0
"""For writes less often than every 13 ms: the beat between its fetches and our measurements is larger."""
_FINE_WRITES = 15
_WINDOW_S = 0.2
_FOLLOWED_SHARE = 0.125
_STANDS_OUT = 5.0
_UNEVEN_MS = 2.0
"""The deviation between windows that is assumed at first."""


class UnderrunDetector:
    """Detector fed with every write and with the buffer's level, at least every 50 ms or so. One thread."""

    def __init__(self) -> None:
        self._given_ms = 0.0
        self._began_s: float | None = None
        self._window_s = 0.0
        self._low_ms: float | None = None
        self._low_before_ms: float | None = None
        self._slow_ms, self._uneven_ms = 0.0, _UNEVEN_MS
        self._new_before_ms = 0.0
        self._writes = 0

    def add_write(self, duration_ms: float) -> None:
        """Count a write."""
        self._writes += 1
        self._given_ms += duration_ms

    def update(self, now_s: float, level_ms: float) -> float:
        """Take the level of the card's buffer; return the time lost in an underrun once it is known, else 0.

        Args:
            now_s: Of a monotonic clock.
            level_ms: With nothing in it, the server is not to blame: detection starts afresh.
        """
        if level_ms < EMPTY_MS:
            self._began_s = None
            return 0.0
        if self._began_s is None:
            self._began_s = self._window_s = now_s
            self._given_ms, self._low_ms, self._low_before_ms = level_ms, None, None
        behind_ms = (now_s - self._began_s) * 1000 - (self._given_ms - level_ms)
        if now_s - self._window_s < _WINDOW_S:
            self._low_ms = behind_ms if self._low_ms is None else min(self._low_ms, behind_ms)
            return 0.0
        before_ms, self._low_before_ms = self._low_before_ms, self._low_ms
        self._window_s, self._low_ms = now_s, behind_ms
        if before_ms is None or self._low_before_ms is None:
            return 0.0
        return self._lost_ms(self._low_before_ms - before_ms)

    def _lost_ms(self, behind_ms: float) -> float:
        """Return how much of the delay of one window is not due to the card's clock."""
        least_ms = LEAST_MS if self._writes >= _FINE_WRITES else LEAST_COARSE_MS
        self._writes = 0
        new_ms = behind_ms - self._slow_ms
        # On the border of two windows each shows a part of a loss.
        lost_ms = max(new_ms, new_ms + self._new_before_ms)
        if lost_ms >= max(least_ms, _STANDS_OUT * self._uneven_ms):
            self._new_before_ms = 0.0
            return lost_ms
        self._new_before_ms = new_ms
        self._slow_ms += _FOLLOWED_SHARE * new_ms
        self._uneven_ms += _FOLLOWED_SHARE * (abs(new_ms) - self._uneven_ms)
        return 0.0
