"""Whether a request left: what its way there costs is no reason to believe that a session was made."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from atlas_desktop.api.exchange import Exchange
from atlas_desktop.errors import AppError, ProxyRefusedError, UnreachableError
from atlas_desktop.guard.session_creator import create_definitely_failed
from tests.unit.api.conftest import HOST
from tests.unit.connect_proxy import ConnectProxy
from tests.unit.socks_proxy import SocksProxy

pytestmark = pytest.mark.usefixtures("bare_network")

URL = f"https://{HOST}/v1/x"
SHORT_S = 0.5
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """A server on loopback; gives its port. In the end it waits until its clients have gone."""
    connections: list[asyncio.Future[None]] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            await serve(reader, writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.ensure_future(one(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*connections)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    await writer.drain()


async def keep_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def error_of(limit_s: float = 20.0) -> AppError:
    exchange = Exchange(f"https://{HOST}", None)
    try:
        await exchange.call("POST", URL, limit_s, body={})
    except AppError as error:
        return error
    finally:
        await exchange.aclose()
    raise AssertionError("it went through")


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize("scheme", ["socks", "socks5", "socks5h", "socks4", "socks4a"])
async def test_a_request_goes_through_a_socks_proxy_which_looks_the_name_up(
    scheme: str, name: str, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SocksProxy(in_pieces=True) as proxy:
        async with serving(answer) as port:
            proxy.lead(f"{HOST}:443", "127.0.0.1", port, trusted)
            monkeypatch.setenv(name, f"{scheme}://{proxy.address}/")
            exchange = Exchange(f"https://{HOST}", None)
            assert (await exchange.call("GET", URL, 20.0)).status == 200
            await exchange.aclose()
        assert proxy.targets == [f"{HOST}:443"]


@pytest.mark.parametrize("wanted", ["", "an@n:p:w%"])
async def test_a_socks_proxy_is_given_name_and_password_where_it_wants_them(
    wanted: str, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SocksProxy(credentials=wanted) as proxy:
        async with serving(answer) as port:
            proxy.lead(f"{HOST}:443", "127.0.0.1", port, trusted)
            monkeypatch.setenv("ALL_PROXY", f"socks5h://an%40n:p%3Aw%25@{proxy.address}")
            exchange = Exchange(f"https://{HOST}", None)
            assert (await exchange.call("GET", URL, 20.0)).status == 200
            await exchange.aclose()
        assert proxy.given == ([wanted] if wanted else [])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (partial(SocksProxy, code=2), "not allowed by ruleset"),
        (partial(SocksProxy, code=4), "Host unreachable"),
        (partial(SocksProxy, code=0x77), "0X77"),
        (partial(SocksProxy, credentials="ann:secret"), "authentication failure"),
        (ConnectProxy, "socks5://"),
    ],
)
async def test_a_socks_proxy_that_refuses_is_named_and_nothing_was_made(
    kind: Callable[[], ConnectProxy], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kind() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks5://ann:other@{proxy.address}")
        error = await error_of(SHORT_S if kind is ConnectProxy else 20.0)
    assert isinstance(error, ProxyRefusedError)
    assert create_definitely_failed(error)
    assert words in str(error)
    assert proxy.address in str(error)
    assert "other" not in str(error)


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks4"])
@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\0",
        b"\5",
        b"\5\0",
        b"\5\2",
        b"\5\0\5\0\0\1\0\0",
        b"\5\0\5\0\0\x09\0\0\0\0\0\0",
        b"\0\x5b" + bytes(6),
        b"\xff" * 40,
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\n\r\nno TLS",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
    ],
)
async def test_whatever_a_proxy_says_nothing_was_made(
    garbage: bytes, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(garbage)
        await writer.drain()

    async with serving(say) as port:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{port}")
        error = await error_of()
    assert isinstance(error, UnreachableError)
    assert create_definitely_failed(error)


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks4"])
async def test_a_proxy_that_keeps_silent_was_sent_nothing_for_the_service(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(keep_silent) as port:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{port}")
        error = await error_of(SHORT_S)
    assert isinstance(error, ProxyRefusedError)
    assert create_definitely_failed(error)
    assert "no answer in time" in str(error)


@pytest.mark.parametrize(("kind", "scheme"), [(ConnectProxy, "http"), (SocksProxy, "socks5")])
async def test_a_service_that_keeps_silent_behind_a_proxy_may_have_made_one(
    kind: type[ConnectProxy], scheme: str, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kind() as proxy:
        async with serving(keep_silent) as port:
            proxy.lead(f"{HOST}:443", "127.0.0.1", port, trusted)
            monkeypatch.setenv("ALL_PROXY", f"{scheme}://{proxy.address}")
            error = await error_of(3.0)
    assert isinstance(error, UnreachableError)
    assert not create_definitely_failed(error)


async def test_a_service_that_is_not_there_behind_a_socks_proxy_was_sent_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with SocksProxy() as proxy:
        async with serving(keep_silent) as port:
            proxy.lead(f"{HOST}:443", "127.0.0.1", port)
            monkeypatch.setenv("ALL_PROXY", f"socks5://{proxy.address}")
            error = await error_of(SHORT_S)
    assert isinstance(error, UnreachableError)
    assert create_definitely_failed(error)
