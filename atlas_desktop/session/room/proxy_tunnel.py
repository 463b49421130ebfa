"""A room's signalling through the user's proxy: a small CONNECT proxy of our own on loopback.

LiveKit's SDK can use a proxy itself, but sends a password as it stands in the address (``p%40ss`` stays
``p%40ss``), none where there is only a user name, and knows neither proxies reached by TLS nor SOCKS
(livekit-net 0.1.2). So it is pointed here, and from here the user's proxy is used as for REST: by CONNECT
(httpcore), or by SOCKS.

Our address contains a secret: other users of this computer can't use the tunnel.
"""

import asyncio
import concurrent.futures
import hmac
import logging
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import httpcore
import httpx
from httpcore import AsyncNetworkStream

from atlas_desktop import __version__
from atlas_desktop.aio import TaskScope
from atlas_desktop.api.certificates import loaded_certificates
from atlas_desktop.api.response import notice_line
from atlas_desktop.errors import AppError
from atlas_desktop.logs import redact
from atlas_desktop.media.loop_thread import LoopThread
from atlas_desktop.proxies import Proxy
from atlas_desktop.redaction import known

log = logging.getLogger(__name__)

_USER: Final = "room"
_HEAD_LIMIT_S: Final = 10.0
_CONNECT_LIMIT_S: Final = 12.0
"""Shorter than the SDK's own limit, so that the reason is known by then."""
_CHUNK_BYTES: Final = 65_536
_MOST_UNAUTHENTICATED: Final = 16
"""Connections that have not sent the secret yet: any user of this computer can make one."""
_LONGEST_REASON: Final = 500
NO_ANSWER: Final = "no answer in time"
_CONNECTION_ERRORS: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    OSError,
)
"""What a connection through a proxy raises when it breaks."""


class ProxyTunnel:
    """Accepts CONNECT requests on loopback and forwards them to one proxy.

    Thread: one event loop; the forwarding runs in a thread of its own, so a busy window delays nothing.

    Args:
        proxy: The user's.
        limit_s: Time limit for its answer, and again for the first data through it.

    Attributes:
        address: What the SDK is given as its proxy; empty until ``open``.
        refusal: Why the proxy refused the last request; empty when it did not.
        joined: Whether it accepted one.
        is_silent: Whether nothing came back in time, and never did before. Later requests are then closed at
            once: the SDK retries four times with the same limit, and a session costs from its request on.
    """

    def __init__(self, proxy: Proxy, limit_s: float = _CONNECT_LIMIT_S) -> None:
        self.address = ""
        self.refusal = ""
        self.joined = False
        self.is_silent = False
        self._was_answered = False
        self._proxy = proxy
        self._limit_s = limit_s
        self._secret = secrets.token_urlsafe(24)
        known.add_token(self._secret)
        self._unauthenticated: list[asyncio.StreamWriter] = []
        self._thread = LoopThread("proxy tunnel")

    async def open(self) -> None:
        """Start listening.

        Raises:
            OSError: No port is free.
        """
        ready: concurrent.futures.Future[int] = concurrent.futures.Future()
        self._thread.spawn(partial(self._listen, ready), "listen")
        port = await asyncio.wrap_future(ready)
        self.address = f"http://{_USER}:{self._secret}@127.0.0.1:{port}"

    async def aclose(self) -> None:
        """Break open connections and stop listening."""
        await asyncio.to_thread(self._thread.close)

    async def _listen(self, ready: "concurrent.futures.Future[int]") -> None:
        scope = TaskScope("proxy tunnel")

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            scope.start(self._serve(reader, writer), "connection")

        try:
            server = await asyncio.start_server(accept, "127.0.0.1", 0)
        except OSError as error:
            ready.set_exception(error)
            return
        ready.set_result(server.sockets[0].getsockname()[1])
        try:
            await server.serve_forever()
        finally:
            await scope.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target = self._target_in(await self._head_of(reader, writer))
            if target is not None and not self.is_silent:
                await self._join(target, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, *_CONNECTION_ERRORS) as error:
            log.debug("proxy tunnel: %s", type(error).__name__)
        finally:
            writer.close()

    async def _head_of(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Read a request's head; with too many unauthenticated connections the oldest is closed."""
        self._unauthenticated.append(writer)
        if len(self._unauthenticated) > _MOST_UNAUTHENTICATED:
            self._unauthenticated.pop(0).transport.abort()
        try:
            async with asyncio.timeout(_HEAD_LIMIT_S):
                return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        finally:
            if writer in self._unauthenticated:
                self._unauthenticated.remove(writer)

    def _target_in(self, head: str) -> str | None:
        """Return ``host:port`` of a CONNECT request with the secret; ``None`` for any other."""
        request, *lines = head.split("\r\n")
        method, _, rest = request.partition(" ")
        expected = "Basic " + b64encode(f"{_USER}:{self._secret}".encode()).decode()
        given = next((line for line in lines if line.lower().startswith("proxy-authorization:")), "")
        knows = hmac.compare_digest(given.partition(":")[2].strip().encode(), expected.encode())
        return rest.split(" ")[0] if method == "CONNECT" and knows else None

    async def _join(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with connect_through(self._proxy, target, self._limit_s) as far:
                self._note_joined()
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await self._forward(reader, writer, far)
        except BarredError as error:
            self.is_silent = self.is_silent or (error.reason == NO_ANSWER and not self._was_answered)
            self._refuse(error.reason)

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: AsyncNetworkStream
    ) -> None:
        """Forward in both directions until either side closes."""

        async def send() -> None:
            while data := await reader.read(_CHUNK_BYTES):
                await far.write(data)

        async def receive() -> None:
            async with asyncio.timeout(self._limit_s) as limit:
                while data := await far.read(_CHUNK_BYTES):
                    limit.reschedule(None)
                    self._was_answered = True
                    writer.write(data)
                    await writer.drain()

        ways = {asyncio.ensure_future(send()), asyncio.ensure_future(receive())}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            # Their errors mean only that one side closed, or that nothing came at all.
            outcomes = await asyncio.gather(*ways, return_exceptions=True)
            if any(isinstance(one, TimeoutError) for one in outcomes) and not self._was_answered:
                self.is_silent = True

    def _note_joined(self) -> None:
        self.joined, self.refusal = True, ""

    def _refuse(self, reason: str) -> None:
        self.joined, self.refusal = False, reason
        log.info("the proxy %s refused the way to the room: %s", self._proxy.address, reason)


class BarredError(Exception):
    """The proxy did not let us through. Args: the reason, in words."""

    @property
    def reason(self) -> str:
        return str(self.args[0])


@asynccontextmanager
async def connect_through(proxy: Proxy, target: str, limit_s: float) -> AsyncIterator[AsyncNetworkStream]:
    """Open a connection to ``target`` (``host:port``) through ``proxy``; close it on exit.

    Raises:
        BarredError: It could not be opened.
        OSError, httpcore.NetworkError, httpcore.ProtocolError: It broke later.
    """
    dialling = _by_socks if proxy.is_socks else _by_connect
    async with AsyncExitStack() as stack:
        try:
            # httpcore's limit is per read: an answer sent byte by byte would have none.
            async with asyncio.timeout(limit_s):
                far = await stack.enter_async_context(dialling(proxy, target, limit_s))
        except AppError as error:
            raise BarredError(redact(error.title.format(**error.params), _LONGEST_REASON)) from error
        except (*_CONNECTION_ERRORS, httpx.TransportError) as error:
            raise BarredError(_reason_of(error)) from error
        yield far


@asynccontextmanager
async def _by_connect(proxy: Proxy, target: str, limit_s: float) -> AsyncIterator[AsyncNetworkStream]:
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
async def _by_socks(proxy: Proxy, target: str, limit_s: float) -> AsyncIterator[AsyncNetworkStream]:
    # Imported only for those who have such a proxy.
    from atlas_desktop.api.socks import connection_through

    host, _, port = target.rpartition(":")
    async with connection_through(proxy, host.strip("[]"), int(port), limit_s) as (reader, writer):
        yield _SocksStream(reader, writer)


class _SocksStream(AsyncNetworkStream):
    """A pair of asyncio streams, read and written as httpcore's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._writer.write(buffer)
        await self._writer.drain()


def _reason_of(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException | httpx.TimeoutException | TimeoutError):
        return NO_ANSWER
    if isinstance(error, httpx.ProxyError):
        return redact(str(error), _LONGEST_REASON)
    return "it can't be reached" if isinstance(error, httpcore.ConnectError) else type(error).__name__
