"""Words from elsewhere, made fit to be shown: nothing in them is obeyed. No Qt."""

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
# Embeddings and overrides: they can make a text read as another one. Isolates end with their paragraph.
_FIRST_STRONG, _POP = "\u2068", "\u2069"
_RIGHT_TO_LEFT = ("R", "AL", "AN")
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e")


def shown_text(text: str) -> str:
    """``text`` without what would act instead of being read; a tab becomes a space."""
    plain = text.replace("\r\n", "\n").translate(_BREAKS)
    if plain.isprintable():
        return plain
    return "".join(_shown_sign(sign) for sign in plain)


def name_in_text(name: str | os.PathLike[str], longest: int | None = NAME_CHARACTERS) -> str:
    """A name, or another foreign word, as a part of one of our sentences.

    As ``shown_name``, and where it holds letters written right to left, apart from the words around it:
    their order stays.
    """
    # A service may put what it was sent into an id, or a file be called so.
    line = shown_name(known.blank(os.fspath(name), _READ_CHARACTERS), longest)
    turns = any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in line)
    return f"{_FIRST_STRONG}{line}{_POP}" if turns else line


def shortened(text: str) -> tuple[str, bool]:
    """The beginning of ``text``, as much as a list shows of it, and whether there is more."""
    head, has_more = text[:SHOWN_CHARACTERS], len(text) > SHOWN_CHARACTERS
    # All that is shown as a break is one.
    lines = head.replace("\r\n", "\n").translate(_BREAKS).split("\n", SHOWN_PARAGRAPHS)
    if len(lines) > SHOWN_PARAGRAPHS:
        return "\n".join(lines[:SHOWN_PARAGRAPHS]), True
    return head, has_more


def is_right_to_left(paragraph: str, fallback: bool = False) -> bool:
    """The direction of a paragraph, by its first strong letter; ``fallback`` where it has none."""
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
