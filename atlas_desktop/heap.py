"""The native heap: kept from scattering over one arena for each of WebRTC's threads."""

import ctypes
import gc
import os

_M_ARENA_MAX = -8
"""Source: glibc's malloc.h."""
_ARENAS = 2


def give_back() -> None:
    """Return to the system what a large thing, now done with, has left free. Where it is not glibc: nothing.

    Once a block of 20 MB was freed, glibc takes the next ones from its heap, and keeps them.
    """
    gc.collect()
    if os.name == "posix":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def limit_arenas() -> None:
    """Let glibc's malloc use two arenas, unless the user's ``MALLOC_ARENA_MAX`` says otherwise.

    Each session brings dozens of native threads and takes them away again. By default each gets an arena
    of its own (up to eight a core), where a few long-lived bytes hold whole pages: measured over 20 sessions,
    a megabyte of free memory for each that never went back. With two arenas it stays level.

    To be called before such threads start; does nothing where malloc is another one (macOS, Windows, musl).
    """
    if "MALLOC_ARENA_MAX" in os.environ or os.name != "posix":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
