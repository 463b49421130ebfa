"""Words as a room sends them: made fit to be kept, and compared with others."""

import re
from typing import Final

# Control characters and lone surrogates, but the line break.
_UNFIT: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """Strips control characters but the line break; all else stays as it came."""
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return _UNFIT.sub("", lines)


def has_words(text: str) -> bool:
    """Whether there is more to it than blanks."""
    return bool(text) and not text.isspace()


def plain_words(text: str) -> str:
    """``text`` without regard to case and blanks, to be compared."""
    return " ".join(text.casefold().split())


def begin_alike(one: str, other: str) -> bool:
    """Whether one of two texts is how the other begins."""
    return one.startswith(other) or other.startswith(one)
