"""An answer that is being made, and its body: what is meant, or something near it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.hostile.answers.shapes import FIELDS, any_json, deep, error_fields, object_of, spoiled


@dataclass
class Draft:
    """A case that is being made.

    Attributes:
        is_plain: Whether its status line and headers are as they should be.
        is_legible: Whether a session's id in it can be read, however odd the rest is.
    """

    chance: random.Random
    call: str
    is_plain: bool
    status: int = 200
    line: bytes = b""
    headers: list[bytes] = field(default_factory=list)
    body: bytes = b""
    tail: bytes = b""
    drips: bool = False
    keeps_open: bool = True
    is_legible: bool = True
    words: list[str] = field(default_factory=list)

    def note(self, words: str, *, legible: bool = True) -> None:
        """Say what is odd about it, and whether an id can be read all the same."""
        self.words.append(words)
        self.is_legible = self.is_legible and legible


def set_body(draft: Draft) -> None:
    """Give it a body."""
    chance = draft.chance
    is_error = draft.status >= 400 and chance.random() < 0.8
    fields = (error_fields if is_error else FIELDS[draft.call])(chance)
    if chance.random() < 0.4:
        fields = spoiled(chance, fields)
    text = object_of(fields)
    # Only of the usual id is said that it must come through: the others are tried for what they do.
    draft.is_legible = draft.is_legible and _names_id(text)
    if chance.random() < 0.3:
        text = chance.choice(_TEXT_FAULTS)(draft, text)
    draft.body = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.05:
        draft.body = chance.choice(_BYTE_FAULTS)(draft, draft.body)


def _names_id(text: str) -> bool:
    place = max(text.find('"session_id": "ses_0'), text.find('"sessionId": "ses_0'))
    # Far in front of where an answer is cut off.
    return 0 <= place < _FAR and text.count("session_id") + text.count("sessionId") == 1


_FAR: Final = 500_000


def _cut(draft: Draft, text: str) -> str:
    # Behind the id, if there is one.
    place = text.find("ses_0")
    least = 0 if place < 0 else place + 30
    draft.note("cut off")
    return text[: draft.chance.randint(min(least, len(text)), len(text))]


def _page(draft: Draft, text: str) -> str:
    words = draft.chance.choice(("<script ", "<!--", "<title>", "<![x[", "<!DOCTYPE ", "&#x", "</", "<a b='"))
    draft.note(f"page of {words}", legible=False)
    return "<html>" + words * draft.chance.choice((1, 50, 50_000))


def _other(words: str, change: Callable[[random.Random, str], str], *, legible: bool = True) -> "_TextFault":
    def spoil(draft: Draft, text: str) -> str:
        draft.note(words, legible=legible)
        return change(draft.chance, text)

    return spoil


_TextFault = Callable[[Draft, str], str]
_TEXT_FAULTS: Final[tuple[_TextFault, ...]] = (
    _cut,
    _page,
    _other("more behind it", lambda chance, text: text + any_json(chance)),
    _other("deep inside", lambda chance, text: f'{text[:-1]}, "deep": {deep(chance)}}}'),
    _other("digits inside", lambda chance, text: f'{text[:-1]}, "n": {"7" * 100_000}}}'),
    _other("wrapped", lambda chance, text: f'{{"data": {text}}}'),
    _other("in a list", lambda chance, text: f"[{text}]"),
    _other("a mark before it", lambda chance, text: "\ufeff" + text),
    _other("blanks before it", lambda chance, text: " \n" * 50_000 + text),
    _other("blanks behind it", lambda chance, text: text + " " * 100_000),
    _other("control characters", lambda chance, text: text.replace(", ", ",\x00\x07")),
    _other("deep before it", lambda chance, text: deep(chance) + text, legible=False),
    _other("anything", lambda chance, text: any_json(chance), legible=False),
    _other("deep", lambda chance, text: deep(chance), legible=False),
    _other("long", lambda chance, text: text + "[]," * 700_000, legible=False),
    _other("many lists", lambda chance, text: "[" + "[0]," * 240_000 + "0]", legible=False),
    _other("many objects", lambda chance, text: "[" + '{"a":0},' * 120_000 + "0]", legible=False),
    _other("nothing", lambda chance, text: "", legible=False),
)


def _changed(chance: random.Random, body: bytes) -> bytes:
    found = bytearray(body or b"{}")
    for _ in range(chance.randint(1, 8)):
        found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def _bytes_fault(words: str, change: Callable[[random.Random, bytes], bytes]) -> "_BytesFault":
    def spoil(draft: Draft, body: bytes) -> bytes:
        draft.note(words, legible=False)
        return change(draft.chance, body)

    return spoil


_BytesFault = Callable[[Draft, bytes], bytes]
_BYTE_FAULTS: Final[tuple[_BytesFault, ...]] = (
    _bytes_fault("random bytes", lambda chance, body: chance.randbytes(chance.choice((1, 100, 300_000)))),
    _bytes_fault("half of a character", lambda chance, body: body + b"\xf0\x9f"),
    _bytes_fault("latin", lambda chance, body: b"\xe9" + body),
    _bytes_fault("two bytes each", lambda chance, body: body.decode("utf-8", "replace").encode("utf-16")),
    _bytes_fault("some changed", _changed),
)
