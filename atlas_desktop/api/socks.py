"""SOCKS proxies, for REST and for rooms. Names are looked up behind the proxy.

python-socks implements them. It raises what its sockets raise, too: here that becomes one kind of error.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import anyio
import httpx
from httpx_socks import AsyncProxyTransport
from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
from python_socks.async_.asyncio.v2 import Proxy as Dialer

from atlas_desktop.proxies import Proxy

_TYPES: Final = {"socks4": ProxyType.SOCKS4, "socks5": ProxyType.SOCKS5}
_FOREIGN: Final = (
    ProxyError,
    OSError,
    EOFError,
    ValueError,
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)


class SocksTransport(httpx.AsyncBaseTransport):
    """An httpx transport through ``proxy``. Thread: one event loop.

    Args:
        proxy: A SOCKS proxy.
        verify: TLS context for the host behind it.
        limits: Limits of httpx's connection pool.
    """

    def __init__(self, proxy: Proxy, verify: Any, limits: httpx.Limits) -> None:
        self._transport = AsyncProxyTransport(
            proxy_type=_TYPES[proxy.scheme],
            proxy_host=proxy.host,
            proxy_port=proxy.port,
            username=proxy.username or None,
            password=proxy.password or None,
            rdns=True,
            verify=verify,
            trust_env=False,
            limits=limits,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with _mapped():
            return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


@asynccontextmanager
async def connection_through(
    proxy: Proxy, host: str, port: int, limit_s: float
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to ``host`` through ``proxy``, and close the connection in the end.

    Raises:
        httpx.ProxyError: It refused, or can't be reached.
        httpx.ConnectTimeout: It did not answer.
    """
    with _mapped():
        dialer = Dialer(
            _TYPES[proxy.scheme],
            proxy.host,
            proxy.port,
            proxy.username or None,
            proxy.password or None,
            rdns=True,
        )
        stream = await dialer.connect(host, port, timeout=limit_s)
    try:
        yield stream.reader, stream.writer
    finally:
        stream.writer.close()


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except ProxyTimeoutError as error:
        raise httpx.ConnectTimeout("no answer in time") from error
    except _FOREIGN as error:
        raise httpx.ProxyError(_words_of(error)) from error


def _words_of(error: Exception) -> str:
    if isinstance(error, ProxyError):
        return str(error)
    if isinstance(error, ProxyConnectionError):
        return "it can't be reached"
    return type(error).__name__ if isinstance(error, OSError) else "it does not answer like a SOCKS proxy"
