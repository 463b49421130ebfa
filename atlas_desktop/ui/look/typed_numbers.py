"""Numbers as people type and paste them: what is meant, in whatever digits and separators, or a refusal.

A number is never guessed to be a hundred or a thousand times another one that it may mean: a limit of 5.00
that is read as 500 is a bill of 500.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import category, decimal, normalize

_CURRENCY = re.compile(r"US\$|USD|\$", re.IGNORECASE)
_LONGEST = 64
_NO_DIGITS = ("No", "Nl")
"""Superscripts, fractions, Roman numerals: some become digits in their compatible form."""
_POINTS = ".,"
_DECIMAL_ONLY = "\u066b"
_AS_APOSTROPHE = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u0060\u00b4", "'"))
_AS_COMMA = str.maketrans({"\u060c": ","})
_GROUPED = re.compile(r"\d{1,3}(?:G\d{3})+|\d{1,2}(?:G\d{2})*G\d{3}")
"""Threes; or, as in India, twos and then three."""
_SIGNS = {"-": -1.0, "\u2212": -1.0, "+": 1.0}


class InputRefusal(StrEnum):
    """Why a text is refused."""

    EMPTY = "empty"
    NO_NUMBER = "no number"


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """What an ambiguous text may mean."""

    smaller: float
    larger: float


def read_number(text: str, *, decimal_point: str, unit: str = "") -> float | InputRefusal | Ambiguous:
    """Parse a number that was typed or pasted.

    Args:
        text: In any decimal digits, with any grouping, a dollar sign or ``unit`` beside it.
        decimal_point: That of the user's locale.
        unit: What may stand behind the number, such as ``min``.
    """
    if len(text) > _LONGEST or any(category(sign) in _NO_DIGITS for sign in text):
        return InputRefusal.NO_NUMBER
    sign, plain = _plain(text, unit)
    if not plain:
        return InputRefusal.EMPTY
    if not re.fullmatch(r"[\d.,' \u066b\u066c]*", plain) or not re.search(r"\d", plain):
        return InputRefusal.NO_NUMBER
    found = _value(plain, "," if decimal_point == "," else ".")
    match found:
        case float():
            return sign * found
        case Ambiguous():
            return Ambiguous(*sorted((sign * found.smaller, sign * found.larger)))
    return found


def _plain(text: str, unit: str) -> tuple[float, str]:
    """The sign, and the digits with their separators: ASCII digits, each kind of blank a space."""
    # Compatible forms become plain ones: full width, and the narrow blanks.
    short = normalize("NFKC", text.strip().translate(_AS_APOSTROPHE))
    signs = (" " if sign.isspace() else sign for sign in short if category(sign) != "Cf")
    plain = _CURRENCY.sub("", "".join(_ascii_digit(sign) for sign in signs), count=1).strip()
    if unit and plain.casefold().endswith(unit.strip().casefold()):
        plain = plain[: -len(unit.strip())].strip()
    factor = _SIGNS.get(plain[:1], 0.0)
    return (factor, plain[1:].strip()) if factor else (1.0, plain.translate(_AS_COMMA))


def _ascii_digit(sign: str) -> str:
    value = decimal(sign, None)
    return sign if value is None else str(value)


def _value(plain: str, point: str) -> float | InputRefusal | Ambiguous:
    if _DECIMAL_ONLY in plain:
        return _split(plain, _DECIMAL_ONLY)
    marks = [sign for sign in plain if sign in _POINTS]
    if not marks:
        return _split(plain, "")
    if len(set(marks)) == 2:
        # "1.000,50" and "1,000.50": the last kind is the decimal point, whatever the locale says.
        return _split(plain, marks[-1])
    (mark,) = set(marks)
    if len(marks) > 1:
        return _split(plain, "")
    whole, _mark, rest = plain.partition(mark)
    if mark == point or not re.fullmatch(r"\d{3}", rest) or not _may_be_group(whole):
        return _split(plain, mark)
    smaller, larger = _split(plain, mark), _split(plain, "")
    assert isinstance(smaller, float)
    assert isinstance(larger, float)
    return Ambiguous(smaller, larger)


def _may_be_group(whole: str) -> bool:
    """Whether three more digits may belong to it: "1" and "12", not "0", "" and "1 000"."""
    return bool(re.fullmatch(r"[1-9]\d{0,2}", whole))


def _split(plain: str, point: str) -> float | InputRefusal:
    """The value with ``point`` (at most one) for the decimal one, everything else for grouping."""
    whole, rest = plain.rsplit(point, 1) if point else (plain, "")
    groups = {sign for sign in whole if not sign.isdigit()}
    if len(groups) > 1 or point in groups or (rest and not rest.isdigit()):
        return InputRefusal.NO_NUMBER
    digits = whole
    for sign in groups:
        if not _GROUPED.fullmatch(whole.replace(sign, "G")):
            return InputRefusal.NO_NUMBER
        digits = whole.replace(sign, "")
    if not digits and not rest:
        return InputRefusal.NO_NUMBER
    return float(f"{digits or '0'}.{rest or '0'}")
