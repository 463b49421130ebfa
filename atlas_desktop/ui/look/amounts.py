"""Money and time in words, as the pages say them."""

import math


def money(usd: float) -> str:
    """``$2.01``; below one cent still a number, never "free"."""
    return f"${usd:.2f}"


def hourly(usd: float) -> str:
    """``$10`` or ``$7.50``: what an hour costs."""
    return f"${usd:.2f}".removesuffix(".00")


def duration_words(seconds: float) -> str:
    """``4 s``, ``12 min 04 s``, ``1 h 02 min``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {left:02d} s" if minutes else f"{left} s"


def clock(seconds: float) -> str:
    """``00:42``, ``1:02:03``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes:02d}:{left:02d}"


def countdown(seconds: float) -> str:
    """``0:52``, ``12:04``: what is left, never less than nothing."""
    minutes, left = divmod(max(0, math.ceil(seconds)), 60)
    return f"{minutes}:{left:02d}"
