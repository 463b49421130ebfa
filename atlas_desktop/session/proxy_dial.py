"""Asking a person's proxy for the way to a room: by CONNECT, as REST does (httpcore), or by SOCKS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Protocol

import httpcore
import httpx

from atlas_desktop import __version__
from atlas_desktop.api.certificates import loaded_certificates
from atlas_desktop.api.response import notice_line
from atlas_desktop.errors import AppError
from atlas_desktop.logs import redact
from atlas_desktop.proxies import Proxy

_READ_CHARACTERS: Final = 500
NO_ANSWER: Final = "no answer in time"
LOST: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    OSError,
)
"""What a connection through a proxy raises when it breaks."""


class FarEnd(Protocol):
    """The room's side of a connection through a proxy."""

    async def read(self, max_bytes: int) -> bytes: ...

    async def write(self, buffer: bytes) -> None: ...


class BarredError(Exception):
    """The proxy did not let us through. Args: why, in words."""

    @property
    def reason(self) -> str:
        return str(self.args[0])


@asynccontextmanager
async def way_through(proxy: Proxy, target: str, limit_s: float) -> AsyncIterator[FarEnd]:
    """A connection to ``target`` (``host:port``) through ``proxy``, closed in the end.

    Raises:
        BarredError: It did not come about.
        OSError, httpcore.NetworkError, httpcore.ProtocolError: It broke, later.
    """
    dialling = _by_socks if proxy.is_socks else _by_connect
    async with AsyncExitStack() as stack:
        try:
            # The limit of httpcore is one of each read: what drips has none.
            async with asyncio.timeout(limit_s):
                far = await stack.enter_async_context(dialling(proxy, target, limit_s))
        except AppError as error:
            raise BarredError(redact(error.title.format(**error.params), _READ_CHARACTERS)) from error
        except (*LOST, httpx.TransportError) as error:
            raise BarredError(_words_of(error)) from error
        yield far


@asynccontextmanager
async def _by_connect(proxy: Proxy, target: str, limit_s: float) -> AsyncIterator[FarEnd]:
    headers: dict[str | bytes, str | bytes] = {"Host": target, "User-Agent": f"atlas-desktop/{__version__}"}
    if proxy.authorization:
        headers["Proxy-Authorization"] = proxy.authorization
    url = httpcore.URL(
        scheme=proxy.scheme.encode(), host=proxy.host.encode(), port=proxy.port, target=target.encode()
    )
    limits = dict.fromkeys(("connect", "read", "write", "pool"), limit_s)
    trust = await loaded_certificates() if proxy.scheme == "https" else None
    async with (
        httpcore.AsyncConnectionPool(ssl_context=trust) as pool,
        pool.stream("CONNECT", url, headers=headers, extensions={"timeout": limits}) as answer,
    ):
        if not 200 <= answer.status < 300:
            reason = answer.extensions.get("reason_phrase", b"").decode("latin-1")
            raise BarredError(notice_line(f"{answer.status} {reason}"))
        yield answer.extensions["network_stream"]


@asynccontextmanager
async def _by_socks(proxy: Proxy, target: str, limit_s: float) -> AsyncIterator[FarEnd]:
    # Who has no such proxy does without it.
    from atlas_desktop.api.socks import connection_through

    host, _, port = target.rpartition(":")
    async with connection_through(proxy, host.strip("[]"), int(port), limit_s) as (reader, writer):
        yield _Streams(reader, writer)


class _Streams:
    """A pair of asyncio's streams as a ``FarEnd``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int) -> bytes:
        return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes) -> None:
        self._writer.write(buffer)
        await self._writer.drain()


def _words_of(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException | httpx.TimeoutException | TimeoutError):
        return NO_ANSWER
    if isinstance(error, httpx.ProxyError):
        return redact(str(error), _READ_CHARACTERS)
    return "it can't be reached" if isinstance(error, httpcore.ConnectError) else type(error).__name__
