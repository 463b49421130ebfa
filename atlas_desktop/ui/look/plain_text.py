"""Foreign text made safe to show literally. No Qt."""

import os
import unicodedata

from atlas_desktop.errors import shown_name
from atlas_desktop.redaction import known

SHOWN_CHARACTERS = 4_000
SHOWN_PARAGRAPHS = 200

NAME_CHARACTERS = 160
"""As much of a name is shown in a sentence."""
_READ_CHARACTERS = 4_096

_BREAKS = str.maketrans({"\r": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n", "\v": "\n", "\f": "\n"})
# Embeddings and overrides can disguise a text as another. Isolates end with their paragraph.
_FIRST_STRONG, _POP = "\u2068", "\u2069"
_RIGHT_TO_LEFT = ("R", "AL", "AN")
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e")


def shown_text(text: str) -> str:
    """Remove control characters from ``text``; a tab becomes a space."""
    plain = text.replace("\r\n", "\n").translate(_BREAKS)
    if plain.isprintable():
        return plain
    return "".join(_shown_sign(sign) for sign in plain)


def name_in_text(name: str | os.PathLike[str], longest: int | None = NAME_CHARACTERS) -> str:
    """Return a foreign name for use inside one of our sentences.

    As ``shown_name``, and where it holds letters written right to left, apart from the words around it:
    their order stays.
    """
    # A service may echo a secret in an id, or a file be named like one.
    line = shown_name(known.blank(os.fspath(name), _READ_CHARACTERS), longest)
    turns = any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in line)
    return f"{_FIRST_STRONG}{line}{_POP}" if turns else line


def shortened(text: str) -> tuple[str, bool]:
    """Return the part of ``text`` that a list shows, and whether there is more."""
    head, has_more = text[:SHOWN_CHARACTERS], len(text) > SHOWN_CHARACTERS
    # Count every character shown as a line break.
    lines = head.replace("\r\n", "\n").translate(_BREAKS).split("\n", SHOWN_PARAGRAPHS)
    if len(lines) > SHOWN_PARAGRAPHS:
        return "\n".join(lines[:SHOWN_PARAGRAPHS]), True
    return head, has_more


def is_right_to_left(paragraph: str, fallback: bool = False) -> bool:
    """Return whether a paragraph runs right to left, by its first strong letter, else ``fallback``."""
    for sign in paragraph:
        kind = unicodedata.bidirectional(sign)
        if kind in ("L", "R", "AL"):
            return kind != "L"
    return fallback


def _shown_sign(sign: str) -> str:
    if sign == "\n":
        return sign
    if sign == "\t":
        return " "
    if sign in _OVERRIDES or unicodedata.category(sign) in ("Cc", "Cs"):
        return ""
    return sign
