"""What a session costs by our own clock, until the service reports what it charged."""

import math
from collections.abc import Callable

from atlas_desktop.api.limits import cost_usd
from atlas_desktop.clock import boottime_s

_TOLERANCE_S = 1.0
"""The service counts whole seconds, and its report is delayed: a smaller difference is none."""


class CostMeter:
    """Counts seconds from the grant to the end, and their cost; corrected by the service's reports.

    Args:
        price_per_hour_usd: ``None`` when not billed or not known.
        clock_s: A monotonic clock that counts sleep: a changed wall clock costs nothing, a night does.
    """

    def __init__(self, price_per_hour_usd: float | None, clock_s: Callable[[], float] = boottime_s) -> None:
        self.price_per_hour_usd = price_per_hour_usd
        self._clock_s = clock_s
        self._started_s: float | None = None
        self._stopped_s: float | None = None
        self._offset_s = 0.0
        self._reported_s = 0.0

    def start(self) -> None:
        """Start counting: the service granted the session."""
        self._started_s = self._clock_s()

    def stop(self) -> None:
        """Stop counting."""
        if self._stopped_s is None:
            self._stopped_s = self._clock_s()

    def reconcile(self, duration_s: float) -> None:
        """Adopt the service's duration of the running session.

        Never back to less than an earlier report, and not after ``stop``.
        """
        is_running = self._started_s is not None and self._stopped_s is None
        if not is_running or not self._reported_s < duration_s < math.inf:
            return
        self._reported_s = duration_s
        if abs(duration_s - self.elapsed_s) > _TOLERANCE_S:
            self._offset_s = duration_s - self._counted_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since ``start``, corrected by the service's; 0 before."""
        return max(0.0, self._counted_s + self._offset_s)

    @property
    def spent_s(self) -> float:
        """The duration that limits apply to: our own, or the service's where it is longer.

        A service that counts too little, or not at all, defers no limit.
        """
        return self._counted_s + max(0.0, self._offset_s)

    @property
    def cost_usd(self) -> float | None:
        """The cost so far; ``None`` when not billed or not known."""
        if self.price_per_hour_usd is None:
            return None
        return cost_usd(self.elapsed_s, self.price_per_hour_usd)

    @property
    def _counted_s(self) -> float:
        if self._started_s is None:
            return 0.0
        until_s = self._clock_s() if self._stopped_s is None else self._stopped_s
        return max(0.0, until_s - self._started_s)
