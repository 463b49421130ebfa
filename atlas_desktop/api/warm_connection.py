"""A connection to the service that is negotiated ahead of the next request.

It is used for that one request only, as every other. httpcore has no call to connect without a request, but
takes a network backend: this one hands out the connection that is ready, TLS included.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import httpcore
import httpx

from atlas_desktop.aio import TaskScope
from atlas_desktop.clock import boottime_s

log = logging.getLogger(__name__)

MAX_AGE_S: Final = 40.0
"""Most servers, and what is in front of them, close a connection without a request after 60 s. One that is
closed while a request is on its way would leave open whether a session was made."""
_SHORTEST_AGE_S: Final = 5.0
"""What the service closes sooner is not worth it, and is tried more and more rarely."""
_AGE_SHARE: Final = 0.8
AFTER_USE_S: Final = 1.0
"""The next one is not negotiated while the request that took this one may still be on its way."""
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 5.0, 60.0
_CONNECT_TIMEOUT_S: Final = 15.0
_CLOSE_TIMEOUT_S: Final = 1.0
_ALPN: Final = ["http/1.1"]


_KEEPALIVE: Final = {
    "TCP_KEEPIDLE": 5,
    "TCP_KEEPALIVE": 5,  # macOS's name for it
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 2,
    "TCP_USER_TIMEOUT": int(_CONNECT_TIMEOUT_S * 1000),
}
"""Has the system notice soon that the other end is gone, and what is sent to it fail: no later than a connect
that gets no answer. Each system has some of them."""


def _socket_options() -> list[tuple[int, int, int]]:
    found = {getattr(socket, name): value for name, value in _KEEPALIVE.items() if hasattr(socket, name)}
    keepalive = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return [keepalive, *((socket.IPPROTO_TCP, option, value) for option, value in found.items())]


class WarmTransport(httpx.AsyncHTTPTransport):
    """Sends requests to one service, the next one over a connection held ready. Thread: one event loop.

    Args:
        address: Where requests go.
        ssl_context: Whom to trust; ``None`` for http.
        limits: How many connections there may be.
    """

    def __init__(self, address: str, ssl_context: ssl.SSLContext | None, limits: httpx.Limits) -> None:
        super().__init__(verify=ssl_context or False, trust_env=False, limits=limits)
        url = httpx.URL(address)
        port = url.port or (443 if url.scheme == "https" else 80)
        self._backend = _WarmBackend(url.raw_host.decode("ascii"), port, ssl_context)
        # httpx 0.28 has no parameter for the backend.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            network_backend=self._backend,
        )

    async def hold(self) -> float:
        """Establish a connection and hold it until it is used, closed by the service, or too old.

        Returns:
            The pause in seconds after which to call this again.
        """
        return await self._backend.hold()

    async def aclose(self) -> None:
        await self._backend.aclose()
        await super().aclose()


@dataclass(frozen=True, eq=False, slots=True)
class _Held:
    """A connection without a request.

    Attributes:
        reader: Ends when the service closes it, or sends what nobody asked for.
        taken: Done when a request uses it.
        since_s: When it was established, by the clock that counts sleep.
    """

    stream: httpcore.AsyncNetworkStream
    reader: "asyncio.Task[None]"
    taken: "asyncio.Future[None]"
    since_s: float

    @property
    def age_s(self) -> float:
        return boottime_s() - self.since_s


class _WarmBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, host: str, port: int, ssl_context: ssl.SSLContext | None) -> None:
        self._host, self._port = host, port
        self._ssl_context = ssl_context
        self._backend = httpcore.AnyIOBackend()
        self._held: _Held | None = None
        self._max_age_s = MAX_AGE_S
        self._backoff_s = _FIRST_BACKOFF_S
        self._closed = False
        self._scope = TaskScope("warm")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        warm = await self._take() if (host, port) == (self._host, self._port) else None
        if warm is not None:
            return warm if self._ssl_context is None else _Negotiated(warm)
        return await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def hold(self) -> float:
        # Not cancelled with this: anyio loses a connection when it is cancelled the moment that it is made.
        connecting = self._scope.start(self._connected(), "connect")
        try:
            await asyncio.wait({connecting})
        except asyncio.CancelledError:
            self._closed = True
            if connecting.done() and (made := connecting.result()) is not None:
                await made.aclose()
            raise
        stream = connecting.result()
        if stream is None:
            return self._next_backoff_s()
        reader = self._scope.start(_until_readable(stream), "reader")
        held = _Held(stream, reader, asyncio.get_running_loop().create_future(), boottime_s())
        self._held = held
        try:
            await asyncio.wait(
                {reader, held.taken}, timeout=self._max_age_s, return_when=asyncio.FIRST_COMPLETED
            )
            return self._pause_after(held)
        finally:
            if self._held is held:
                self._held = None
                reader.cancel()
                await stream.aclose()

    def _pause_after(self, held: _Held) -> float:
        if held.taken.done():
            return AFTER_USE_S
        if held.reader.done():
            if held.age_s < _SHORTEST_AGE_S:
                return self._next_backoff_s()
            # The next one is replaced before the service closes it.
            self._max_age_s = min(self._max_age_s, max(_SHORTEST_AGE_S, _AGE_SHARE * held.age_s))
        self._backoff_s = _FIRST_BACKOFF_S
        return 0.0

    def _next_backoff_s(self) -> float:
        backoff_s, self._backoff_s = self._backoff_s, min(2 * self._backoff_s, _LONGEST_BACKOFF_S)
        return backoff_s

    async def aclose(self) -> None:
        """Wait, for a moment at most, until a connection that is being made is closed again."""
        self._closed = True
        await self._scope.join(_CLOSE_TIMEOUT_S)
        self._scope.cancel()

    async def _connected(self) -> httpcore.AsyncNetworkStream | None:
        """Return a negotiated connection; ``None`` when there is none, or nobody wants it any more."""
        try:
            stream = await self._backend.connect_tcp(
                self._host, self._port, _CONNECT_TIMEOUT_S, None, _socket_options()
            )
            if self._ssl_context is not None:
                self._ssl_context.set_alpn_protocols(_ALPN)
                stream = await stream.start_tls(self._ssl_context, self._host, _CONNECT_TIMEOUT_S)
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
            log.info("no connection to %s ahead of the next request: %s", self._host, type(error).__name__)
            return None
        if self._closed:
            await stream.aclose()
            return None
        return stream

    async def _take(self) -> httpcore.AsyncNetworkStream | None:
        """Return the connection that is held, if the service can still be expected at its other end."""
        held, self._held = self._held, None
        if held is None:
            return None
        held.taken.set_result(None)
        held.reader.cancel()
        is_good = False
        try:
            await asyncio.wait({held.reader})
            # After a sleep it is too old, whatever its timer says.
            is_good = held.reader.cancelled() and held.age_s <= self._max_age_s + AFTER_USE_S
        finally:
            if not is_good:
                await held.stream.aclose()
        return held.stream if is_good else None


class _Negotiated(httpcore.AsyncNetworkStream):
    """Stands for a TCP connection whose TLS is there already."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return self._stream

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _until_readable(stream: httpcore.AsyncNetworkStream) -> None:
    # What TLS itself sends behind the handshake is read by this, too.
    with suppress(httpcore.NetworkError, httpcore.TimeoutException, OSError):
        await stream.read(1)
