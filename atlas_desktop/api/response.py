"""HTTP responses, and the parsing common to all of them."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any

from atlas_desktop.lenient_json import parse_or_none
from atlas_desktop.logs import redact
from atlas_desktop.redaction import known

DEFAULT_RETRY_AFTER_S = 5.0
LONGEST_RETRY_AFTER_S = 3600.0

_DETAIL_LIMIT = 200
READ_LIMIT = 4096
"""How many characters of a foreign text are read, whatever its length."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP response: status, headers (names in lower case) and body."""

    host: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_html(self) -> bool:
        """Whether it is a web page instead of an API response."""
        return "html" in self.headers.get("content-type", "") or self.head.lstrip()[:1] == "<"

    @property
    def head(self) -> str:
        """The beginning of the text, longer than what is read of it, so that a secret in it is seen whole."""
        return self.content[: 2 * READ_LIMIT].decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body read as JSON; ``None`` when it is none."""
        return parse_or_none(self.content)


def text_in(body: Mapping[str, Any], *names: str) -> str:
    """Return the first of ``names`` that is text and not blank; else empty.

    A lone surrogate, which JSON can hold and nothing else accepts, becomes a question mark.
    """
    found = (body[name].strip() for name in names if isinstance(body.get(name), str))
    text = next((text for text in found if text), "")
    return text.encode("utf-8", "replace").decode()


def retry_after_s(answer: HttpResponse) -> float:
    """Return the delay that ``Retry-After`` asks for: seconds or an HTTP date; 5 s without one."""
    value = answer.headers.get("retry-after", "")[:_DETAIL_LIMIT].strip()
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value)
    if not math.isfinite(seconds):
        return DEFAULT_RETRY_AFTER_S
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def first_line(answer: HttpResponse) -> str:
    """Return the first readable line of a body: a page's title, or its first words."""
    text = known.blank(answer.head, READ_LIMIT)
    if answer.is_html:
        text = _words_of(text)
    line = next((line for line in text.splitlines() if line.strip()), "")
    return notice_line(line) or phrase(answer.status)


def notice_line(text: str) -> str:
    """Return ``text`` for one line of a notice: no control characters, no secret, not too long."""
    # Redacted before anything is cut or changed: a part of a secret would not be found.
    text = known.blank(text, READ_LIMIT)
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    line = redact(" ".join(printable.split()))
    return line if len(line) <= _DETAIL_LIMIT else line[: _DETAIL_LIMIT - 1] + "…"


class _Page(HTMLParser):
    """A page's title, and its visible lines."""

    _UNSEEN = ("script", "style", "title")

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.lines: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._UNSEEN:
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
        elif not self._inside:
            self.lines.append(data)


def _words_of(page: str) -> str:
    parser = _Page()
    # Raised for ``<![`` followed by an unknown keyword (Python 3.11).
    with suppress(AssertionError):
        parser.feed(page)
    return parser.title if parser.title.strip() else "\n".join(parser.lines)


def _until(date: str) -> float:
    """Return seconds until a date; NaN for an invalid one, or a year that no calendar has."""
    try:
        moment = parsedate_to_datetime(date)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - datetime.now(UTC)).total_seconds()
    except (ValueError, IndexError, TypeError, OverflowError):
        return math.nan


def phrase(status: int) -> str:
    """Return HTTP's own phrase for ``status``."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"
