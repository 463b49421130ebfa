"""glibc's heap: fewer arenas, and memory returned to the system."""

import ctypes
import gc
import os

_M_ARENA_MAX = -8
"""Source: glibc's malloc.h."""
_ARENAS = 2


def trim_heap() -> None:
    """Return memory freed by a large object to the system, where malloc is glibc's.

    After a block of 20 MB was freed, glibc allocates the next ones from its heap, and keeps them.
    """
    gc.collect()
    if os.name == "posix":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def limit_arenas() -> None:
    """Limit glibc's malloc to two arenas, unless the user has set ``MALLOC_ARENA_MAX``.

    Each session starts and ends dozens of native threads. By default each gets an arena of its own (up to
    eight per core), where a few long-lived bytes keep whole pages: over 20 sessions a megabyte each was
    measured that never went back. With two arenas the memory stays level.

    Call it before such threads start; does nothing with another malloc (macOS, Windows, musl).
    """
    if "MALLOC_ARENA_MAX" in os.environ or os.name != "posix":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
