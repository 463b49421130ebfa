"""The locale: C numbers for native code, the user's own for people.

WebRTC's statistics and FFmpeg's filters format and parse numbers with the C library. With a decimal comma
the first become invalid JSON, on which the native side aborts some 6 s into a session, and the second reject
"0.5". ``QApplication`` sets the locale from the environment, and so may any desktop plugin, at any
time: therefore the environment itself sets C numbers, from the very start. What people read and type
follows the locale that was set before.
"""

import locale
import logging
from collections.abc import Mapping, MutableMapping

log = logging.getLogger(__name__)

_NUMBERS = "ATLAS_DESKTOP_NUMBERS"
"""Keeps the user's own ``LC_NUMERIC``, for this process and its children."""
_ALL, _NUMERIC, _DEFAULT = "LC_ALL", "LC_NUMERIC", "LANG"
_CATEGORIES = (
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
)
"""Those of glibc. Other systems have the first six, and ignore the rest."""


def pin_c_numbers(environment: MutableMapping[str, str]) -> None:
    """Rewrite ``environment`` so that setlocale from it gives C numbers, and else what it gave before.

    Call it first of all; a second call changes nothing.
    """
    if _NUMBERS in environment:
        return
    numbers = _of(environment, _NUMERIC)
    # LC_ALL overrides all others: it is replaced by them.
    everything = environment.pop(_ALL, "")
    if everything:
        environment.update(dict.fromkeys(_CATEGORIES, everything))
    environment[_NUMBERS], environment[_NUMERIC] = numbers, "C"


def set_c_numbers() -> None:
    """Set C numbers now: call it after a library has set the locale."""
    locale.setlocale(locale.LC_NUMERIC, "C")
    if locale.localeconv()["decimal_point"] != ".":
        log.error("the C library does not write numbers with a point")


def numbers_locale(environment: Mapping[str, str]) -> str:
    """Return the locale of the numbers that the user reads and types, such as ``de_DE.UTF-8``.

    May be empty.
    """
    return environment[_NUMBERS] if _NUMBERS in environment else _of(environment, _NUMERIC)


def dates_locale(environment: Mapping[str, str]) -> str:
    """Return the locale of dates and times."""
    return _of(environment, "LC_TIME")


def for_other_programs(environment: Mapping[str, str]) -> dict[str, str]:
    """Return ``environment`` for a program that is not ours, with the user's own numbers."""
    theirs = {name: value for name, value in environment.items() if name not in (_NUMBERS, _NUMERIC)}
    numbers = environment.get(_NUMBERS) if _NUMBERS in environment else environment.get(_NUMERIC)
    if numbers:
        theirs[_NUMERIC] = numbers
    return theirs


def _of(environment: Mapping[str, str], category: str) -> str:
    # An empty variable counts as unset (POSIX).
    return environment.get(_ALL) or environment.get(category) or environment.get(_DEFAULT) or ""
