"""Fetching a face by its address: from the internet only, whatever address, name or redirect leads elsewhere.

Whoever names an address has the local Atlas ask for it, from inside this computer and its network. Each hop
is looked at anew, and the addresses that a name has are those that are then connected to: a name that changes
its mind in between leads nowhere else.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError, ProxyTimeoutError, ProxyType
from yarl import URL

from atlas_desktop.errors import BadProxyError
from atlas_desktop.local_atlas.avatar.faces import FACE_LIMIT_BYTES, checked_face
from atlas_desktop.local_atlas.rest.answers import bad_request
from atlas_desktop.proxies import Proxy, proxy_for

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Judge = Callable[[Address], bool]

MOST_REDIRECTS = 5
_LONGEST_ADDRESS = 2_048
_FETCH_LIMIT_S = 10.0
_CHUNK_BYTES = 65_536
_REDIRECTS = (301, 302, 303, 307, 308)
_OF_SOCKS = (ProxyConnectionError, ProxyError, ProxyTimeoutError)
_OURS = ("localhost", ".localhost", ".local", ".internal", ".home.arpa")
# What an IPv4 address looks like behind a translator. Source: RFC 6052.
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


async def fetched_face(url: str, is_allowed: Judge | None = None) -> bytes:
    """Fetches a face from an https address and checks it.

    Args:
        url: The address.
        is_allowed: Which network addresses may be asked; by default those on the internet.

    Raises:
        RefusedError: 400, when the address is no https one, does not answer, or holds no face.
    """
    judge = is_allowed or is_public
    address = _checked(url, judge)
    try:
        async with asyncio.timeout(_FETCH_LIMIT_S):
            for _ in range(MOST_REDIRECTS + 1):
                content, onward = await _asked(address, judge)
                if onward is None:
                    return await checked_face(content)
                address = _checked(onward, judge)
    except BadProxyError as error:
        raise bad_request("face_url_unreachable", str(error)) from error
    except (aiohttp.ClientError, *_OF_SOCKS, OSError, EOFError, ValueError) as error:
        raise bad_request("face_url_unreachable", "The face could not be fetched from face_url.") from error
    raise bad_request("face_url_unreachable", "face_url leads from one address to the next without end.")


def is_public(address: Address) -> bool:
    """Whether an address is one on the internet: not this computer's, its network's, or nobody's."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def trusted_context() -> ssl.SSLContext:
    """Whom the system trusts."""
    return ssl.create_default_context()


class JudgedResolver(AbstractResolver):
    """Looks names up, and keeps the addresses that are allowed."""

    def __init__(self, is_allowed: Judge) -> None:
        self._is_allowed = is_allowed
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [one for one in found if self._is_allowed(ipaddress.ip_address(one["host"]))]
        if not allowed:
            raise OSError("none of its addresses is on the internet")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def _checked(text: str, is_allowed: Judge) -> URL:
    """The address that ``text`` is, as the client itself reads it."""
    try:
        url = URL(text[: _LONGEST_ADDRESS + 1])
        host, _ = url.host or "", url.port
        is_plain = url.scheme == "https" and host and not url.user and not url.password
    except (ValueError, TypeError) as error:
        raise bad_request("invalid_face_url", "face_url must be an https:// address.") from error
    if not is_plain or len(text) > _LONGEST_ADDRESS:
        raise bad_request("invalid_face_url", "face_url must be an https:// address.")
    if not _may_be_asked(host, is_allowed):
        words = "face_url leads to this computer or its network, not to the internet."
        raise bad_request("face_url_unreachable", words)
    return url


def _may_be_asked(host: str, is_allowed: Judge) -> bool:
    try:
        return is_allowed(ipaddress.ip_address(host))
    except ValueError:
        # A name: the resolver judges its addresses; behind a proxy only the name can be looked at.
        return is_allowed is not is_public or not f".{host.lower().rstrip('.')}".endswith(_OURS)


async def _asked(url: URL, is_allowed: Judge) -> tuple[bytes, str | None]:
    """The content of one address, or the address to which it leads."""
    proxy = await asyncio.to_thread(proxy_for, str(url))
    trust = await asyncio.to_thread(trusted_context)
    async with (
        # As it comes: what is packed is no picture.
        aiohttp.ClientSession(
            connector=_connector_to(proxy, is_allowed, trust), auto_decompress=False
        ) as client,
        client.get(url, allow_redirects=False, **_way_to(proxy)) as response,
    ):
        onward = response.headers.get("Location")
        if response.status in _REDIRECTS and onward is not None:
            return b"", str(url.join(URL(onward)))
        response.raise_for_status()
        return await _bounded(response), None


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        content += chunk
        if len(content) > FACE_LIMIT_BYTES:
            break
    return bytes(content)


def _connector_to(
    proxy: Proxy | None, is_allowed: Judge, trust: ssl.SSLContext
) -> aiohttp.BaseConnector | None:
    if proxy is None:
        return aiohttp.TCPConnector(resolver=JudgedResolver(is_allowed), ssl=trust)
    if not proxy.is_socks:
        return None
    return ProxyConnector(
        proxy.host,
        proxy.port,
        ProxyType[proxy.scheme.upper()],
        proxy.username or None,
        proxy.password or None,
        rdns=True,
    )


def _way_to(proxy: Proxy | None) -> dict[str, Any]:
    if proxy is None or proxy.is_socks:
        return {}
    headers = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
    return {"proxy": proxy.address, "proxy_headers": headers}
