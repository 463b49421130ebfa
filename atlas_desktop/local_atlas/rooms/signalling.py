"""LiveKit's signalling, version 1: a join request in the URL, then protobuf messages both ways."""

import asyncio
import base64
import binascii
import secrets
import zlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import WSMsgType, web
from google.protobuf.message import DecodeError
from livekit.protocol import rtc

from atlas_desktop.aio import TaskScope
from atlas_desktop.errors import N_, AppError

PING_INTERVAL_S = 5
PING_TIMEOUT_S = 15
_JOIN_LIMIT_BYTES = 1_000_000  # decompressed
_CLOSE_LIMIT_S = 2.0
_MAX_QUEUED = 1_000  # responses to a client that stopped reading


class BadJoinError(AppError):
    """A join request that can't be parsed."""

    code = "bad_join"
    title = N_("The join request can't be read: {detail}")


def make_sid(prefix: str) -> str:
    """Return a new server id: ``PA_`` (participant), ``TR_`` (track) or the like, and 12 characters."""
    return f"{prefix}_{secrets.token_hex(6)}"


def read_token(request: web.Request) -> str:
    """Return the access token of a request: from its header or, as browsers send it, its URL."""
    bearer = request.headers.get("Authorization", "")
    if bearer.lower().startswith("bearer "):
        return bearer[7:].strip()
    return request.query.get("access_token", "")


def read_join(text: str) -> rtc.JoinRequest:
    """Parse ``join_request``: base64url of a ``WrappedJoinRequest``, which may be compressed.

    Raises:
        BadJoinError: It can't be parsed.
    """
    try:
        wrapped = rtc.WrappedJoinRequest.FromString(_unbase64(text))
        data = wrapped.join_request
        if wrapped.compression == rtc.WrappedJoinRequest.GZIP:
            data = _gunzip(data)
        return rtc.JoinRequest.FromString(data)
    except (binascii.Error, ValueError, DecodeError, OSError, EOFError, zlib.error) as error:
        raise BadJoinError(detail=str(error)) from error


def _unbase64(text: str) -> bytes:
    if not text:
        raise BadJoinError(detail="it is empty")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _gunzip(data: bytes) -> bytes:
    decompressor = zlib.decompressobj(wbits=31)
    result = decompressor.decompress(data, _JOIN_LIMIT_BYTES)
    if decompressor.unconsumed_tail:
        raise BadJoinError(detail="too large")
    return result


class SignalConnection:
    """One client's websocket: requests in, responses out, both in order. Thread: the event loop's."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket = socket
        self._request = request
        self._outbox: asyncio.Queue[rtc.SignalResponse] = asyncio.Queue()
        self._closing = False
        self._closed = asyncio.Event()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._scope = TaskScope("signalling")
        self._scope.start(self._write(), "write")

    def send(self, **response: Any) -> None:
        """Send a ``SignalResponse`` with the one field given; a client that stops reading is cut off."""
        if self._outbox.qsize() >= _MAX_QUEUED:
            self.abort()
            return
        self._outbox.put_nowait(rtc.SignalResponse(**response))

    async def requests(self) -> AsyncIterator[rtc.SignalRequest]:
        """Yield the client's requests until it disconnects or its ping times out."""
        while True:
            try:
                message = await self._socket.receive(timeout=PING_TIMEOUT_S + PING_INTERVAL_S)
            except (TimeoutError, ConnectionError):
                # ConnectionError: it sent a ping and disconnected before the pong.
                return
            if message.type is not WSMsgType.BINARY:
                return
            await self._flowing.wait()
            try:
                yield rtc.SignalRequest.FromString(message.data)
            except DecodeError:
                return

    def stall(self, is_stalled: bool) -> None:
        """Hold back messages in both directions until released; none is lost."""
        (self._flowing.clear if is_stalled else self._flowing.set)()

    def abort(self) -> None:
        """Drop the connection without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def aclose(self) -> None:
        """Send what is queued, then close; at most 2 s."""
        if self._closing:
            await self._closed.wait()
            return
        self._closing = True
        if not self._flowing.is_set():
            self.abort()
            self._flowing.set()
        try:
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await self._outbox.join()
                await self._socket.close()
        except TimeoutError:
            self.abort()
        await self._scope.aclose()
        self._closed.set()

    async def _write(self) -> None:
        while True:
            response = await self._outbox.get()
            await self._flowing.wait()
            try:
                if not self._socket.closed:
                    await self._socket.send_bytes(response.SerializeToString())
            except ConnectionError:
                pass  # the reading side sees it too, and closes the connection
            finally:
                self._outbox.task_done()
