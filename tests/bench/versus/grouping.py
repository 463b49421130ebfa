"""Linux shares the processor out among sessions first (``sched_autogroup``): off while it is measured.

With it, two busy processes in the viewer's session stop everything else on the machine for 5 to 15 s now and
then (seen on Linux 6.18: even a program of higher priority waits), whoever is viewing. A desktop that runs
all its programs in one group has no such thing.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SWITCH = Path("/proc/sys/kernel/sched_autogroup_enabled")


@contextmanager
def one_group(switch: Path = _SWITCH) -> Iterator[None]:
    """All programs in one group during the block, where we may say so; then as it was."""
    try:
        before = switch.read_text()
        # Written only where it is: there are kernels without it.
        switch.write_text("0")
    except OSError:
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            switch.write_text(before)
