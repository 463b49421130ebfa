"""What a session costs by our own clock, until the service says what it charged."""

import time
from collections.abc import Callable

_HOUR_S = 3600.0


class CostMeter:
    """Counts seconds from the grant to the end, and what they cost.

    Args:
        price_per_hour_usd: ``None`` when not billed or not known.
        clock_s: A monotonic clock: a changed wall clock or a time zone costs nothing.
    """

    def __init__(
        self, price_per_hour_usd: float | None, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.price_per_hour_usd = price_per_hour_usd
        self._clock_s = clock_s
        self._started_s: float | None = None
        self._stopped_s: float | None = None

    def start(self) -> None:
        """The service granted the session: it counts from now on."""
        self._started_s = self._clock_s()

    def stop(self) -> None:
        """The session is over: the figures stand still."""
        if self._stopped_s is None:
            self._stopped_s = self._clock_s()

    @property
    def elapsed_s(self) -> float:
        """Seconds since ``start``; 0 before."""
        if self._started_s is None:
            return 0.0
        until_s = self._clock_s() if self._stopped_s is None else self._stopped_s
        return max(0.0, until_s - self._started_s)

    @property
    def cost_usd(self) -> float | None:
        """The cost so far; ``None`` when not billed or not known."""
        if self.price_per_hour_usd is None:
            return None
        return self.elapsed_s / _HOUR_S * self.price_per_hour_usd
