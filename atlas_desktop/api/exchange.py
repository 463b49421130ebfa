"""HTTP requests to Atlas or a backend: bearer, proxy, time limits and size limit."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from atlas_desktop import __version__
from atlas_desktop.aio import TaskScope
from atlas_desktop.api.address import host_of, is_loopback
from atlas_desktop.api.certificates import loaded_certificates
from atlas_desktop.api.mapping import mapped
from atlas_desktop.api.response import HttpResponse
from atlas_desktop.api.send_monitor import SendMonitor
from atlas_desktop.api.unpacking import ACCEPTED, TooLongError, Unpacker
from atlas_desktop.api.warm_connection import WarmTransport
from atlas_desktop.errors import (
    N_,
    AppError,
    BadAnswerError,
    BadProxyError,
    UnauthorizedError,
    UnreachableError,
)
from atlas_desktop.proxies import Proxy, proxy_for
from atlas_desktop.redaction import holds, known

CONNECT_LIMIT_S = 15.0
LAY_LIMIT_S = 20.0
"""For finding the proxy and loading the certificates; each has a limit of its own and reports itself."""
BODY_LIMIT_S = 10.0
"""From a response's headers to its end: one that trickles on is useless, and a session may cost meanwhile."""
ANSWER_LIMIT_BYTES = 1_000_000
"""A hundred times the size of any response. Parsed as JSON it takes up to thirty times as much memory."""
_LONGEST_HANDED_ON = 16_384
_SHORTEST_IN_QUERY = 12

_ONE_EACH: Final = httpx.Limits(max_connections=100, max_keepalive_connections=0)
"""A connection for each request: what one answer leaves over must not be read as the next one's, which may
be the end of a session. One that is kept warm has had no request before."""
_WARM_AGAIN_S: Final = 60.0
"""After this a connection ahead of the next request is tried again where there can be none: the proxy or the
certificates may be others by then."""

_HEADERS: Final = {
    "User-Agent": f"atlas-desktop/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": ACCEPTED,
}

FileField = tuple[str, bytes, str]
"""A file of a multipart form: name, content, media type."""


@dataclass(slots=True)
class Received:
    """What has arrived of a response: ``status`` is 0 before its headers; the content is decompressed."""

    status: int = 0
    content: bytearray = field(default_factory=bytearray)


class Exchange:
    """Sends requests to one address with one bearer, which no other code knows.

    Redirects are not followed: a key goes to the address it was given for and nowhere else. Cookies are not
    stored: some hundred kilobytes of them would make later requests fail, the end of a session too.
    Thread: one event loop.
    """

    def __init__(
        self,
        address: str,
        bearer: str | None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.host = host_of(address)
        self._address = address
        self._local = is_loopback(address)
        self._plain = address.startswith("http://")
        self._bearer = (bearer or "").strip()
        # A service may echo what it was sent, in any form.
        for secret in (self._bearer, *_secrets_in(address)):
            known.add(secret)
        self._transport = transport
        # Not an httpx client: its cookies and redirects are not wanted.
        self._way: httpx.AsyncBaseTransport | None = None
        self._proxy: Proxy | None = None
        self._former: list[httpx.AsyncBaseTransport] = []
        self._closed = False
        self._warming = TaskScope("exchange")

    def __repr__(self) -> str:
        return f"Exchange({self.host!r})"

    async def call(
        self,
        method: str,
        url: str,
        limit_s: float,
        *,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, FileField] | None = None,
        received: Received | None = None,
    ) -> HttpResponse:
        """Send one request and return what was answered, whatever the status.

        Args:
            method: The HTTP method.
            url: The whole address.
            limit_s: How long the exchange may take, from the first byte sent to the last one received.
            body: Sent as JSON.
            form: Fields of a multipart form.
            files: Files of a multipart form.
            received: Filled with what arrives of the response, also of an incomplete one.

        Raises:
            UnreachableError: No connection, no response in time, or this exchange was closed; subclasses
                name the proxy or the certificates as the cause.
            BadAnswerError: The response is too long or not HTTP.
            UnauthorizedError: The bearer contains characters that no key can have.
        """
        headers = self._headers()
        way_s = min(CONNECT_LIMIT_S, limit_s)
        way = await self._opened(url)
        limits = httpx.Timeout(limit_s, connect=way_s)
        # A test's transport emits no trace events.
        monitor = SendMonitor(is_sent=self._transport is not None)
        with mapped(self.host, self._proxy, monitor):
            request = httpx.Request(
                method,
                url,
                headers=headers,
                json=body,
                data=form,
                files=files,
                extensions={"timeout": limits.as_dict(), "trace": monitor.trace},
            )
            async with (
                monitor.limited(way_s, limit_s),
                aclosing(await way.handle_async_request(request)) as got,
            ):
                monitor.note_answer(BODY_LIMIT_S)
                return await self._read(got, received or Received())

    def keep_warm(self) -> None:
        """Keep one connection established ahead of the next request, from now on. Not through a proxy."""
        if self._transport is None:
            self._warming.start(self._keep_warm(), "warm")

    async def aclose(self) -> None:
        """Release all connections; running calls fail with ``UnreachableError``."""
        self._closed = True
        await self._warming.aclose()
        for way in (*self._former, *filter(None, [self._way])):
            await way.aclose()

    def hands_on_bearer(self, *texts: str) -> bool:
        """Return whether what was answered would give the bearer to another host, in any form."""
        # Far more than any address or token has is no use anyway.
        return bool(self._bearer) and any(holds(text[:_LONGEST_HANDED_ON], self._bearer) for text in texts)

    def _headers(self) -> dict[str, str]:
        if not self._bearer:
            return dict(_HEADERS)
        if not (self._bearer.isascii() and self._bearer.isprintable()) or " " in self._bearer:
            # httpx would raise with the whole header, the key included, in its message.
            raise UnauthorizedError(status=0, detail="the key holds signs that no key can have")
        return {**_HEADERS, "Authorization": f"Bearer {self._bearer}"}

    async def _keep_warm(self) -> None:
        while True:
            pause_s = _WARM_AGAIN_S
            with suppress(AppError):  # the next call raises it, too
                way = await self._opened(self._address)
                if isinstance(way, WarmTransport):
                    pause_s = await way.hold()
            await asyncio.sleep(pause_s)

    async def _opened(self, url: str) -> httpx.AsyncBaseTransport:
        """Return the way that leads to ``url`` now: the proxy may have changed since the last call."""
        if self._closed:
            raise self._gone()
        try:
            async with asyncio.timeout(LAY_LIMIT_S):
                # A test's transport, and this computer, need neither proxy nor certificates.
                proxy = None if self._is_near else await asyncio.to_thread(proxy_for, url)
                if self._way is None or proxy != self._proxy:
                    await self._lay(proxy)
        except TimeoutError as error:
            raise UnreachableError(host=self.host, detail="no answer in time", sent=False) from error
        assert self._way is not None
        return self._way

    async def _lay(self, proxy: Proxy | None) -> None:
        needless = self._plain or self._transport is not None
        verify = False if needless else await loaded_certificates()
        if self._closed:
            raise self._gone()
        # Another call may have created it meanwhile.
        if self._way is None or proxy != self._proxy:
            if self._way is not None:
                # Other calls may be using it.
                self._former.append(self._way)
            self._way, self._proxy = self._made(verify, proxy), proxy

    @property
    def _is_near(self) -> bool:
        return self._local or self._transport is not None

    def _gone(self) -> UnreachableError:
        return UnreachableError(host=self.host, detail="closed", sent=False)

    def _made(self, verify: Any, proxy: Proxy | None) -> httpx.AsyncBaseTransport:
        if self._transport is not None:
            return self._transport
        if proxy is not None and proxy.is_socks:
            return _by_socks(proxy, verify)
        if proxy is None:
            return WarmTransport(self._address, verify or None, _ONE_EACH)
        # What the environment says of proxies is read by ``proxies`` alone.
        return httpx.AsyncHTTPTransport(
            verify=verify, trust_env=False, proxy=_foreign(proxy, verify), limits=_ONE_EACH
        )

    async def _read(self, response: httpx.Response, received: Received) -> HttpResponse:
        received.status, content = response.status_code, received.content
        headers = {name.lower(): value for name, value in response.headers.items()}
        unpacker = Unpacker(headers.get("content-encoding", ""), ANSWER_LIMIT_BYTES)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        try:
            async for data in response.stream:
                for piece in unpacker.unpack(data):
                    content += piece
        except TooLongError as error:
            raise self._unreadable(received.status, "the answer is far too long") from error
        if unpacker.problem:
            raise self._unreadable(received.status, unpacker.problem)
        return HttpResponse(self.host, response.status_code, headers, bytes(content))

    def _unreadable(self, status: int, detail: str) -> BadAnswerError:
        return BadAnswerError(host=self.host, status=status, detail=detail)


def _secrets_in(address: str) -> list[str]:
    """Return a backend's query values, which may be secrets."""
    return [value for _, value in parse_qsl(urlsplit(address).query) if len(value) >= _SHORTEST_IN_QUERY]


def _foreign(proxy: Proxy, verify: Any) -> httpx.Proxy:
    auth = (proxy.username, proxy.password) if proxy.username else None
    try:
        return httpx.Proxy(proxy.address, auth=auth, ssl_context=verify if proxy.scheme == "https" else None)
    except (httpx.InvalidURL, ValueError) as error:
        raise BadProxyError(name=proxy.source, detail=N_("it is no address")) from error


def _by_socks(proxy: Proxy, verify: Any) -> httpx.AsyncBaseTransport:
    # Imported only where such a proxy is used.
    from atlas_desktop.api.socks import SocksTransport

    return SocksTransport(proxy, verify, _ONE_EACH)
