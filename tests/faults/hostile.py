"""A service, or what is in front of it, that answers with harm: what is sent in the place of real answers.

A create is carried out: the session bills, and somewhere in what comes back is its id. An end is not: what
comes back says nothing that can be relied on. Each must be ended all the same.
"""

import gzip
import json
import random
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Body = dict[str, Any]


@dataclass(frozen=True)
class Hostile:
    """What goes out in the place of one answer.

    Attributes:
        data: The bytes.
        tail: Sent again and again behind them, until nobody listens.
        pause_s: After each of these.
    """

    data: bytes
    tail: bytes = b""
    pause_s: float = 0.0


def answer(body: bytes, *headers: str, line: str = "HTTP/1.1 200 OK") -> bytes:
    """An answer of that body."""
    head = [line, "Content-Type: application/json", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def _text(body: Body, **fields: Any) -> bytes:
    return json.dumps({**body, **fields}).encode()


def _more(text: str) -> Callable[[Body], Hostile]:
    """One more field, as text: what no JSON of ours would hold."""
    return lambda body: Hostile(answer(_text(body)[:-1] + b", " + text.encode() + b"}"))


def _changed(**fields: Any) -> Callable[[Body], Hostile]:
    return lambda body: Hostile(answer(_text(body, **fields)))


def _status(line: str) -> Callable[[Body], Hostile]:
    return lambda body: Hostile(answer(_text(body), line=line))


CREATES: Final[Mapping[str, Callable[[Body], Hostile]]] = {
    "digits as pricing": _changed(pricing="1" * 100_000),
    "a number of 100,000 digits": _more('"max": ' + "9" * 100_000),
    "a price that begins again and again": _changed(pricing="$1 " * 30_000),
    "no token": lambda body: Hostile(answer(_text({k: v for k, v in body.items() if k != "token"}))),
    "a token of 300 kB": _changed(token="t" * 300_000),
    "half a character as token": _changed(token="\ud800"),
    "a room address of odd shape": _changed(livekit_url="wss://[::1"),
    "a room address with half a character": _changed(livekit_url="wss://\udfff.example"),
    "deep inside": _more('"deep": ' + "[" * 100_000),
    "more behind it": lambda body: Hostile(answer(_text(body) + b"<script " * 10_000)),
    "wrapped": lambda body: Hostile(answer(json.dumps({"data": [body]}).encode())),
    "not whole": lambda body: Hostile(answer(_text(body) + bytes(9))[:-20]),
    "gzip twice": lambda body: Hostile(
        answer(gzip.compress(gzip.compress(_text(body))), "Content-Encoding: gzip, gzip")
    ),
    "deflate": lambda body: Hostile(answer(zlib.compress(_text(body)), "Content-Encoding: deflate")),
    "plain, said to be gzip": lambda body: Hostile(answer(_text(body), "Content-Encoding: gzip")),
    "a bomb behind it": lambda body: Hostile(
        answer(gzip.compress(_text(body) + bytes(200 << 20), 1), "Content-Encoding: gzip")
    ),
    "500": _status("HTTP/1.1 500 Oh"),
    "502, a minute of scripts": lambda body: Hostile(
        answer(_text(body) + b"<script " * 50_000, line="HTTP/1.1 502 Bad Gateway")
    ),
    "302": _status("HTTP/1.1 302 Elsewhere\r\nLocation: http://[::1"),
    "endless": lambda body: Hostile(_head() + _text(body), b" " * 65_536),
    "dripping": lambda body: Hostile(_head() + _text(body)[:-1], b" ", 0.5),
    "cookies": lambda body: Hostile(
        answer(b"[" + _text(body), *(f"Set-Cookie: c{n}={'y' * 1_000}" for n in range(80)))
    ),
    "an odd figure everywhere": _more(
        '"max_duration_seconds": 1e400, "duration_seconds": NaN, "room": "\\ud800", "mode": {"a": []}'
    ),
}

ENDS: Final[Mapping[str, Callable[[Body], Hostile]]] = {
    "a bomb": lambda _: Hostile(
        answer(gzip.compress(gzip.compress(bytes(300 << 20), 1)), "Content-Encoding: gzip, gzip")
    ),
    "endless": lambda _: Hostile(_head(), b"[" * 65_536),
    "dripping": lambda _: Hostile(_head() + b"{", b" ", 0.5),
    "a dripping head": lambda _: Hostile(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.5),
    "502, a minute of scripts": lambda _: Hostile(
        answer(b"<script " * 50_000, line="HTTP/1.1 502 Bad Gateway")
    ),
    "<![x[": lambda _: Hostile(answer(b"<![x[ <title>", line="HTTP/1.1 503 No")),
    "wait until the year 10^9": lambda _: Hostile(
        answer(
            b'{"error": "rate_limited", "message": "Slow."}',
            "Retry-After: Fri, 31 Dec 1000000000 23:59:59 GMT",
            line="HTTP/1.1 429 Slow",
        )
    ),
    "about another session": lambda _: Hostile(answer(b'{"session_id": "ses_x", "status": "ended"}')),
    "it goes on": lambda body: Hostile(answer(_text(body, status="active"))),
    "an error that is none": lambda _: Hostile(answer(b'{"error": "internal_error", "message": "Oh."}')),
    "a list": lambda _: Hostile(answer(b"[" * 5_000)),
    "digits": lambda _: Hostile(answer(b'{"duration_seconds": ' + b"9" * 100_000)),
    "no status line": lambda _: Hostile(b"\x16\x03\x01\xff\r\n\r\n"),
    "an odd status line": lambda _: Hostile(answer(b"{}", line="HTTP/1.1 20x OK")),
    "many answers before it": lambda _: Hostile(b"HTTP/1.1 100 Go on\r\n\r\n" * 5_000),
    "not whole": lambda _: Hostile(answer(b'{"status": "ended"}')[:-4]),
    "401": lambda _: Hostile(answer(b"<html>", line="HTTP/1.1 401 No")),
    "a page of 404": lambda _: Hostile(answer(b"<html><title>Not here", line="HTTP/1.1 404 No")),
    "half a character": lambda _: Hostile(
        answer(b'{"error": "\\ud800", "message": "\\udfff\\u0000"}', line="HTTP/1.1 409 No")
    ),
}

STATUSES: Final[Mapping[str, Callable[[Body], Hostile]]] = {
    **{name: ENDS[name] for name in ("a bomb", "endless", "dripping", "a list", "no status line", "<![x[")},
    "an odd status": lambda _: Hostile(answer(b'{"status": "\\ud800", "duration_seconds": 1e308}')),
    "digits": lambda _: Hostile(answer(b'{"status": "active", "duration_seconds": ' + b"9" * 100_000)),
}


def _head() -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n"


@dataclass
class Spoiler:
    """Spoils the next answers to requests of one method.

    Attributes:
        method: Whose.
        shapes: What takes their place, one after the other.
        times: How many are left.
        passes_on: Whether the request is carried out.
        names: Of those that went out.
    """

    method: str
    shapes: Mapping[str, Callable[[Body], Hostile]]
    times: int
    passes_on: bool
    chance: random.Random
    names: list[str]

    def takes(self, request: bytes) -> bool:
        """Whether this request is one of those; counts it."""
        if not self.times or not request.startswith(self.method.encode() + b" /v1/realtime/session"):
            return False
        self.times -= 1
        return True

    def hostile(self, real: bytes) -> Hostile:
        """What goes out in the place of ``real`` (empty where nobody was asked)."""
        name = self.chance.choice(list(self.shapes))
        self.names.append(name)
        try:
            body = json.loads(real.partition(b"\r\n\r\n")[2] or b"{}")
        except ValueError:
            body = {}
        return self.shapes[name](body)
