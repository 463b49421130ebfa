"""Requests of other users of this computer, and of web pages in its user's browser."""

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from atlas_desktop.local_atlas.connections import MAX_CONNECTIONS, RUNNER_OPTIONS
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread
from tests.unit.local_atlas.toys import StillAvatars, picture

SESSION = b"/v1/realtime/session"
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def atlas() -> Iterator[LocalAtlasThread]:
    with LocalAtlasThread(StillAvatars().create) as atlas:
        yield atlas


def connected(atlas: LocalAtlasThread) -> socket.socket:
    parts = urlsplit(atlas.base)
    return socket.create_connection((parts.hostname, parts.port), timeout=LIMIT_S)


def status_of(atlas: LocalAtlasThread, sent: bytes) -> int:
    """Return the status of the first response."""
    with connected(atlas) as connection:
        connection.sendall(sent.replace(b"{KEY}", atlas.key.encode()))
        line = connection.makefile("rb").readline()
    return int(line.split()[1])


def asked(headers: bytes, body: bytes = b"", line: bytes = b"GET /v1/me HTTP/1.1") -> bytes:
    return line + b"\r\n" + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


GOOD = b"Host: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
CREATE = b"POST " + SESSION + b" HTTP/1.1"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (GOOD, 200),
        (b"Host: localhost:7\r\nAuthorization: Bearer {KEY}\r\n", 200),
        (b"Host: [::1]:7\r\nAuthorization: Bearer {KEY}\r\n", 200),
        (b"Host: localhost:7@evil.example\r\nAuthorization: Bearer {KEY}\r\n", 403),
        (b"Host: evil.example#127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n", 403),
        (b"Host: 127.0.0.1.evil.example\r\nAuthorization: Bearer {KEY}\r\n", 403),
        (b"Host: " + b"1" * 9_000 + b"\r\nAuthorization: Bearer {KEY}\r\n", 403),
        (GOOD + b"Origin: http://localhost:3000\r\n", 200),
        (GOOD + b"Origin: https://127.0.0.1\r\n", 200),
        (GOOD + b"Origin: https://evil.example\r\n", 403),
        (GOOD + b"Origin: https://localhost.evil.example\r\n", 403),
        (GOOD + b"Origin: null\r\n", 403),
        (GOOD + b"Origin: http://localhost\r\nOrigin: https://evil.example\r\n", 403),
        (GOOD + b"Content-Encoding: gzip\r\n", 415),
        (GOOD + b"Expect: something\r\n", 417),
        (GOOD + b"Expect: \xff\xfe\r\n", 417),
        (b"Host: 127.0.0.1\r\nAuthorization: Bearer \xff\xfe\xed\xa0\x80\r\n", 401),
        (b"Host: 127.0.0.1\r\n", 401),
    ],
)
def test_who_may_ask(atlas: LocalAtlasThread, headers: bytes, status: int) -> None:
    assert status_of(atlas, asked(headers)) == status


@pytest.mark.parametrize("line", [b"GET /v1/me HTTP/1.1", b"GET /v1/me HTTP/1.0"])
def test_without_a_host_nothing_is_answered(atlas: LocalAtlasThread, line: bytes) -> None:
    assert status_of(atlas, asked(b"Authorization: Bearer {KEY}\r\n", line=line)) in (400, 403)


@pytest.mark.parametrize(
    ("path", "token"),
    [
        (b"/rtc/v1", b"\xff\xfe"),
        (b"/rtc/v1", b"W1tb" * 900 + b".e30.x"),
        (b"/rtc/v1", b"a" * 10_000),
        (b"/rtc/validate", b"eyJhbGciOlsxXX0.e30.x"),
        (b"/rtc", b"." * 50),
    ],
)
def test_what_is_no_token_opens_no_room(atlas: LocalAtlasThread, path: bytes, token: bytes) -> None:
    headers = b"Host: 127.0.0.1\r\nAuthorization: Bearer " + token + b"\r\n"
    assert status_of(atlas, asked(headers, line=b"GET " + path + b" HTTP/1.1")) == 401


def form(*parts: bytes) -> tuple[bytes, bytes]:
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"
    return b"Content-Type: multipart/form-data; boundary=x\r\n", body


def field(name: bytes, content: bytes, more: bytes = b"") -> bytes:
    return b'Content-Disposition: form-data; name="%s"%s\r\n\r\n%s' % (name, more, content)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([field(b"face", picture(), b'; filename="f"'), field(b"mode", b"passthrough")], 200),
        ([field(b"n%d" % number, b"x") for number in range(17)], 400),
        ([field(b"mode", b"x" * 70_000)], 413),
        ([field(b"", b"x")], 400),
        ([field(b"face", picture(), b'; filename="f"\r\nContent-Encoding: gzip')], 400),
        ([field(b"face", picture(), b'; filename="f"\r\nContent-Transfer-Encoding: base64')], 400),
        ([b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\nx\r\n--y--"], 400),
        ([b"no head at all"], 400),
    ],
)
def test_a_form_has_a_few_plain_fields(atlas: LocalAtlasThread, parts: list[bytes], status: int) -> None:
    headers, body = form(*parts)
    assert status_of(atlas, asked(GOOD + headers, body, CREATE)) == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]," * 400_000, 413),
        (b'{"a":' * 100_000, 400),
        (b'{"face_url": "https://[::1"}', 400),
        (b'{"face_url": "https://a:99999/"}', 400),
        (b'{"face_url": "\\ud800"}', 400),
        (b'{"mode": "\\ud800"}', 400),
        (b"9" * 5_000, 400),
    ],
)
def test_a_body_is_read_within_bounds(atlas: LocalAtlasThread, body: bytes, status: int) -> None:
    assert status_of(atlas, asked(GOOD, body, CREATE)) == status


@pytest.mark.parametrize(
    "order",
    [
        b"[" * 100_000,
        b'{"rest": {"self": 1}}',
        b'{"rest": {"delay_s": NaN}}',
        b'{"rest": {"delay_s": 1e999}}',
        b'{"rest": {"status": 99999}}',
        b'{"rest": {"times": 1%s}}' % (b"0" * 400),
        b'{"rest": {"retry_after": "1\\r\\nX: y"}}',
        b'{"rest": {"retry_after": "\\ud800"}}',
        b'{"rest": {"change": {"a": NaN}}}',
        b'{"rooms": {"codec": "XYZ"}}',
        b'{"rooms": {"late_avatar_s": NaN}}',
        b'{"rooms": {"refuse_status": -1}}',
    ],
)
def test_an_order_that_would_fail_later_on_is_refused(atlas: LocalAtlasThread, order: bytes) -> None:
    assert status_of(atlas, asked(GOOD, order, b"POST /local/faults HTTP/1.1")) == 400
    assert status_of(atlas, asked(GOOD, line=b"GET /local/faults HTTP/1.1")) == 200


@pytest.mark.parametrize(
    "terms",
    [
        b'{"credit_cents": 1%s}' % (b"0" * 400),
        b'{"credit_cents": true}',
        b'{"terms": {"max_duration_s": 1e999}}',
        b'{"terms": {"prices_per_hour_usd": {"conversation": "x"}}}',
        b'{"terms": {"prices_per_hour_usd": {"conversation": NaN}}}',
        b'{"terms": {"modes": [[]]}}',
    ],
)
def test_terms_that_can_not_be_counted_with_are_refused(atlas: LocalAtlasThread, terms: bytes) -> None:
    assert status_of(atlas, asked(GOOD, terms, b"PATCH /local/books HTTP/1.1")) == 400


@pytest.mark.parametrize("target", [b"/\xff\xfe", b"/%ff%fe", b"/v1/\xed\xa0\x80", b"/" + b"a" * 60_000])
def test_what_was_asked_for_can_be_read_in_the_books(atlas: LocalAtlasThread, target: bytes) -> None:
    assert 400 <= status_of(atlas, asked(GOOD, line=b"GET " + target + b" HTTP/1.1")) < 500
    assert (
        status_of(atlas, asked(GOOD, b'{"terms": {"pricing": "\\ud800"}}', b"PATCH /local/books HTTP/1.1"))
        == 200
    )
    assert status_of(atlas, asked(GOOD, line=b"GET /local/books HTTP/1.1")) == 200
    assert max(len(call.path) for call in atlas.accounts.calls) <= 200


def test_a_head_without_an_end_is_cut_off(atlas: LocalAtlasThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNNER_OPTIONS, "keepalive_timeout", 0.3)
    with LocalAtlasThread(StillAvatars().create) as impatient, connected(impatient) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: 127")
        began_s = time.monotonic()
        assert slow.recv(100) == b""
        assert time.monotonic() - began_s < LIMIT_S
    assert status_of(atlas, asked(GOOD)) == 200


def test_a_body_without_an_end_is_cut_off(atlas: LocalAtlasThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atlas_desktop.local_atlas.rest.http_messages.BODY_LIMIT_S", 0.3)
    with connected(atlas) as slow:
        head = CREATE + b"\r\n" + GOOD.replace(b"{KEY}", atlas.key.encode()) + b"Content-Length: 100\r\n\r\n{"
        slow.sendall(head)
        assert slow.makefile("rb").readline().startswith(b"HTTP/1.1 408 ")


def test_strangers_who_take_every_connection_keep_nobody_out(atlas: LocalAtlasThread) -> None:
    crowd = []
    try:
        with connected(atlas) as good:
            good.sendall(asked(GOOD.replace(b"{KEY}", atlas.key.encode())))
            answers = good.makefile("rb")
            assert answers.readline().startswith(b"HTTP/1.1 200 ")
            crowd += [connected(atlas) for _ in range(MAX_CONNECTIONS + 50)]
            assert status_of(atlas, asked(GOOD)) == 200
            # The first of the strangers made room; who showed the key did not.
            assert crowd[0].recv(100) == b""
            good.sendall(asked(GOOD.replace(b"{KEY}", atlas.key.encode())))
            # The first answer's body has no end of line.
            assert any(b"HTTP/1.1 200 " in line for line in answers)
    finally:
        for one in crowd:
            one.close()


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x02\x00\x01", b"\xff" * 50 + b"\r\n\r\n", b"GET\r\n\r\n"])
def test_what_is_no_http_is_answered_and_not_logged(
    atlas: LocalAtlasThread, noise: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(atlas) as stranger:
        stranger.sendall(noise + b"\r\n\r\n")
        stranger.shutdown(socket.SHUT_WR)
        answer = stranger.recv(1_000)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert caplog.records == []
