"""The way to a room's signalling through a person's proxy: a small proxy of our own on loopback.

LiveKit's SDK speaks to a proxy itself, but sends a password as it stands in the address (``p%40ss`` stays
``p%40ss``), none where there is a name alone, and knows no proxy that is spoken to by TLS (livekit-net
0.1.2). So it is led here, and from here httpcore asks the person's proxy, as it does for REST.

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

import httpcore

from atlas_desktop import __version__
from atlas_desktop.aio import TaskScope
from atlas_desktop.api.exchange import certificates
from atlas_desktop.media.loop_thread import LoopThread
from atlas_desktop.proxies import Proxy

log = logging.getLogger(__name__)

_USER: Final = "room"
_HEAD_LIMIT_S: Final = 10.0
_CONNECT_LIMIT_S: Final = 12.0
"""Less than the SDK's own limit, so that the reason is known when that is over."""
NO_ANSWER: Final = "no answer in time"
_PIECE_BYTES: Final = 65_536
_FOREIGN: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    OSError,
)


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
            async with asyncio.timeout(_HEAD_LIMIT_S):
                head = await reader.readuntil(b"\r\n\r\n")
            target = self._target_in(head.decode("latin-1"))
            if target is not None and not self.is_silent:
                await self._join(target, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, *_FOREIGN) as error:
            log.debug("proxy tunnel: %s", type(error).__name__)
        finally:
            writer.close()

    def _target_in(self, head: str) -> str | None:
        """``host:port`` of a CONNECT request that knows the secret. Others are hung up on."""
        request, *lines = head.split("\r\n")
        method, _, rest = request.partition(" ")
        expected = "Basic " + b64encode(f"{_USER}:{self._secret}".encode()).decode()
        given = next((line for line in lines if line.lower().startswith("proxy-authorization:")), "")
        knows = hmac.compare_digest(given.partition(":")[2].strip().encode(), expected.encode())
        return rest.split(" ")[0] if method == "CONNECT" and knows else None

    async def _join(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        proxy = self._proxy
        headers: dict[str | bytes, str | bytes] = {
            "Host": target,
            "User-Agent": f"atlas-desktop/{__version__}",
        }
        if proxy.authorization:
            headers["Proxy-Authorization"] = proxy.authorization
        url = httpcore.URL(
            scheme=proxy.scheme.encode(), host=proxy.host.encode(), port=proxy.port, target=target.encode()
        )
        is_through = False
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self._limit_s)
        try:
            trust = await asyncio.to_thread(certificates) if proxy.scheme == "https" else None
            async with (
                httpcore.AsyncConnectionPool(ssl_context=trust) as pool,
                pool.stream("CONNECT", url, headers=headers, extensions={"timeout": limits}) as answer,
            ):
                if not 200 <= answer.status < 300:
                    reason = answer.extensions.get("reason_phrase", b"").decode("latin-1")
                    self._refuse(f"{answer.status} {reason}".strip())
                    return
                is_through = True
                self._note_joined()
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await self._pass_on(reader, writer, answer.extensions["network_stream"])
        except _FOREIGN as error:
            self._note_silence(error)
            if not is_through:
                self._refuse(_words_of(error))
            raise

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: httpcore.AsyncNetworkStream
    ) -> None:
        """Passes on in both directions until either side closes."""

        async def send() -> None:
            while data := await reader.read(_PIECE_BYTES):
                await far.write(data)

        async def receive() -> None:
            limit_s: float | None = self._limit_s
            while data := await far.read(_PIECE_BYTES, limit_s):
                limit_s, self._was_answered = None, True
                writer.write(data)
                await writer.drain()

        ways = {asyncio.ensure_future(send()), asyncio.ensure_future(receive())}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            # Their errors say only that one side has gone; or that nothing came at all.
            for outcome in await asyncio.gather(*ways, return_exceptions=True):
                self._note_silence(outcome)

    def _note_silence(self, outcome: BaseException | None) -> None:
        if isinstance(outcome, httpcore.TimeoutException) and not self._was_answered:
            self.is_silent = True

    def _note_joined(self) -> None:
        self.joined, self.refusal = True, ""

    def _refuse(self, reason: str) -> None:
        self.joined, self.refusal = False, reason
        log.info("the proxy %s refused the way to the room: %s", self._proxy.address, reason)


def _words_of(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return NO_ANSWER
    return "it can't be reached" if isinstance(error, httpcore.ConnectError) else type(error).__name__
