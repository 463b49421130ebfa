"""HTTP requests in hostile shapes; ``{KEY}``, ``{TOKEN}`` and ``{SESSION}`` stand for those of the run."""

import dataclasses
import gzip
import random

from atlas_desktop.local_atlas.interfaces import RoomOptions
from atlas_desktop.local_atlas.rest.accounts import ServiceTerms
from atlas_desktop.local_atlas.rest.fault_orders import RestFault, RoomFault
from tests.hostile.local.values import HEADER_VALUES, json_object, json_value, mutated, picked
from tests.unit.local_atlas.toys import picture

_SESSION = b"/v1/realtime/session"
_TARGETS = (
    b"/",
    b"/v1/health",
    b"/v1/status",
    b"/v1/me",
    _SESSION,
    _SESSION + b"/{SESSION}",
    _SESSION + b"/{SESSION}/viewer",
    b"/v1/generate",
    b"/v1/jobs",
    b"/v1/jobs?limit=-1",
    b"/v1/jobs?limit=" + b"9" * 5_000,
    b"/v1/jobs/job_x/result",
    b"/files/x",
    b"/files/..%2f..%2fetc%2fpasswd",
    b"/rtc",
    b"/rtc/v1",
    b"/rtc/v1?join_request=" + b"A" * 60_000,
    b"/rtc/validate?access_token={TOKEN}",
    b"/rtc/v1/validate?access_token=" + b"W1tb" * 800,
    b"/local/books",
    b"/local/faults",
    b"/%ff%fe",
    b"/\xff\xfe",
    b"//evil.example/v1/me",
    b"http://evil.example/v1/me",
    b"*",
    b"",
    b"/" + b"a" * 8_000,
    b"/" + b"a" * 200_000,
    b"/v1/me?" + b"&a" * 20_000,
    b"/v1/me#x",
    b"/v1/../local/books",
    b"evil.example:443",
)
_METHODS = (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"BREW")
_HEADERS = (
    b"Host",
    b"Authorization",
    b"Content-Length",
    b"Content-Type",
    b"Content-Encoding",
    b"Transfer-Encoding",
    b"Expect",
    b"Upgrade",
    b"Connection",
    b"Origin",
    b"Range",
    b"If-Modified-Since",
    b"If-Range",
    b"Cookie",
    b"Accept",
    b"X-Callback-URL",
    b"X-\xff",
    b"Bad Name",
    b"",
    b"Sec-WebSocket-Key",
    b"Sec-WebSocket-Version",
    b"Sec-WebSocket-Extensions",
)
_GOOD = b"Host: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
_REST, _ROOM, _ROOMS, _TERMS = (
    [field.name for field in dataclasses.fields(kind)]
    for kind in (RestFault, RoomFault, RoomOptions, ServiceTerms)
)


def request(chance: random.Random) -> bytes:
    """One hostile request."""
    made: bytes = picked(
        chance, _noise, _line, _headers, _framing, _json, _json, _form, _form, _order, _order
    )
    return made


def with_body(method: bytes, target: bytes, body: bytes, headers: bytes = b"") -> bytes:
    """A request that shows the key, and whose length is true."""
    head = b"%s %s HTTP/1.1\r\n%s%sContent-Length: %d\r\n\r\n" % (method, target, _GOOD, headers, len(body))
    return head + body


def _noise(chance: random.Random) -> bytes:
    plain = b"GET /v1/me HTTP/1.1\r\n" + _GOOD + b"\r\n"
    kinds = (
        chance.randbytes(chance.randint(1, 3_000)),
        mutated(chance, plain, 10),
        plain * 40,
        b"\r\n" * 500,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(200),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    )
    return chance.choice(kinds)


def _line(chance: random.Random) -> bytes:
    method, target = chance.choice(_METHODS), chance.choice(_TARGETS)
    version = chance.choice((b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b"HTTP/1.1" * 9, b"", b"\xff"))
    return b"%s %s %s\r\n%s\r\n" % (
        method,
        target,
        version,
        chance.choice((_GOOD, b"", b"Host: localhost\r\n")),
    )


def _headers(chance: random.Random) -> bytes:
    lines = [_GOOD] if chance.random() < 0.7 else []
    for _ in range(chance.choice((1, 1, 2, 3, 120, 300))):
        lines.append(chance.choice(_HEADERS) + b": " + chance.choice(HEADER_VALUES) + b"\r\n")
    method, target = chance.choice(_METHODS), chance.choice(_TARGETS[:21])
    return b"%s %s HTTP/1.1\r\n%s\r\n" % (method, target, b"".join(lines))


def _framing(chance: random.Random) -> bytes:
    """Bodies whose length or pieces lie."""
    head = b"POST " + chance.choice((_SESSION, b"/local/faults", b"/v1/generate")) + b" HTTP/1.1\r\n" + _GOOD
    pieces = (
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}   \r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 9_000 + b"\r\n{\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\n{ }\r\n0\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 30\r\n\r\n{ }",
        b"Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}",
        b"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
        % (len(_BOMB), _BOMB),
        b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}",
        b"Content-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\n",
    )
    return head + chance.choice(pieces)


def _json(chance: random.Random) -> bytes:
    target = chance.choice(
        (_SESSION, _SESSION + b"/{SESSION}", _SESSION + b"/{SESSION}/viewer", b"/v1/generate")
    )
    text = chance.choice((json_object(chance, ["mode", "face_url"]), json_value(chance)))
    body = text.encode()
    if chance.random() < 0.2:
        body = mutated(chance, body)
    if chance.random() < 0.02:
        body = b"[]," * 700_000
    return with_body(chance.choice((b"POST", b"PATCH")), target, body, b"Content-Type: application/json\r\n")


def _form(chance: random.Random) -> bytes:
    picture = chance.choice((b"", b"\x89PNG\r\n\x1a\n" + chance.randbytes(400), _PNG, mutated(chance, _PNG)))
    parts = []
    for _ in range(chance.choice((1, 2, 3, 30, 2_000))):
        name = chance.choice((b"face", b"mode", b"audio", b"image", b"", b"\xff", b"n" * 9_000))
        file = chance.choice((b'; filename="f"', b"; filename*=utf-8''%ff", b'; filename="\xff', b""))
        extra = chance.choice(
            (
                b"",
                b"\r\nContent-Type: image/png",
                b"\r\nContent-Encoding: gzip",
                b"\r\nContent-Transfer-Encoding: base64",
                b"\r\nContent-Length: 99999999",
                b"\r\nContent-Type: multipart/mixed; boundary=y",
            )
        )
        head = b'--x\r\nContent-Disposition: form-data; name="%s"%s%s\r\n\r\n' % (name, file, extra)
        parts.append(
            head + chance.choice((picture, b"conversation", b"RIFF", b"#EXTM3U\nfile:///etc/passwd\n"))
        )
    body = b"\r\n".join(parts) + chance.choice((b"\r\n--x--\r\n", b"\r\n--x", b"", b"\r\n--x--" * 50))
    if chance.random() < 0.3:
        body = mutated(chance, body)
    method, target = chance.choice(
        ((b"POST", _SESSION), (b"PATCH", _SESSION + b"/{SESSION}"), (b"POST", b"/v1/generate"))
    )
    boundary = chance.choice((b"x", b"x", b"x", b"", b'"x', b"y"))
    return with_body(
        method, target, body, b"Content-Type: multipart/form-data; boundary=" + boundary + b"\r\n"
    )


def _order(chance: random.Random) -> bytes:
    """Orders to the faults' desk and the books: with the key, and with what does not fit."""
    if chance.random() < 0.4:
        terms = json_object(chance, _TERMS)
        text = chance.choice((f'{{"terms": {terms}}}', json_object(chance, ["terms", "credit_cents"])))
        return with_body(b"PATCH", b"/local/books", text.encode())
    name, fields = chance.choice((("rest", _REST), ("room", _ROOM), ("rooms", _ROOMS)))
    order = json_object(chance, fields)
    text = chance.choice((f'{{"{name}": {order}}}', f'[{{"{name}": {order}}}]', json_value(chance)))
    return with_body(b"POST", b"/local/faults", text.encode())


_BOMB = gzip.compress(bytes(30_000_000))
_PNG = picture()
