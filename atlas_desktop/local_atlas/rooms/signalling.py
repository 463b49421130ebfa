"""LiveKit's signalling, version 1: the join request in the address, then protobuf both ways."""

import asyncio
import base64
import binascii
import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import WSMsgType, web
from google.protobuf.message import DecodeError
from livekit.protocol import rtc

from atlas_desktop.errors import N_, AppError
from atlas_desktop.local_atlas.scope import Scope

PING_INTERVAL_S = 5
PING_TIMEOUT_S = 15
_JOIN_LIMIT_BYTES = 1_000_000
_CLOSE_LIMIT_S = 2.0
_MOST_WAITING = 1_000


class BadJoinError(AppError):
    """A join request that can't be read."""

    code = "bad_join"
    title = N_("The join request can't be read: {detail}")


def read_token(request: web.Request) -> str:
    """The room token of a request: a header's, or (browsers) the address's."""
    bearer = request.headers.get("Authorization", "")
    if bearer.lower().startswith("bearer "):
        return bearer[7:].strip()
    return request.query.get("access_token", "")


def read_join(text: str) -> rtc.JoinRequest:
    """Reads ``join_request``: base64url of a ``WrappedJoinRequest``, maybe compressed.

    Raises:
        BadJoinError: It isn't one.
    """
    try:
        wrapped = rtc.WrappedJoinRequest.FromString(_unbase64(text))
        data = wrapped.join_request
        if wrapped.compression == rtc.WrappedJoinRequest.GZIP:
            data = _gunzip(data)
        return rtc.JoinRequest.FromString(data)
    except (binascii.Error, ValueError, DecodeError, OSError, EOFError, zlib.error) as error:
        raise BadJoinError(detail=str(error)) from error


def write_join(join: rtc.JoinRequest) -> str:
    """Writes ``join`` the way a client does: the inverse of ``read_join``."""
    wrapped = rtc.WrappedJoinRequest(
        compression=rtc.WrappedJoinRequest.GZIP, join_request=gzip.compress(join.SerializeToString())
    )
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()


def _unbase64(text: str) -> bytes:
    if not text:
        raise BadJoinError(detail="it is empty")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _gunzip(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    unpacked = unpacker.decompress(data, _JOIN_LIMIT_BYTES)
    if unpacker.unconsumed_tail:
        raise BadJoinError(detail="too large")
    return unpacked


class Link:
    """One client's websocket: requests in, responses out, both in order. Thread: the event loop's."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket = socket
        self._request = request
        self._outbox: asyncio.Queue[rtc.SignalResponse] = asyncio.Queue()
        self._closing = False
        self._closed = asyncio.Event()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._scope = Scope("link")
        self._scope.start(self._write(), "write")

    @property
    def is_open(self) -> bool:
        """Whether responses can still be sent."""
        return not self._socket.closed

    def send(self, **response: Any) -> None:
        """Sends a ``SignalResponse`` with the one field given; a client that reads nothing is cut off."""
        if self._outbox.qsize() >= _MOST_WAITING:
            self.cut()
            return
        self._outbox.put_nowait(rtc.SignalResponse(**response))

    async def requests(self) -> AsyncIterator[rtc.SignalRequest]:
        """Yields what the client asks, until it is gone or silent for the ping's time-out."""
        while True:
            try:
                message = await self._socket.receive(timeout=PING_TIMEOUT_S + PING_INTERVAL_S)
            except (TimeoutError, ConnectionError):
                # The latter: it pinged and went, and can't be answered.
                return
            if message.type is not WSMsgType.BINARY:
                return
            await self._flowing.wait()
            try:
                yield rtc.SignalRequest.FromString(message.data)
            except DecodeError:
                return

    def stall(self, is_stalled: bool) -> None:
        """Lets nothing through, in either direction, until that is taken back; then all of it comes."""
        (self._flowing.clear if is_stalled else self._flowing.set)()

    def cut(self) -> None:
        """Drops the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def aclose(self) -> None:
        """Sends what is still waiting, then closes; at most 2 s."""
        if self._closing:
            await self._closed.wait()
            return
        self._closing = True
        if not self._flowing.is_set():
            self.cut()
            self._flowing.set()
        try:
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await self._outbox.join()
                await self._socket.close()
        except TimeoutError:
            self.cut()
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
                pass  # the reading side sees it too, and ends the link
            finally:
                self._outbox.task_done()
