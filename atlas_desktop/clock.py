"""The clock that limits are held by: monotonic, and running on while the computer sleeps."""

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


def _read_clock(name: str) -> Callable[[], float]:
    clock = getattr(time, name, None)
    return time.monotonic if clock is None else partial(time.clock_gettime, clock)


_read = _read_clock({"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform, ""))
