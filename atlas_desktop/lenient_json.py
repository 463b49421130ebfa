"""Reading JSON that others wrote or that lay on a disk: whatever it holds, there is one kind of error.

The readers of single values return a usable value or say that there is none: they never raise.
"""

import json
import math
from typing import Any, Final

LARGEST_NUMBER: Final = 1e9
"""Seconds, cents and dollars stay below it: products of larger ones may overflow, and no limit holds."""
# Python takes quadratic time over long integers, and from 4,300 digits on refuses them.
_MOST_DIGITS: Final = 300
_LONGEST_NUMBER_TEXT: Final = 100


def parse(text: str | bytes | bytearray) -> Any:
    """Return the value that ``text`` holds; an integer of more than 300 digits becomes infinite.

    Raises:
        ValueError: It is not JSON, or nested too deeply.
    """
    if not isinstance(text, str):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    try:
        return DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("too deep") from error


def parse_object(text: str | bytes | bytearray) -> dict[str, Any]:
    """Return the JSON object that ``text`` holds.

    Raises:
        ValueError: It is not a JSON object.
    """
    found = parse(text)
    if isinstance(found, dict):
        return found
    raise ValueError("not a JSON object")


def parse_or_none(text: str | bytes | bytearray) -> Any:
    """Return the value that ``text`` holds, ``None`` where it is not JSON."""
    try:
        return parse(text)
    except ValueError:
        return None


def text_of(value: object, longest: int = 4096) -> str:
    """Return ``value`` if it is text, cut to ``longest`` characters; empty for anything else."""
    return value[:longest] if isinstance(value, str) else ""


def number_of(value: object, *, from_text: bool = False) -> float | None:
    """Return ``value`` as a number from 0 to below a billion; ``None`` for anything else.

    Args:
        value: Anything.
        from_text: Accept a number written as text, too.
    """
    if isinstance(value, str) and from_text:
        value = value[:_LONGEST_NUMBER_TEXT]
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    # NaN is in no range.
    return number if 0 <= number < LARGEST_NUMBER else None


def _parse_int(digits: str) -> float:
    return int(digits) if len(digits) <= _MOST_DIGITS else math.copysign(math.inf, digits[0] != "-" or -1)


DECODER: Final = json.JSONDecoder(parse_int=_parse_int)
"""For text that holds more than one object in a row."""
