"""Proxies that answer the question for the way to a room with harm."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from atlas_desktop.proxies import Proxy
from atlas_desktop.session.room.proxy_tunnel import NO_ANSWER, BarredError, connect_through

LIMIT_S = 0.3
Send = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def proxy_that(sends: Send) -> AsyncIterator[Proxy]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await sends(writer)
        except OSError:
            return
        finally:
            writer.close()

    serving: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(
        lambda reader, writer: serving.append(asyncio.ensure_future(serve(reader, writer))), "127.0.0.1", 0
    )
    async with server:
        yield Proxy("http", "127.0.0.1", server.sockets[0].getsockname()[1])
        await asyncio.gather(*serving)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 Connection established\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(LIMIT_S / 20)


async def give_a_long_reason(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 403 \xff\x80 " + b"no " * 10_000 + b"\r\n\r\n")
    await writer.drain()


async def barred_by(sends: Send) -> str:
    async with proxy_that(sends) as proxy, asyncio.timeout(20):
        with pytest.raises(BarredError) as caught:
            async with connect_through(proxy, "room.example:443", LIMIT_S):
                pytest.fail("it let us through")
    return caught.value.reason


async def test_one_that_drips_is_not_waited_for() -> None:
    assert await barred_by(drip) == NO_ANSWER


async def test_a_reason_is_a_short_line() -> None:
    reason = await barred_by(give_a_long_reason)
    assert reason.startswith("403 ")
    assert len(reason) <= 200
    assert reason.isprintable()
