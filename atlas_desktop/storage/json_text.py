"""JSON that lies on a disk, where anything may have happened to it: what is no use is one kind of error."""

import json
import math
from typing import Any

# Python refuses to make a number of some thousand digits, and takes long over fewer: none of ours has ten.
_MOST_DIGITS = 300


def parse(text: str) -> Any:
    """Return what ``text`` says; a whole number that is too long to be one of ours is infinite.

    Raises:
        ValueError: It is no JSON, or deeper than anything that we write.
    """
    try:
        return DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("too deep") from error


def parse_object(text: str) -> dict[str, Any]:
    """Return the JSON object that ``text`` is.

    Raises:
        ValueError: It is none.
    """
    found = parse(text)
    if isinstance(found, dict):
        return found
    raise ValueError("not a JSON object")


def text_of(value: object, longest: int = 4096) -> str:
    """Return ``value`` where it is a text, cut to what one of ours may be; empty for anything else."""
    return value[:longest] if isinstance(value, str) else ""


def _whole(digits: str) -> float:
    return int(digits) if len(digits) <= _MOST_DIGITS else math.copysign(math.inf, digits[0] != "-" or -1)


DECODER = json.JSONDecoder(parse_int=_whole)
"""For what holds more than one object in a row."""
