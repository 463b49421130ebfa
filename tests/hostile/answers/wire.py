"""Answers as bytes on the wire: status line, headers, framing and packing, each as it should be or not."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.hostile.answers.draft import Draft, set_body
from tests.hostile.answers.packing import PACKINGS

CALLS: Final = ("create", "create", "create", "end", "end", "status", "viewer", "face")
DRIP_S: Final = 0.02
_STATUSES: Final = (
    *(200, 200, 200, 200, 200, 200, 201, 202, 204, 206, 301),
    *(302, 303, 307, 400, 401, 402, 403, 404, 405, 408),
    *(409, 410, 413, 418, 422, 429, 431, 451, 500, 501, 502, 503, 504, 507, 520, 599, 600, 999),
)
# Several of these are more than any client takes as an answer's head.
_LONG: Final = 1_000
_PIECE: Final = b"0123456789abcdef" * 4096


@dataclass(frozen=True)
class Case:
    """One answer.

    Attributes:
        number: Which; with the campaign's seed it is made again from it.
        call: What it answers.
        parts: What is sent: bytes, one after the other.
        tail: Sent again and again until nobody listens, after the parts; empty for nothing.
        drips: Whether the tail goes out byte by byte, with pauses.
        keeps_open: Whether the connection stays when all is sent.
        must_give_id: Whether the id of a session that was made can be read, however odd the rest is.
        words: What it is, for people.
    """

    number: int
    call: str
    parts: tuple[bytes, ...]
    tail: bytes = b""
    drips: bool = False
    keeps_open: bool = True
    must_give_id: bool = False
    words: str = ""


def case(seed: int, number: int) -> Case:
    """The case of that number: the same one for the same seed."""
    chance = random.Random(f"{seed}/{number}")
    draft = Draft(chance, chance.choice(CALLS), is_plain=chance.random() < 0.5)
    _set_status(draft)
    set_body(draft)
    _pack(draft)
    _add_headers(draft)
    head_and_body = _framed(draft)
    made = draft.call == "create" and (draft.status < 400 or draft.status >= 500)
    return Case(
        number,
        draft.call,
        head_and_body,
        draft.tail,
        draft.drips,
        draft.keeps_open,
        made and draft.is_legible,
        ", ".join([draft.call, str(draft.status), *draft.words]),
    )


def _set_status(draft: Draft) -> None:
    chance = draft.chance
    draft.status = chance.choice(_STATUSES) if chance.random() < 0.6 else 200
    draft.line = f"HTTP/1.1 {draft.status} So".encode()
    if not draft.is_plain and chance.random() < 0.2:
        draft.line = chance.choice(_LINES)(chance)
        draft.note(f"line {draft.line[:30]!r}", legible=False)
    if draft.status == 204:
        draft.note("no body", legible=False)


_LINES: Final[tuple[Callable[[random.Random], bytes], ...]] = (
    lambda _: b"",
    lambda _: b"HTTP/1.1 abc OK",
    lambda _: b"HTTP/9.9 200 OK",
    lambda _: b"HTTP/0.9",
    lambda _: b"ICY 200 OK",
    lambda _: b"HTTP/1.1 200",
    lambda _: b"HTTP/1.1 000 Nothing",
    lambda _: b"HTTP/1.1 -1 Less",
    lambda _: b"HTTP/1.1 20000 More",
    lambda _: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x",
    lambda _: b"HTTP/1.1 200 " + b"long " * 40_000,
    lambda _: b"HTTP/1.1 200 \xff\xfe\x80",
    lambda _: b"HTTP/1.1 200 \x00",
    lambda _: b"HTTP/1.0 200 Old",
    lambda _: b"\r\n\r\nHTTP/1.1 200 OK",
    lambda _: b"HTTP/1.1 100 Go on\r\n\r\n" * 3_000 + b"HTTP/1.1 200 OK",
    lambda _: b"PRI * HTTP/2.0\r\n\r\nSM",
    lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01",
    lambda chance: chance.randbytes(chance.choice((1, 50, 5_000))),
)


def _pack(draft: Draft) -> None:
    chance = draft.chance
    if chance.random() > 0.25:
        return
    coding, packed, legible = chance.choice(PACKINGS)(chance, draft.body)
    draft.body = packed
    draft.headers.append(b"Content-Encoding: " + coding)
    draft.note(f"packed as {coding[:30].decode('latin-1')}", legible=legible)


def _add_headers(draft: Draft) -> None:
    chance = draft.chance
    draft.headers.append(b"Content-Type: " + chance.choice(_TYPES))
    count = 0 if draft.is_plain else chance.choice((0, 1, 2))
    for words, lines, legible in chance.sample(_HEADERS, count):
        draft.headers += lines
        # Two long ones are longer than any client takes.
        draft.note(words, legible=legible and count == 1)
    if draft.status in (429, 503) or chance.random() < 0.1:
        value = chance.choice(_RETRIES)
        draft.headers.append(b"Retry-After: " + value)
        draft.note(f"retry after {value[:20]!r}", legible=b"\x00" not in value and len(value) < _LONG)
    if 300 <= draft.status < 400:
        place = chance.choice(_LOCATIONS)
        draft.headers.append(b"Location: " + place)
        draft.note(f"to {place[:20]!r}", legible=len(place) < _LONG)


_TYPES: Final = (
    *(b"application/json", b"application/json; charset=utf-16", b"text/html"),
    *(b"text/html; charset=nonsense", b""),
    *(b"application/json; charset=\xff", b";;;"),
    *(b"application/json" * 500, b"multipart/form-data; boundary=x"),
)
_RETRIES: Final = (
    *(b"3", b"-4", b"1e400", b"nan", b"9" * 5_000),
    *(b"Fri, 31 Dec 1000000000 23:59:59 GMT", b"0x10", b"", b"soon"),
    *(b"Fri, 31 Dec 9999 23:59:59 -2359", b"Mon, 01 Jan 0001 00:00:00 +2359", b"99 99 99 99 99"),
    *(b"\xff", b"\x00"),
    *(b"Sun, 06 Nov 1994 08:49:37 GMT", b"Sun, 06 Nov 1994 08:49:37 +99999999", b", " * 20_000),
    *(b"1_0", b"1;2"),
    *(b"Sun, 06 Nov 1994 99999999999999999999:49:37 GMT", b"0 Jan 0 0:0:0"),
    *(b"Tue " * 10_000, b"(((((" * 10_000),
)
_LOCATIONS: Final = (
    *(b"https://elsewhere.example/", b"//", b"http://[", b"http://[::1"),
    *(b"http://a:99999/", b"/../..", b"\xff\xfe"),
    *(b"http://" + b"a" * 70_000, b"javascript:x", b"http://\xe2\x84\x80.example/"),
    *(b"http://xn--/", b"http://a b/"),
)
_HEADERS: Final = (
    ("odd bytes", [b"X-Odd: \xff\xfe\x80\x01"], False),
    ("a zero", [b"X-Zero: a\x00b"], False),
    ("no name", [b": nothing"], False),
    ("no colon", [b"nothing at all"], False),
    ("a blank in a name", [b"X Y: z"], False),
    ("a folded line", [b"X-Folded: a", b"\tb", b" c"], False),
    ("many", [b"X-%d: y" % number for number in range(5_000)], True),
    ("too many", [b"X-%d: y" % number for number in range(50_000)], False),
    ("a long one", [b"X-Long: " + b"y" * 90_000], True),
    ("too long a one", [b"X-Long: " + b"y" * 900_000], False),
    ("cookies", [b"Set-Cookie: c%d=%s; Max-Age=99999999" % (n, b"y" * 500) for n in range(150)], True),
    ("a cookie of a year 10^9", [b"Set-Cookie: c=1; Expires=Fri, 31 Dec 1000000000 23:59:59 GMT"], True),
    ("two types", [b"Content-Type: text/html", b"Content-Type: \xff"], False),
    ("close", [b"Connection: close"], True),
    ("upgrade", [b"Connection: upgrade", b"Upgrade: h2c"], True),
    ("authenticate", [b"WWW-Authenticate: Basic realm=\xff", b"Proxy-Authenticate: Negotiate"], False),
    ("a trailer to come", [b"Trailer: X"], True),
    ("a date", [b"Date: \xff", b"Age: -1"], False),
)


def _framed(draft: Draft) -> tuple[bytes, ...]:
    """The answer's bytes: most are framed as they should be."""
    chance = draft.chance
    framing = _exact if chance.random() < 0.55 else chance.choice(_FRAMINGS)
    length, body = framing(draft)
    head = b"\r\n".join([draft.line, *draft.headers, *length, b"", b""])
    if chance.random() < 0.1:
        # In pieces of any size.
        whole = head + body
        places = sorted(chance.randrange(len(whole) + 1) for _ in range(6))
        return tuple(_between(whole, places))
    return head, body


def _between(whole: bytes, places: list[int]) -> Iterator[bytes]:
    for begin, end in zip([0, *places], [*places, len(whole)], strict=True):
        yield whole[begin:end]


_Framed = tuple[list[bytes], bytes]


def _exact(draft: Draft) -> _Framed:
    return [b"Content-Length: %d" % len(draft.body)], draft.body


def _chunked(draft: Draft) -> _Framed:
    return [b"Transfer-Encoding: chunked"], _chunks(draft, draft.body) + b"0\r\n\r\n"


def _chunks(draft: Draft, body: bytes) -> bytes:
    size = (
        draft.chance.choice((1_000, 65_536, 1_000_000))
        if len(body) > 2_000
        else draft.chance.choice((7, 4_000))
    )
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def _until_closed(draft: Draft) -> _Framed:
    draft.keeps_open = False
    draft.note("until it closes")
    return [], draft.body


def _promised_more(draft: Draft) -> _Framed:
    draft.keeps_open = draft.chance.random() < 0.3
    draft.note("less than promised" + (", and it waits" if draft.keeps_open else ""))
    return [b"Content-Length: %d" % (len(draft.body) + draft.chance.choice((1, 10**6, 10**15)))], draft.body


def _promised_less(draft: Draft) -> _Framed:
    draft.note("more than promised", legible=False)
    return [b"Content-Length: %d" % (len(draft.body) // 2)], draft.body


def _unfinished_chunks(draft: Draft) -> _Framed:
    draft.keeps_open = draft.chance.random() < 0.3
    draft.note("the last chunk is missing" + (", and it waits" if draft.keeps_open else ""))
    return [b"Transfer-Encoding: chunked"], _chunks(draft, draft.body)


def _bad_chunks(draft: Draft) -> _Framed:
    chance = draft.chance
    draft.note("chunks of no size", legible=False)
    sizes = (b"zz", b"-1", b"f" * 30, b" 5 ", b"", b"0x5", b"5" + b";x=y" * 50_000, b"\xff", b"5\n")
    return [b"Transfer-Encoding: chunked"], chance.choice(sizes) + b"\r\n" + draft.body + b"\r\n0\r\n\r\n"


def _trailers(draft: Draft) -> _Framed:
    draft.note("trailers", legible=False)
    end = b"0\r\n" + b"X: y\r\n" * draft.chance.choice((1, 5_000, 100_000)) + b"\r\n"
    return [b"Transfer-Encoding: chunked"], _chunks(draft, draft.body) + end


def _odd_lengths(draft: Draft) -> _Framed:
    length = draft.chance.choice((b"-1", b"+5", b"1e3", b"", b"9" * 400, b"0x10", b"5, 5", b"5, 6", b"\xb2"))
    draft.note(f"length {length[:10]!r}", legible=False)
    draft.keeps_open = False
    return [b"Content-Length: " + length], draft.body


def _odd_transfers(draft: Draft) -> _Framed:
    coding = draft.chance.choice((b"gzip, chunked", b"chunked, chunked", b"identity", b"x" * 9_000, b"\xff"))
    draft.note(f"transfer {coding[:20]!r}", legible=False)
    draft.keeps_open = False
    lengths = [b"Transfer-Encoding: " + coding, b"Content-Length: 7", b"Content-Length: 8"]
    return lengths[: draft.chance.randint(1, 3)], draft.body


def _endless(draft: Draft) -> _Framed:
    draft.tail = draft.chance.choice((b" ", b"x", b"[", b"\x00")) * 65_536
    draft.note("endless")
    return [], draft.body


def _endless_chunks(draft: Draft) -> _Framed:
    draft.tail = b"10000\r\n" + _PIECE + b"\r\n"
    draft.note("endless chunks")
    return [b"Transfer-Encoding: chunked"], _chunks(draft, draft.body)


def _dripping(draft: Draft) -> _Framed:
    draft.tail, draft.drips = b" ", True
    draft.note("dripping")
    return [b"Content-Length: 10000000"], draft.body


def _dripping_head(draft: Draft) -> _Framed:
    draft.tail, draft.drips = b"X-Drip: y\r\n", True
    draft.note("a dripping head", legible=False)
    draft.headers.append(b"X: ")
    return [], b""


def _silent(draft: Draft) -> _Framed:
    draft.line, draft.headers = draft.line[: draft.chance.randrange(len(draft.line) + 1)], []
    draft.keeps_open = draft.chance.random() < 0.5
    draft.note("it stops early", legible=False)
    return [], b""


_FRAMINGS: Final[tuple[Callable[[Draft], _Framed], ...]] = (
    *(_chunked, _chunked, _chunked, _until_closed, _until_closed, _promised_more, _promised_less),
    *(_unfinished_chunks, _bad_chunks, _bad_chunks, _trailers, _odd_lengths, _odd_lengths, _odd_transfers),
    *(_odd_transfers, _endless, _endless_chunks, _dripping, _dripping_head, _silent),
)
