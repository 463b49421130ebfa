"""What a session costs by our own clock, until the service says what it charged."""

import math
from collections.abc import Callable

from atlas_desktop.api.limits import cost_usd
from atlas_desktop.clock import lasting_s

_SLACK_S = 1.0
"""The service counts whole seconds, and its word takes a moment: so much is no difference."""


class CostMeter:
    """Counts seconds from the grant to the end, and what they cost; the service's word sets it right.

    Args:
        price_per_hour_usd: ``None`` when not billed or not known.
        clock_s: A monotonic clock that counts sleep: a changed wall clock costs nothing, a night does.
    """

    def __init__(self, price_per_hour_usd: float | None, clock_s: Callable[[], float] = lasting_s) -> None:
        self.price_per_hour_usd = price_per_hour_usd
        self._clock_s = clock_s
        self._started_s: float | None = None
        self._stopped_s: float | None = None
        self._offset_s = 0.0
        self._told_s = 0.0

    def start(self) -> None:
        """The service granted the session: it counts from now on."""
        self._started_s = self._clock_s()

    def stop(self) -> None:
        """The session is over: the figures stand still."""
        if self._stopped_s is None:
            self._stopped_s = self._clock_s()

    def reconcile(self, duration_s: float) -> None:
        """Takes over how long the service says that the session has run.

        Goes back at most to what it says, and never again to a figure that stands still.
        """
        is_running = self._started_s is not None and self._stopped_s is None
        if not is_running or not self._told_s < duration_s < math.inf:
            return
        self._told_s = duration_s
        if abs(duration_s - self.elapsed_s) > _SLACK_S:
            self._offset_s = duration_s - self._counted_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since ``start``, set right by the service's; 0 before."""
        return max(0.0, self._counted_s + self._offset_s)

    @property
    def spent_s(self) -> float:
        """What limits go by: our own seconds, or the service's where it counts more.

        A service that counts too little, or not at all, puts no limit off.
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
