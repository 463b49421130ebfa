"""Money, numbers and time in words, as the pages say them: written as the user's locale writes them.

The one place that formats them for people. What programs read (settings, journal, CSV, natives) is not
written here.
"""

import math
import os
import re
from datetime import date, datetime
from string import Formatter
from typing import Any
from unicodedata import bidirectional

from PySide6.QtCore import QDate, QLocale, QTime

from atlas_desktop.locales import dates_locale

_DOLLARS = "${"
_LEFT_TO_RIGHT_MARK, _RIGHT_TO_LEFT_MARK, _ARABIC_MARK = "\u200e", "\u200f", "\u061c"
_MARKS = _LEFT_TO_RIGHT_MARK + _RIGHT_TO_LEFT_MARK + _ARABIC_MARK
_ISOLATE, _RIGHT_TO_LEFT_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2067", "\u2069"


def numbers() -> QLocale:
    """The locale of numbers and money; where there is none (``C``), English."""
    chosen = QLocale()
    is_none = chosen.language() == QLocale.Language.C
    return QLocale(QLocale.Language.English, QLocale.Country.UnitedStates) if is_none else chosen


def money(usd: float) -> str:
    """Format as ``$2.01``, ``2,01 $``, ``٢٫٠١ $``; below one cent still a number, never "free"."""
    return _standing(numbers().toCurrencyString(float(usd), "$", 2))


def hourly(usd: float) -> str:
    """Format an hourly price as ``$10`` or ``$7.50``."""
    return (
        money(usd) if f"{usd:.2f}"[-2:] != "00" else _standing(numbers().toCurrencyString(float(usd), "$", 0))
    )


def money_affixes() -> tuple[str, str]:
    """Return prefix and suffix of an amount of money: ``$`` and nothing, or nothing and `` $``."""
    before, _one, after = _bare(numbers().toCurrencyString(1.0, "$", 0)).partition(numbers().toString(1))
    return before, after


def number(value: float, decimals: int = 0, *, grouped: bool = False) -> str:
    """Format as ``1234``, ``0,5``; ``grouped``: ``1,234``."""
    place = numbers()
    if not grouped:
        place.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
    return _standing(place.toString(float(value), "f", decimals))


def percent(value: int) -> str:
    """Format as ``80 %``, ``٨٠٪``."""
    sign = numbers().percent().strip(_ARABIC_MARK)
    return f"{number(value)} %" if sign == "%" else _standing(numbers().toString(value) + sign)


def fill(template: str, **params: object) -> str:
    """Fill ``template``: numbers as the locale writes them, ``${…}`` as an amount of money."""
    return _FORMATTER.format(template.replace(_DOLLARS, "{money_"), **_with_money(params))


def duration_words(seconds: float) -> str:
    """Format as ``4 s``, ``12 min 04 s``, ``1 h 02 min``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{number(hours)} h {_two(minutes)} min"
    return f"{number(minutes)} min {_two(left)} s" if minutes else f"{number(left)} s"


def clock(seconds: float) -> str:
    """Format as ``00:42``, ``1:02:03``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return _digits(f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes:02d}:{left:02d}")


def short_clock(seconds: float) -> str:
    """Format as ``0:12``, ``1:02:03``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return _digits(f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}")


def countdown(seconds: float) -> str:
    """Format remaining time as ``0:52``, ``12:04``, never negative."""
    minutes, left = divmod(max(0, math.ceil(seconds)), 60)
    return _digits(f"{minutes}:{left:02d}")


def time_of_day(moment: datetime) -> str:
    """Format as ``10:42``. ``moment`` is local."""
    return _standing(_dates().toString(QTime(moment.hour, moment.minute), "HH:mm"))


def day(moment: date, pattern: str) -> str:
    """A date by ``pattern`` (Qt's), or as the locale writes it where the year comes first."""
    short = _dates().dateFormat(QLocale.FormatType.ShortFormat)
    if short.startswith("y"):
        pattern = re.sub("y+", "yyyy", short)
    return _standing(_dates().toString(QDate(moment.year, moment.month, moment.day), pattern))


def short_day(moment: date) -> str:
    """A date as short as the locale has it."""
    return _standing(
        _dates().toString(QDate(moment.year, moment.month, moment.day), QLocale.FormatType.ShortFormat)
    )


def recent(moment: datetime) -> str:
    """Format as ``10:42``, with the day if not today. ``moment`` is local."""
    is_today = moment.date() == datetime.now().astimezone().date()
    return time_of_day(moment) if is_today else f"{short_day(moment)} {time_of_day(moment)}"


def _dates() -> QLocale:
    name = dates_locale(os.environ)
    return QLocale(name) if name else QLocale()


class _LocalFormatter(Formatter):
    """Writes numbers by the locale; the mini-language as the templates use it: ``,`` and ``.2f``."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return str(super().format_field(value, format_spec))
        _before, _point, decimals = format_spec.rstrip("f").partition(".")
        return number(value, int(decimals or 0), grouped="," in format_spec)


_FORMATTER = _LocalFormatter()


def _with_money(params: dict[str, object]) -> dict[str, object]:
    amounts = {
        f"money_{name}": _Money(value) for name, value in params.items() if isinstance(value, int | float)
    }
    return {**params, **amounts}


class _Money:
    """An amount in a template: ``${limit_usd:.2f}``."""

    def __init__(self, usd: float) -> None:
        self._usd = usd

    def __format__(self, spec: str) -> str:
        return money(self._usd)


def _two(value: int) -> str:
    return _digits(f"{value:02d}")


def _digits(text: str) -> str:
    """The same with the locale's own digits."""
    zero = numbers().zeroDigit()
    if zero == "0":
        return text
    return _standing("".join(chr(ord(zero) + int(sign)) if sign.isdigit() else sign for sign in text))


def _standing(text: str) -> str:
    """Isolate ``text`` between words of any direction."""
    bare = _bare(text)
    kinds = {bidirectional(sign) for sign in bare if sign.isalnum()}
    if kinds & {"R", "AL"}:
        return f"{_ISOLATE}{bare}{_END_OF_ISOLATE}"
    if "AN" in kinds:
        # A mark behind it works between numbers, but puts following words before its last character.
        return f"{_RIGHT_TO_LEFT_ISOLATE}{bare}{_END_OF_ISOLATE}"
    return bare


def _bare(text: str) -> str:
    """Strip the marks that a locale adds for bidirectional text."""
    return text.strip(_MARKS).replace(_RIGHT_TO_LEFT_MARK, "")
