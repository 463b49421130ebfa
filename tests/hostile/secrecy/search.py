"""A search for secrets in bytes, in any form. It shares nothing with what the program does to blank them."""

import base64
import html
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

_PIECE = 12
"""So many characters in a row that are left of a secret are a finding."""
_LONGEST_TO_DECODE = 300_000
"""What is larger (a picture, a heap) is searched as it is, not decoded first."""

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\[nrt]")


@dataclass(frozen=True)
class Finding:
    """A secret that was found.

    Attributes:
        where: A file, a variable, a text of the window.
        secret: Its name.
        form: What it was encoded as.
        around: The bytes around it.
    """

    where: str
    secret: str
    form: str
    around: bytes

    def __str__(self) -> str:
        return f"{self.secret} ({self.form}) in {self.where}: {self.around!r}"


class Search:
    """Looks for named secrets. Each is found by any of its pieces of twelve characters.

    Args:
        secrets: By their names. Shorter ones are found as a whole.
    """

    def __init__(self, **secrets: str) -> None:
        self._needles = {
            needle: (name, form)
            for name, secret in secrets.items()
            for form, text in _forms(secret)
            for needle in _pieces(text)
        }
        self._short = [needle for needle in self._needles if len(needle) < _PIECE]

    def in_bytes(self, content: bytes, where: str) -> list[Finding]:
        """Every secret in ``content``, once a form."""
        found: dict[tuple[str, str], Finding] = {}
        for view in _views(content):
            for at, needle in self._places(view):
                name, form = self._needles[needle]
                around = view[max(0, at - 40) : at + len(needle) + 40]
                found.setdefault((name, form), Finding(where, name, form, around))
        return list(found.values())

    def in_text(self, text: str, where: str) -> list[Finding]:
        return self.in_bytes(text.encode("utf-8", "replace"), where)

    def in_folder(self, folder: Path) -> list[Finding]:
        """Every secret in the files below ``folder``, and in their names."""
        found: list[Finding] = []
        for file in _all_below(folder):
            found += self.in_text(file.name, f"the name {file.name}")
            # Other programs' files may go meanwhile.
            with suppress(FileNotFoundError):
                if file.is_file() and not file.is_symlink():
                    found += self.in_bytes(file.read_bytes(), str(file))
        return found

    def _places(self, view: bytes) -> Iterator[tuple[int, bytes]]:
        """Where a needle begins in ``view``."""
        # There are thousands of needles: each place is looked up, rather than each needle searched for.
        needles = self._needles
        for at in range(len(view) - _PIECE + 1):
            if (piece := view[at : at + _PIECE]) in needles:
                yield at, piece
        for needle in self._short:
            if (at := view.find(needle)) >= 0:
                yield at, needle


def _all_below(folder: Path) -> Iterator[Path]:
    yield folder
    for at, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(at, name)


def _forms(secret: str) -> Iterator[tuple[str, bytes]]:
    for name, text in (("plain", secret), ("backwards", secret[::-1])):
        yield name, text.lower().encode()
    for case in (secret, secret.lower(), secret.upper()):
        content = case.encode()
        yield "hexadecimal", content.hex().encode()
        yield "utf-16", content.decode().encode("utf-16-le").lower()
        for begin in range(3):
            # Without what the neighbours have a part in.
            text = base64.b64encode(bytes(begin) + content + bytes(3)).decode()
            yield "base64", text[-(-begin * 8 // 6) : (begin + len(content)) * 8 // 6].lower().encode()


def _pieces(text: bytes) -> Iterator[bytes]:
    yield from {text[at : at + _PIECE] for at in range(max(1, len(text) - _PIECE + 1))}


def _views(content: bytes) -> Iterator[bytes]:
    """``content`` in one case: as it came, decoded, and each without signs between its letters."""
    yield content.lower()
    if len(content) > _LONGEST_TO_DECODE:
        return
    decoded = content
    for _ in range(3):
        decoded = unquote_to_bytes(decoded)
    text = html.unescape(decoded.decode("utf-8", "replace"))
    text = _escapes_decoded(text)
    yield text.encode("utf-8", "replace").lower()
    for one in (content.decode("utf-8", "replace"), text):
        yield "".join(sign for sign in one if sign.isalnum() or sign in "_+/=").lower().encode()


def _escapes_decoded(text: str) -> str:
    return _ESCAPE.sub(_sign_of, text)


def _sign_of(escape: re.Match[str]) -> str:
    digits = escape[1] or escape[2]
    return chr(int(digits, 16)) if digits else " "
