"""Faces in requests: uploaded or fetched by URL, and validated as the service does.

A URL has the local Atlas send a request from inside this computer and its network (SSRF). So every redirect
is checked again, and only those addresses of a name that were checked are connected to: DNS that changes
between the check and the connection leads nowhere else.
"""

import asyncio
import io
import ipaddress
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError, ProxyTimeoutError, ProxyType
from yarl import URL

from atlas_desktop.errors import BadProxyError
from atlas_desktop.local_atlas.rest.http_messages import bad_request
from atlas_desktop.proxies import Proxy, proxy_for

# The limits of the service.
FACE_LIMIT_BYTES = 20_000_000
FACE_MINIMUM_PX = 64
MAX_REDIRECTS = 5

_MAX_PIXELS = 24_000_000  # about 100 MB when decoded as RGBA
_FORMATS = ("PNG", "JPEG", "WEBP")
# Raised by Pillow's decoders over broken pictures; the second line is undocumented.
_DECODER_ERRORS = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error)
_DECODER_BUGS = (LookupError, TypeError, AttributeError, ArithmeticError, MemoryError, NotImplementedError)
# A picture takes up to 100 MB when decoded: only two at a time.
_decoding = threading.BoundedSemaphore(2)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressFilter = Callable[[Address], bool]

_MAX_URL_CHARS = 2_048  # what browsers and proxies accept
_FETCH_LIMIT_S = 10.0
_CHUNK_BYTES = 65_536
_REDIRECTS = (301, 302, 303, 307, 308)
_SOCKS_ERRORS = (ProxyConnectionError, ProxyError, ProxyTimeoutError)
_PRIVATE_NAMES = ("localhost", ".localhost", ".local", ".internal", ".home.arpa")
# IPv4 addresses behind NAT64. Source: RFC 6052.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


async def check_face(content: bytes) -> bytes:
    """Return ``content`` if it is a face that the service accepts.

    Raises:
        RefusedError: 400, with the reason.
    """
    if not content:
        raise bad_request("missing_face", "The face is empty.")
    if len(content) > FACE_LIMIT_BYTES:
        raise bad_request("face_too_large", "A face may have up to 20 MB.")
    await asyncio.to_thread(_check_picture, content)
    return content


async def face_in(form: Mapping[str, str | bytes], name: str) -> bytes | None:
    """Return the checked face in a multipart form's file ``name``; ``None`` without such a field.

    Raises:
        RefusedError: 400, with the reason.
    """
    content = form.get(name)
    if isinstance(content, str):
        raise bad_request("invalid_face", f"{name} must be sent as a file.")
    return None if content is None else await check_face(content)


def _check_picture(content: bytes) -> None:
    # Imported here, in the worker thread: Pillow takes long to load.
    from PIL import Image, UnidentifiedImageError

    try:
        with _decoding, Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            width, height = picture.size
            if min(width, height) < FACE_MINIMUM_PX or width * height > _MAX_PIXELS:
                raise bad_request("invalid_face", f"A face of {width}×{height} pixels can't be used.")
            picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise bad_request("invalid_face", "The face is not a PNG, JPEG or WebP picture.") from error
    except (*_DECODER_ERRORS, *_DECODER_BUGS) as error:
        raise bad_request("invalid_face", "The face is a broken picture.") from error


async def fetch_face(url: str, is_allowed: AddressFilter | None = None) -> bytes:
    """Fetch a face from an https URL and check it.

    Args:
        url: The URL.
        is_allowed: Which addresses may be connected to; by default those on the internet.

    Raises:
        RefusedError: 400, when the URL is not https, does not respond, or holds no face.
    """
    address_filter = is_allowed or is_public
    target = _check_url(url, address_filter)
    try:
        async with asyncio.timeout(_FETCH_LIMIT_S):
            for _ in range(MAX_REDIRECTS + 1):
                content, location = await _fetch(target, address_filter)
                if location is None:
                    return await check_face(content)
                target = _check_url(location, address_filter)
    except BadProxyError as error:
        raise bad_request("face_url_unreachable", str(error)) from error
    except (aiohttp.ClientError, *_SOCKS_ERRORS, OSError, EOFError, ValueError) as error:
        raise bad_request("face_url_unreachable", "The face could not be fetched from face_url.") from error
    raise bad_request("face_url_unreachable", "face_url leads from one address to the next without end.")


def is_public(address: Address) -> bool:
    """Return whether an address is on the internet, not on this computer or its network."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def trusted_context() -> ssl.SSLContext:
    """Return a TLS context with the system's certificates."""
    return ssl.create_default_context()


class FilteringResolver(AbstractResolver):
    """Resolves names to those of their addresses that are allowed."""

    def __init__(self, is_allowed: AddressFilter) -> None:
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


def _check_url(text: str, is_allowed: AddressFilter) -> URL:
    """Parse a URL as the HTTP client does, and check it."""
    try:
        url = URL(text[: _MAX_URL_CHARS + 1])
        host, _ = url.host or "", url.port
        is_plain = url.scheme == "https" and host and not url.user and not url.password
    except (ValueError, TypeError) as error:
        raise bad_request("invalid_face_url", "face_url must be an https:// address.") from error
    if not is_plain or len(text) > _MAX_URL_CHARS:
        raise bad_request("invalid_face_url", "face_url must be an https:// address.")
    if not _is_host_allowed(host, is_allowed):
        words = "face_url leads to this computer or its network, not to the internet."
        raise bad_request("face_url_unreachable", words)
    return url


def _is_host_allowed(host: str, is_allowed: AddressFilter) -> bool:
    try:
        return is_allowed(ipaddress.ip_address(host))
    except ValueError:
        # The resolver filters the addresses of a name; behind a proxy only the name can be checked.
        return is_allowed is not is_public or not f".{host.lower().rstrip('.')}".endswith(_PRIVATE_NAMES)


async def _fetch(url: URL, is_allowed: AddressFilter) -> tuple[bytes, str | None]:
    """Return the content of a URL, or the URL to which it redirects."""
    proxy = await asyncio.to_thread(proxy_for, str(url))
    trust = await asyncio.to_thread(trusted_context)
    async with (
        # Not decompressed: what is compressed is no picture.
        aiohttp.ClientSession(
            connector=_connector(proxy, is_allowed, trust), auto_decompress=False
        ) as client,
        client.get(url, allow_redirects=False, **_proxy_options(proxy)) as response,
    ):
        location = response.headers.get("Location")
        if response.status in _REDIRECTS and location is not None:
            return b"", str(url.join(URL(location)))
        response.raise_for_status()
        return await _read_limited(response), None


async def _read_limited(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        content += chunk
        if len(content) > FACE_LIMIT_BYTES:
            break
    return bytes(content)


def _connector(
    proxy: Proxy | None, is_allowed: AddressFilter, trust: ssl.SSLContext
) -> aiohttp.BaseConnector | None:
    if proxy is None:
        return aiohttp.TCPConnector(resolver=FilteringResolver(is_allowed), ssl=trust)
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


def _proxy_options(proxy: Proxy | None) -> dict[str, Any]:
    if proxy is None or proxy.is_socks:
        return {}
    headers = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
    return {"proxy": proxy.address, "proxy_headers": headers}
