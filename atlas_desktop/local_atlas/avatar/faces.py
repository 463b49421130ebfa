"""Faces on the way in: what the service accepts, and fetching one by its address."""

import asyncio
import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError, ProxyTimeoutError, ProxyType

from atlas_desktop.errors import BadProxyError
from atlas_desktop.local_atlas.rest.answers import bad_request
from atlas_desktop.proxies import Proxy, proxy_for

FACE_LIMIT_BYTES = 20_000_000
FACE_MINIMUM_PX = 64

_LARGEST_PIXELS = 64_000_000
_FORMATS = ("PNG", "JPEG", "WEBP")
_FETCH_LIMIT_S = 10.0
_CHUNK_BYTES = 65_536
_OF_SOCKS = (ProxyConnectionError, ProxyError, ProxyTimeoutError)


async def checked_face(content: bytes) -> bytes:
    """Returns ``content`` when it is a face that the service takes.

    Raises:
        RefusedError: 400, saying why not.
    """
    if not content:
        raise bad_request("missing_face", "The face is empty.")
    if len(content) > FACE_LIMIT_BYTES:
        raise bad_request("face_too_large", "A face may have up to 20 MB.")
    await asyncio.to_thread(_check_picture, content)
    return content


async def picture_in(form: Mapping[str, str | bytes], name: str) -> bytes | None:
    """The checked picture of a multipart form's file ``name``; ``None`` when there is no such field.

    Raises:
        RefusedError: 400, saying why it can't be used.
    """
    content = form.get(name)
    if isinstance(content, str):
        raise bad_request("invalid_face", f"{name} must be sent as a file.")
    return None if content is None else await checked_face(content)


async def fetched_face(url: str) -> bytes:
    """Fetches a face from an https address and checks it.

    Raises:
        RefusedError: 400, when the address is no https one, does not answer, or holds no face.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise bad_request("invalid_face_url", "face_url must be an https:// address.")
    limit = aiohttp.ClientTimeout(total=_FETCH_LIMIT_S)
    try:
        proxy = await asyncio.to_thread(proxy_for, url)
        async with (
            aiohttp.ClientSession(timeout=limit, connector=_connector_to(proxy)) as client,
            client.get(url, raise_for_status=True, **_way_to(proxy)) as response,
        ):
            content = await _bounded(response)
    except BadProxyError as error:
        raise bad_request("face_url_unreachable", str(error)) from error
    except (aiohttp.ClientError, *_OF_SOCKS, OSError, EOFError, ValueError) as error:
        raise bad_request("face_url_unreachable", "The face could not be fetched from face_url.") from error
    return await checked_face(content)


async def multipart(request: web.Request) -> dict[str, str | bytes]:
    """The fields of a multipart form: text as text, files as bytes.

    Raises:
        RefusedError: 400, when it can't be read.
    """
    try:
        form = await request.post()
    except (ValueError, LookupError, AssertionError, HttpProcessingError) as error:
        raise bad_request("invalid_form", "The multipart body can't be read.") from error
    return {
        name: value.file.read() if isinstance(value, web.FileField) else _text(value)
        for name, value in form.items()
    }


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        content += chunk
        if len(content) > FACE_LIMIT_BYTES:
            break
    return bytes(content)


def _connector_to(proxy: Proxy | None) -> aiohttp.BaseConnector | None:
    if proxy is None or not proxy.is_socks:
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


def _text(value: str | bytes | bytearray) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _check_picture(content: bytes) -> None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            width, height = picture.size
            if min(width, height) < FACE_MINIMUM_PX or width * height > _LARGEST_PIXELS:
                raise bad_request("invalid_face", f"A face of {width}×{height} pixels can't be used.")
            picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise bad_request("invalid_face", "The face is not a PNG, JPEG or WebP picture.") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise bad_request("invalid_face", "The face is a broken picture.") from error
