"""The clocks: one for pictures and sound, and one for limits, which runs on while the computer sleeps."""

import sys
import time
from collections.abc import Callable
from functools import partial


def lasting_s() -> float:
    """Seconds since some moment; never set back, and a night asleep counts.

    Source: Linux stops ``time.monotonic`` in suspend, macOS stops it too but not its CLOCK_MONOTONIC;
    Windows counts sleep in both of its clocks.
    """
    return _read()


def monotonic_us() -> int:
    """CLOCK_MONOTONIC in microseconds, as the times of frames and blocks are."""
    return time.monotonic_ns() // 1000


def _read_clock(name: str) -> Callable[[], float]:
    clock = getattr(time, name, None)
    return time.monotonic if clock is None else partial(time.clock_gettime, clock)


_read = _read_clock({"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform, ""))
