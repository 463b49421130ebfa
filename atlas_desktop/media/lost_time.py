"""Whether a card's server was left without sound although some waited for it. Pure.

A server that runs dry stands still: what it takes falls behind the clock in one step, and never makes up
for it. One that takes its sound unevenly catches up with its next taking; one whose clock is slow falls
behind by the same little all the time.
"""

from atlas_desktop.media.playout_level import EMPTY_MS

LEAST_MS = 3.0
"""PulseAudio takes a quarter of what it keeps at once, 3.75 ms of 15: so little is lost at a time."""
LEAST_COARSE_MS = 5.0
"""Where sound is written less often than every 13 ms: there is more in what two rhythms, its takings and our
looks, make of each other."""
_FINE_WRITES = 15
_WINDOW_S = 0.2
_FOLLOWED_SHARE = 0.125
_STANDS_OUT = 5.0
_UNEVEN_MS = 2.0
"""How unlike each other windows are thought to be at first."""


class LostTime:
    """Follows what a card takes. One thread; tell it of every write, and look at least every 50 ms or so."""

    def __init__(self) -> None:
        self._given_ms = 0.0
        self._began_s: float | None = None
        self._window_s = 0.0
        self._low_ms: float | None = None
        self._low_before_ms: float | None = None
        self._slow_ms, self._uneven_ms = 0.0, _UNEVEN_MS
        self._new_before_ms = 0.0
        self._writes = 0

    def given(self, duration_ms: float) -> None:
        """So much was written."""
        self._writes += 1
        self._given_ms += duration_ms

    def seen(self, now_s: float, level_ms: float) -> float:
        """Takes what the card's buffer holds; returns how much time was lost, once known: 0 mostly.

        Args:
            now_s: Of a clock that only goes forward.
            level_ms: With nothing in it, what happens is not the server's doing: all begins anew.
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
        return self._judged(self._low_before_ms - before_ms)

    def _judged(self, behind_ms: float) -> float:
        """How much of what was fallen behind within a window is no matter of the card's clock."""
        least_ms = LEAST_MS if self._writes >= _FINE_WRITES else LEAST_COARSE_MS
        self._writes = 0
        new_ms = behind_ms - self._slow_ms
        # On the border of two windows a loss is seen as a part in each.
        lost_ms = max(new_ms, new_ms + self._new_before_ms)
        if lost_ms >= max(least_ms, _STANDS_OUT * self._uneven_ms):
            self._new_before_ms = 0.0
            return lost_ms
        self._new_before_ms = new_ms
        self._slow_ms += _FOLLOWED_SHARE * new_ms
        self._uneven_ms += _FOLLOWED_SHARE * (abs(new_ms) - self._uneven_ms)
        return 0.0
