"""How much FFmpeg may allocate at once: a header of four bytes must not cost gigabytes."""

import ctypes
import functools
import logging
from collections.abc import Iterator
from pathlib import Path

import av

log = logging.getLogger(__name__)

LARGEST_MB = 150
"""A picture of 8K in four bytes a pixel has 133; sound, its tables and packets stay far below."""


@functools.cache
def limit_allocations() -> bool:
    """Set FFmpeg's ``av_max_alloc`` for this process, once; False where its library is not to be found.

    PyAV has no name for it. On Linux and macOS a module of PyAV leads to all it is linked with, on Windows
    the library lies beside it.
    """
    for path in _libraries():
        try:
            set_limit = ctypes.CDLL(str(path)).av_max_alloc
        except (OSError, AttributeError):
            continue
        set_limit.argtypes, set_limit.restype = [ctypes.c_size_t], None
        set_limit(LARGEST_MB << 20)
        return True
    log.info("FFmpeg's allocations stay without a limit: its library was not found")
    return False


def _libraries() -> Iterator[Path]:
    package = Path(av.__file__).parent
    yield from sorted(package.glob("_core*"))
    yield from sorted(package.parent.glob("av.libs/avutil*.dll"))
