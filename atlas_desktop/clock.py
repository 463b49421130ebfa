"""The monotonic clocks: one for media, and one for limits, which counts sleep."""

import sys
import time
from collections.abc import Callable
from functools import partial


def lasting_s() -> float:
    """Return monotonic seconds of a clock that counts sleep.

    Source: Linux and macOS stop ``time.monotonic`` in suspend, macOS not its CLOCK_MONOTONIC; Windows counts
    sleep in all of its clocks.
    """
    return _read()


def monotonic_us() -> int:
    """Return CLOCK_MONOTONIC in microseconds: the clock of frames and blocks."""
    return time.monotonic_ns() // 1000


def _read_clock(name: str) -> Callable[[], float]:
    clock = getattr(time, name, None)
    return time.monotonic if clock is None else partial(time.clock_gettime, clock)


_read = _read_clock({"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform, ""))
