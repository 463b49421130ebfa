"""One HTTP exchange with Atlas or a backend: the bearer, the proxy, the time limit and the size limit."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from atlas_desktop import __version__
from atlas_desktop.api.address import host_of, is_loopback
from atlas_desktop.api.answer import Answer
from atlas_desktop.api.certificates import loaded_certificates
from atlas_desktop.api.mapping import mapped
from atlas_desktop.api.send_monitor import SendMonitor
from atlas_desktop.errors import N_, BadAnswerError, BadProxyError, UnauthorizedError, UnreachableError
from atlas_desktop.proxies import Proxy, proxy_for
from atlas_desktop.redaction import holds, known

CONNECT_LIMIT_S = 15.0
ANSWER_LIMIT_BYTES = 4_000_000
_LONGEST_HANDED_ON = 16_384
_SHORTEST_IN_QUERY = 12

FileField = tuple[str, bytes, str]
"""A file of a multipart form: name, content, media type."""


class Exchange:
    """Sends requests to one address with one bearer. It is the only place that knows the bearer.

    Redirects are not followed: a key goes to the address it was given for and nowhere else.
    Thread: one event loop.
    """

    def __init__(
        self,
        address: str,
        bearer: str | None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.host = host_of(address)
        self._local = is_loopback(address)
        self._plain = address.startswith("http://")
        self._bearer = (bearer or "").strip()
        # What is sent may come back, in whatever form.
        for secret in (self._bearer, *_secrets_in(address)):
            known.add(secret)
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._proxy: Proxy | None = None
        self._former: list[httpx.AsyncClient] = []
        self._closed = False

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
    ) -> Answer:
        """Sends one request and returns what was answered, whatever the status.

        Args:
            method: The HTTP method.
            url: The whole address.
            limit_s: How long the exchange may take, from the first byte out to the last one in.
            body: Sent as JSON.
            form: Fields of a multipart form.
            files: Files of a multipart form.

        Raises:
            UnreachableError: No connection, no answer in time, or this exchange was closed; its kinds say
                that the proxy or the certificates are to blame.
            BadAnswerError: The answer is endless or not HTTP.
            UnauthorizedError: The bearer holds signs that no key can have.
        """
        headers = self._headers()
        client = await self._opened(url)
        way_s = min(CONNECT_LIMIT_S, limit_s)
        limits = httpx.Timeout(limit_s, connect=way_s)
        # A test's transport notes nothing of its way.
        monitor = SendMonitor(is_sent=self._transport is not None)
        with mapped(self.host, self._proxy, monitor):
            request = client.build_request(
                method,
                url,
                headers=headers,
                json=body,
                data=form,
                files=files,
                timeout=limits,
                extensions={"trace": monitor.trace},
            )
            async with (
                monitor.limited(way_s, limit_s),
                aclosing(await client.send(request, stream=True)) as got,
            ):
                return await self._read(got)

    async def aclose(self) -> None:
        """Releases all connections; running calls fail with ``UnreachableError``."""
        self._closed = True
        for client in (*self._former, *filter(None, [self._client])):
            await client.aclose()

    def hands_on_bearer(self, *texts: str) -> bool:
        """Whether what was answered would give the bearer to another host, in any form."""
        # Far more than any address or token has is no use anyway.
        return bool(self._bearer) and any(holds(text[:_LONGEST_HANDED_ON], self._bearer) for text in texts)

    def _headers(self) -> dict[str, str]:
        if not self._bearer:
            return {}
        if not (self._bearer.isascii() and self._bearer.isprintable()) or " " in self._bearer:
            # httpx would raise with the whole header, the key included, in its message.
            raise UnauthorizedError(status=0, detail="the key holds signs that no key can have")
        return {"Authorization": f"Bearer {self._bearer}"}

    async def _opened(self, url: str) -> httpx.AsyncClient:
        """The client that leads to ``url`` now: the proxy may have changed since the last call."""
        if self._closed:
            raise self._gone()
        # A transport of a test, and this computer, need neither proxy nor certificates.
        proxy = None if self._is_near else await asyncio.to_thread(proxy_for, url)
        if self._client is None or proxy != self._proxy:
            needless = self._plain or self._transport is not None
            verify = False if needless else await loaded_certificates()
            if self._closed:
                raise self._gone()
            if self._client is None or proxy != self._proxy:
                self._replace_client(self._made(verify, proxy), proxy)
        assert self._client is not None
        return self._client

    @property
    def _is_near(self) -> bool:
        return self._local or self._transport is not None

    def _replace_client(self, client: httpx.AsyncClient, proxy: Proxy | None) -> None:
        if self._client is not None:
            # Calls may be under way on it.
            self._former.append(self._client)
        self._client, self._proxy = client, proxy

    def _gone(self) -> UnreachableError:
        return UnreachableError(host=self.host, detail="closed", sent=False)

    def _made(self, verify: Any, proxy: Proxy | None) -> httpx.AsyncClient:
        by_http = proxy is not None and not proxy.is_socks
        return httpx.AsyncClient(
            verify=verify,
            transport=_by_socks(proxy, verify) if proxy is not None and proxy.is_socks else self._transport,
            proxy=_foreign(proxy, verify) if proxy is not None and by_http else None,
            # What the environment says of proxies is read by ``proxies`` alone.
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": f"atlas-desktop/{__version__}", "Accept": "application/json"},
        )

    async def _read(self, response: httpx.Response) -> Answer:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > ANSWER_LIMIT_BYTES:
                raise BadAnswerError(
                    host=self.host, status=response.status_code, detail="the answer is far too long"
                )
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(self.host, response.status_code, headers, bytes(content))


def _secrets_in(address: str) -> list[str]:
    """What follows a "?" may let one in at a backend."""
    return [value for _, value in parse_qsl(urlsplit(address).query) if len(value) >= _SHORTEST_IN_QUERY]


def _foreign(proxy: Proxy, verify: Any) -> httpx.Proxy:
    auth = (proxy.username, proxy.password) if proxy.username else None
    try:
        return httpx.Proxy(proxy.address, auth=auth, ssl_context=verify if proxy.scheme == "https" else None)
    except (httpx.InvalidURL, ValueError) as error:
        raise BadProxyError(name=proxy.source, detail=N_("it is no address")) from error


def _by_socks(proxy: Proxy, verify: Any) -> httpx.AsyncBaseTransport:
    # Who has no such proxy does without it.
    from atlas_desktop.api.socks import SocksTransport

    return SocksTransport(proxy, verify)
