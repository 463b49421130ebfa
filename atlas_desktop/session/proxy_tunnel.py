"""The way to a room's signalling through a person's proxy: a small proxy of our own on loopback.

LiveKit's SDK speaks to a proxy itself, but sends a password as it stands in the address (``p%40ss`` stays
``p%40ss``), none where there is a name alone, and knows no proxy that is spoken to by TLS (livekit-net
0.1.2), nor SOCKS. So it is led here, and from here the person's proxy is asked as for REST (``proxy_dial``).

The address that leads here holds a secret of its own: other users of this computer can't borrow the way.
"""

import asyncio
import concurrent.futures
import hmac
import logging
import secrets
from base64 import b64encode
from functools import partial
from typing import Final

from atlas_desktop.aio import TaskScope
from atlas_desktop.media.loop_thread import LoopThread
from atlas_desktop.proxies import Proxy
from atlas_desktop.redaction import known
from atlas_desktop.session.proxy_dial import LOST, NO_ANSWER, BarredError, FarEnd, way_through

log = logging.getLogger(__name__)

_USER: Final = "room"
_HEAD_LIMIT_S: Final = 10.0
_CONNECT_LIMIT_S: Final = 12.0
"""Less than the SDK's own limit, so that the reason is known when that is over."""
_PIECE_BYTES: Final = 65_536
_MOST_UNKNOWN: Final = 16
"""Connections that have not shown the secret yet: any user of this computer can make one."""


class ProxyTunnel:
    """Takes CONNECT requests on loopback and passes them on to one proxy.

    Thread: one event loop; the work is done in a thread of its own, so a busy window delays nothing.

    Args:
        proxy: The person's.
        limit_s: How long it is waited for, and then for the first answer that comes through it.

    Attributes:
        address: Where the SDK is led; empty until ``open``.
        refusal: Why the proxy did not let the last request through; empty when it did.
        joined: Whether it let one through.
        is_silent: Whether nothing has come back in time, and never did before. Then what follows is hung up
            on at once: the SDK tries four times, each as long, and a session costs from its request on.
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
        self._unknown: list[asyncio.StreamWriter] = []
        self._thread = LoopThread("proxy tunnel")

    async def open(self) -> None:
        """Begins to listen.

        Raises:
            OSError: No port is free.
        """
        ready: concurrent.futures.Future[int] = concurrent.futures.Future()
        self._thread.spawn(partial(self._listen, ready), "listen")
        port = await asyncio.wrap_future(ready)
        self.address = f"http://{_USER}:{self._secret}@127.0.0.1:{port}"

    async def aclose(self) -> None:
        """Cuts what goes through it, and closes."""
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
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, *LOST) as error:
            log.debug("proxy tunnel: %s", type(error).__name__)
        finally:
            writer.close()

    async def _head_of(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """The head of a request; of many connections without one the oldest makes room."""
        self._unknown.append(writer)
        if len(self._unknown) > _MOST_UNKNOWN:
            self._unknown.pop(0).transport.abort()
        try:
            async with asyncio.timeout(_HEAD_LIMIT_S):
                return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        finally:
            if writer in self._unknown:
                self._unknown.remove(writer)

    def _target_in(self, head: str) -> str | None:
        """``host:port`` of a CONNECT request that knows the secret. Others are hung up on."""
        request, *lines = head.split("\r\n")
        method, _, rest = request.partition(" ")
        expected = "Basic " + b64encode(f"{_USER}:{self._secret}".encode()).decode()
        given = next((line for line in lines if line.lower().startswith("proxy-authorization:")), "")
        knows = hmac.compare_digest(given.partition(":")[2].strip().encode(), expected.encode())
        return rest.split(" ")[0] if method == "CONNECT" and knows else None

    async def _join(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with way_through(self._proxy, target, self._limit_s) as far:
                self._note_joined()
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await self._pass_on(reader, writer, far)
        except BarredError as error:
            self.is_silent = self.is_silent or (error.reason == NO_ANSWER and not self._was_answered)
            self._refuse(error.reason)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: FarEnd) -> None:
        """Passes on in both directions until either side closes."""

        async def send() -> None:
            while data := await reader.read(_PIECE_BYTES):
                await far.write(data)

        async def receive() -> None:
            async with asyncio.timeout(self._limit_s) as limit:
                while data := await far.read(_PIECE_BYTES):
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
            # Their errors say only that one side has gone; or that nothing came at all.
            outcomes = await asyncio.gather(*ways, return_exceptions=True)
            if any(isinstance(one, TimeoutError) for one in outcomes) and not self._was_answered:
                self.is_silent = True

    def _note_joined(self) -> None:
        self.joined, self.refusal = True, ""

    def _refuse(self, reason: str) -> None:
        self.joined, self.refusal = False, reason
        log.info("the proxy %s refused the way to the room: %s", self._proxy.address, reason)
