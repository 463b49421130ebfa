"""Redaction of the secrets in use: their holders register them here.

A service, a proxy or a room may echo what it was sent, in an error, an id or a header, and in any form:
in another case, percent-encoded, escaped as in JSON or HTML, in base64 or hexadecimal, reversed, split,
glued to words. So a text is reduced to its letters and digits, decoded step by step, and compared with the
reduced forms of each secret. Pieces of a long secret are redacted, too.

Every step is linear in the text: short seeds of the secrets are looked up, and extended.
"""

import base64
import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

BLANK: Final = "[secret]"

_SEED: Final = 8
_STRIDE: Final = 5
_LEAST: Final = _SEED + _STRIDE - 1
"""So many consecutive letters and digits of a secret are redacted: any such piece contains a whole seed."""
_EXTENT: Final = 2 * _LEAST
_SHORTEST: Final = 4
"""Shorter ones are indistinguishable from ordinary words."""
_LONGEST: Final = 8_192
_SAME_SEEDS: Final = 4
"""Limit of seeds of one form, which may repeat itself, and of all: tokens of a kind begin alike."""
_SHARED_SEEDS: Final = 64
_ROUNDS: Final = 4
"""Limit of nested encodings."""
_MARGIN: Final = 2_048
"""How far a secret that begins within the limit may reach beyond it, encoded."""
_CLOSE: Final = 4
_TOKENS: Final = 16

_ESCAPE: Final = re.compile(
    r"%[uU][0-9a-fA-F]{4}|%[0-9a-fA-F]{2}|\\[uU][0-9a-fA-F]{4}|\\[uU]\{[0-9a-fA-F]{1,6}\}|\\[xX][0-9a-fA-F]{2}"
    r"|\\[\\/\"'bfnrt]|&#[xX][0-9a-fA-F]{1,6};?|&#[0-9]{1,7};?|&[a-zA-Z][a-zA-Z0-9]{1,30};|=[0-9a-fA-F]{2}"
)
_ESCAPING: Final = frozenset("%\\&=")
_DIGITS: Final = re.compile(r"[0-9a-fA-F]+")
_Span = tuple[int, int]


@dataclass(slots=True)
class _View:
    """A text in another form; each of its characters stands for a range of the original."""

    text: str
    starts: list[int]
    ends: list[int]

    def span(self, first: int, beyond: int) -> _Span:
        return self.starts[first], self.ends[beyond - 1]


class Redactor:
    """Redacts registered secrets. Thread: any.

    Secrets of fewer than four characters are not registered: they are indistinguishable from ordinary words.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: OrderedDict[str, None] = OrderedDict()
        self._lasting: dict[str, None] = {}
        self._clear_index()

    def add(self, secret: str) -> None:
        """Register a key or a password, for the process's lifetime."""
        with self._lock:
            if _SHORTEST <= len(secret) <= _LONGEST and secret not in self._lasting:
                self._lasting[secret] = None
                self._index(secret, _all_forms(secret))

    def add_token(self, token: str) -> None:
        """Register a secret of one session; at least the last sixteen are kept."""
        with self._lock:
            if not _LEAST <= len(token) <= _LONGEST or token in self._tokens:
                return
            self._tokens[token] = None
            if len(self._tokens) > 2 * _TOKENS:
                for _ in range(_TOKENS):
                    self._tokens.popitem(last=False)
                self._rebuild_index()
            else:
                self._index(token, _forms(token))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._tokens.clear()
            self._lasting.clear()
            self._clear_index()
            _all_forms.cache_clear()

    def blank(self, text: str, limit: int | None = None) -> str:
        """Return ``text`` with ``[secret]`` in place of every registered secret.

        Args:
            text: Anything.
            limit: How many of its characters are read; a secret that reaches beyond them is redacted whole.
        """
        end = len(text) if limit is None else min(limit, len(text))
        spans = self._spans(text[: end + _MARGIN])
        if not spans:
            return text[:end]
        pieces: list[str] = []
        done = 0
        for start, beyond in spans:
            if start >= end:
                break
            pieces += (text[done:start], BLANK)
            done = beyond
        return "".join((*pieces, text[done:end]))

    def finds_in(self, text: str) -> bool:
        """Return whether ``text`` holds a secret, in any form."""
        return bool(self._spans(text))

    def _clear_index(self) -> None:
        self._seeds: dict[str, list[tuple[str, int]]] = {}
        self._whole: set[str] = set()
        self._literal: set[str] = set()

    def _rebuild_index(self) -> None:
        self._clear_index()
        for secret in self._lasting:
            self._index(secret, _all_forms(secret))
        for token in self._tokens:
            self._index(token, _forms(token))

    def _index(self, secret: str, forms: Collection[str]) -> None:
        for form in forms:
            if len(form) < _SEED:
                continue
            if len(form) < _LEAST:
                self._whole = {*self._whole, form}
                continue
            for at in range(0, len(form) - _SEED + 1, _STRIDE):
                seed = form[at : at + _SEED]
                found = self._seeds.get(seed)
                if found is None:
                    self._seeds[seed] = [(form, at)]
                elif len(found) < _SHARED_SEEDS and not _ends_with(found, form):
                    found.append((form, at))
        if len(_squashed(secret)) < _LEAST:
            self._literal = {*self._literal, *map(_folded, (secret, _as_bytes(secret)))}

    def _spans(self, text: str) -> list[_Span]:
        if not (self._seeds or self._whole or self._literal):
            return []
        found: list[_Span] = []
        for view in _views(text):
            for literal in self._literal:
                found += (view.span(at, at + len(literal)) for at in _occurrences(literal, view.text))
            squashed = _without_signs(view)
            for whole in self._whole:
                found += (squashed.span(at, at + len(whole)) for at in _occurrences(whole, squashed.text))
            found += (squashed.span(*span) for span in self._pieces(squashed.text))
        return _merged(found)

    def _pieces(self, text: str) -> Iterator[_Span]:
        seeds = self._seeds
        for at in range(len(text) - _SEED + 1):
            for form, seed_at in seeds.get(text[at : at + _SEED], ()):
                first, beyond = _extended(text, at, form, seed_at)
                if beyond - first >= _LEAST:
                    yield first, beyond
                if beyond - at == _SEED + _EXTENT:
                    # Other forms could add nothing here; what follows has seeds of its own.
                    break


known: Final = Redactor()
"""The secrets of this process, global like logging."""


def holds(text: str, secret: str) -> bool:
    """Return whether ``text`` holds the whole of ``secret``, in any form.

    False for a secret that is too short.

    """
    forms = [form for form in _all_forms(secret) if len(form) >= _SEED]
    squashed = (_without_signs(view).text for view in _views(text))
    return any(form in one for one in squashed for form in forms)


def _ends_with(found: list[tuple[str, int]], form: str) -> bool:
    """Whether a seed is known often enough of this form; those of one form stand together."""
    return len(found) >= _SAME_SEEDS and found[-_SAME_SEEDS][0] is form


def _extended(text: str, at: int, form: str, seed_at: int) -> _Span:
    """Return the common range of ``text`` and ``form`` around a seed, within limits."""
    left, right = 0, _SEED
    while left < min(at, seed_at, _EXTENT) and text[at - left - 1] == form[seed_at - left - 1]:
        left += 1
    most = min(len(text) - at, len(form) - seed_at, _SEED + _EXTENT)
    while right < most and text[at + right] == form[seed_at + right]:
        right += 1
    return at - left, at + right


def _forms(secret: str) -> set[str]:
    """Return the reduced forms of a secret: letters and digits in one case."""
    content = secret.encode("utf-8", "replace")
    forms = (secret, secret[::-1], _as_bytes(secret), content.hex(), *_in_base64(content))
    return set(map(_squashed, forms))


@lru_cache(maxsize=8)
def _all_forms(secret: str) -> frozenset[str]:
    """Return the forms of ``_forms``, also with the case changed first, and rare encodings."""
    forms = _forms(secret) | _forms(secret.lower()) | _forms(secret.upper())
    content = secret.encode("utf-8", "replace")
    rare = (*_in_base32(content), *_in_base64(secret.encode("utf-16-le", "replace")))
    return frozenset(forms.union(map(_squashed, rare)))


def _in_base64(content: bytes) -> Iterator[str]:
    yield from _in_blocks(content, 3, 6, base64.b64encode)


def _in_base32(content: bytes) -> Iterator[str]:
    yield from _in_blocks(content, 5, 5, base64.b32encode)


def _in_blocks(content: bytes, block: int, bits: int, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    """Yield the encoded characters that stand for ``content`` alone, at each of its alignments."""
    for before in range(block):
        encoded = encode(bytes(before) + content).decode()
        first, beyond = -(-before * 8 // bits), (before + len(content)) * 8 // bits
        yield encoded[first:beyond]


def _views(text: str) -> Iterator[_View]:
    """Yield ``text``, and its decoded forms while decoding changes it."""
    places = list(range(len(text)))
    view = _View(text, places, list(range(1, len(text) + 1)))
    yield _in_one_case(view)
    for _ in range(_ROUNDS):
        if _ESCAPING.isdisjoint(view.text):
            return
        decoded = _decoded(view)
        if decoded.text == view.text:
            return
        view = decoded
        yield _in_one_case(view)


def _decoded(view: _View) -> _View:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for escape in _ESCAPE.finditer(view.text):
        first, beyond = escape.span()
        value = _value_of(escape[0])
        start, end = view.span(first, beyond)
        pieces += (view.text[done:first], value)
        starts += (*view.starts[done:first], *[start] * len(value))
        ends += (*view.ends[done:first], *[end] * len(value))
        done = beyond
    pieces.append(view.text[done:])
    return _View("".join(pieces), starts + view.starts[done:], ends + view.ends[done:])


def _value_of(escape: str) -> str:
    if escape[0] == "&":
        # Imported here: its table of two thousand names is not needed for the first paint.
        import html

        return html.unescape(escape)
    if escape[0] == "\\" and escape[1] not in "uxUX":
        return " " if escape[1].isalpha() else escape[1]
    digits = _DIGITS.search(escape, 2 if escape[1] in "uxUX" else 1)
    if digits is None:
        return escape
    number = int(digits[0], 16)
    return chr(number) if number <= 0x10FFFF else escape


def _in_one_case(view: _View) -> _View:
    if view.text.isascii():
        return _View(view.text.lower(), view.starts, view.ends)
    folded = [_folded(sign) for sign in view.text]
    starts = [start for start, signs in zip(view.starts, folded, strict=True) for _ in signs]
    ends = [end for end, signs in zip(view.ends, folded, strict=True) for _ in signs]
    return _View("".join(folded), starts, ends)


def _without_signs(view: _View) -> _View:
    kept = [place for place, sign in enumerate(view.text) if sign.isalnum()]
    text = "".join([view.text[place] for place in kept])
    return _View(text, [view.starts[place] for place in kept], [view.ends[place] for place in kept])


def _squashed(text: str) -> str:
    return "".join(filter(str.isalnum, _folded(text)))


def _folded(text: str) -> str:
    """Fold case; letters of other widths and styles become plain ones, invisible signs are dropped."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in plain if unicodedata.category(sign) not in ("Cf", "Mn"))


def _as_bytes(secret: str) -> str:
    """Return the secret as a bytes-based encoding shows it."""
    return secret.encode("utf-8", "replace").decode("latin-1")


def _occurrences(needle: str, text: str) -> Iterator[int]:
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + 1)


def _merged(spans: list[_Span]) -> list[_Span]:
    """Return the spans in order, without overlaps; what separates two close ones is included."""
    merged: list[_Span] = []
    for start, beyond in sorted(spans):
        if merged and start <= merged[-1][1] + _CLOSE:
            merged[-1] = merged[-1][0], max(merged[-1][1], beyond)
        else:
            merged.append((start, beyond))
    return merged
