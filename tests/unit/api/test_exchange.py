"""One exchange over a real socket: what is unpacked, how long a body may take, what is not kept."""

import gzip
import json
from collections.abc import Callable

import pytest

from atlas_desktop.api import exchange
from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import (
    AppError,
    BadAnswerError,
    RateLimitedError,
    ServerFailedError,
    UnreachableError,
)
from tests.unit.api.raw_server import answer, raw_server

KEY = "ak_secret_0123456789"
ID = "ses_0123456789abcdef0123"
GRANT = {"session_id": ID, "livekit_url": "wss://room.example", "token": "t", "pricing": "$7/hour"}
BODY = json.dumps(GRANT).encode()
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def made(reply: bytes, *, waits: bool = False) -> tuple[list[str], AppError | None]:
    """The ids that a create gave as soon as they had come, and its error."""
    ids: list[str] = []
    async with raw_server(reply, waits=waits) as server:
        source = AtlasSource(KEY, server.base)
        try:
            await source.create(Mode.PASSTHROUGH, None, ids.append)
        except AppError as error:
            found: AppError | None = error
        else:
            found = None
        await source.aclose()
    named = "" if found is None else found.params.get("session_id", "")
    assert found is None or named == "".join(ids)
    return ids, found


@pytest.mark.parametrize(
    "reply",
    [
        answer(BODY),
        answer(gzip.compress(BODY), b"Content-Encoding: gzip"),
        answer(gzip.compress(gzip.compress(BODY)), b"Content-Encoding: gzip, gzip"),
        answer(json.dumps({**GRANT, "pricing": "1" * 100_000}).encode()),
    ],
)
async def test_a_session_is_granted(reply: bytes) -> None:
    assert await made(reply) == ([ID], None)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(BODY, b"Content-Encoding: gzip"), BadAnswerError),
        (answer(BODY, b"Content-Encoding: br"), BadAnswerError),
        (answer(BODY + bytes(2_000_000)), BadAnswerError),
        (answer(gzip.compress(BODY + bytes(20 << 20)), b"Content-Encoding: gzip"), BadAnswerError),
        (answer(BODY + b"<script " * 50_000), BadAnswerError),
        (answer(BODY + b" ")[:-1], UnreachableError),
        (CHUNKED + b"%x\r\n" % (len(BODY) + 9) + BODY, UnreachableError),
        (answer(BODY, line=b"HTTP/1.1 500 Oh"), ServerFailedError),
        (answer(BODY, b"Location: http://[::1", line=b"HTTP/1.1 302 There"), BadAnswerError),
        (answer(json.dumps({**GRANT, "token": None}).encode()), BadAnswerError),
    ],
)
async def test_a_session_in_an_answer_that_cannot_be_used_is_named(
    reply: bytes, kind: type[AppError]
) -> None:
    ids, error = await made(reply)
    assert ids == [ID]
    assert type(error) is kind


@pytest.mark.parametrize("status", [b"400 No", b"402 Pay", b"409 Busy", b"429 Slow"])
async def test_a_refusal_names_anothers_session(status: bytes) -> None:
    refusal = json.dumps({"error": "busy", "message": "One runs.", "session_id": ID}).encode()
    for reply in (
        answer(refusal, line=b"HTTP/1.1 " + status),
        answer(refusal, line=b"HTTP/1.1 " + status)[:-1],
    ):
        ids, error = await made(reply)
        assert (ids, error is None) == ([], False)


async def test_a_body_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "BODY_LIMIT_S", 0.2)
    ids, error = await made(answer(BODY + b" ")[:-1], waits=True)
    assert ids == [ID]
    assert isinstance(error, UnreachableError)


async def test_a_bomb_is_an_answer_that_is_far_too_long() -> None:
    bomb = gzip.compress(gzip.compress(bytes(100 << 20)))
    async with raw_server(answer(bomb, b"Content-Encoding: gzip, gzip")) as server:
        source = AtlasSource(KEY, server.base)
        with pytest.raises(BadAnswerError, match="far too long"):
            await source.status(ID)
        await source.aclose()


async def test_cookies_are_neither_kept_nor_sent() -> None:
    cookies = [b"Set-Cookie: c%d=%s" % (number, b"y" * 1_000) for number in range(80)]
    async with raw_server(answer(BODY, *cookies), answer(b"{}")) as server:
        source = AtlasSource(KEY, server.base)
        await source.create(Mode.PASSTHROUGH, None)
        assert (await source.end(ID)).confirmed
        await source.aclose()
    assert server.requests[1].startswith(b"DELETE ")
    assert b"cookie" not in server.requests[1].lower()


async def test_what_an_answer_leaves_over_is_not_the_next_ones() -> None:
    ended = answer(b'{"status": "ended"}')
    goes_on = answer(b'{"error": "internal_error", "message": "Oh."}', line=b"HTTP/1.1 500 Oh")
    async with raw_server(answer(BODY) + ended, goes_on, waits=True) as server:
        source = AtlasSource(KEY, server.base)
        await source.create(Mode.PASSTHROUGH, None)
        with pytest.raises(ServerFailedError):
            await source.end(ID)
        await source.aclose()


async def test_a_wait_until_the_year_ten_to_the_ninth_is_the_usual_one() -> None:
    wait = b"Retry-After: Fri, 31 Dec 1000000000 23:59:59 GMT"
    ids, error = await made(answer(b"{}", wait, line=b"HTTP/1.1 429 Slow"))
    assert isinstance(error, RateLimitedError)
    assert (ids, error.params["retry_after_s"]) == ([], 5.0)


PATHS: list[tuple[str, bytes]] = [
    ("..", b"%2E%2E"),
    (".", b"%2E"),
    ("a/../b", b"a%2F..%2Fb"),
    ("\ud800", b"%ED%A0%80"),
    ("x y\r\nX: z", b"x%20y%0D%0AX%3A%20z"),
]


@pytest.mark.parametrize(("session_id", "path"), PATHS)
async def test_any_id_is_sent_as_one_part_of_the_path(session_id: str, path: bytes) -> None:
    async with raw_server(answer(b"{}")) as server:
        source = AtlasSource(KEY, server.base)
        assert (await source.end(session_id)).confirmed
        await source.aclose()
    assert server.requests[0].split(b" ")[1] == b"/v1/realtime/session/" + path


@pytest.mark.parametrize(
    "page", [b"<![x[", b"<!DOCTYPE <![", b"<![if !IE]>", b"<html><![CDATA[x", b"<!--" * 999]
)
async def test_a_page_of_any_kind_is_a_line(page: bytes) -> None:
    for status in (b"503 No", b"200 OK"):
        ids, error = await made(answer(page, b"Content-Type: text/html", line=b"HTTP/1.1 " + status))
        assert ids == []
        assert isinstance(error, BadAnswerError)


LYING: list[Callable[[], bytes]] = [
    lambda: answer(b'{"status": "active"}'),
    lambda: answer(b'{"session_id": "ses_other"}'),
    lambda: answer(b'{"error": "oh"}'),
    lambda: answer(b"[]"),
]


@pytest.mark.parametrize("reply", LYING)
async def test_an_end_that_is_none_is_asked_for_again(reply: Callable[[], bytes]) -> None:
    async with raw_server(reply()) as server:
        source = AtlasSource(KEY, server.base)
        with pytest.raises(BadAnswerError) as caught:
            await source.end(ID)
        assert caught.value.retryable
        await source.aclose()
