"""Bodies of requests, read within bounds: bytes, JSON, the fields of a form."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from atlas_desktop.local_atlas.rest.answers import RefusedError, bad_request

UPLOAD_LIMIT_BYTES = 50_000_000
"""Of all files of a form together."""

_FORM_LIMIT_BYTES = UPLOAD_LIMIT_BYTES + 5_000_000
_JSON_LIMIT_BYTES = 1_000_000
_TEXT_LIMIT_BYTES = 65_536
_MOST_FIELDS = 16
_CHUNK_BYTES = 65_536
BODY_LIMIT_S = 60.0
ODD_HEADS = (BadContentDispositionHeader, BadContentDispositionParam)
"""Warnings of aiohttp's, one for each odd name that somebody sends."""
_PLAIN = ("", "binary", "8bit", "7bit")


async def json_value(request: web.Request) -> Any:
    """The request's body as JSON; an empty body is an empty object.

    Raises:
        RefusedError: 400, when it is something else; 408 or 413, when it takes too long or is too much.
    """
    raw = bytearray()
    async with _bounds("invalid_body"):
        async for chunk in request.content.iter_any():
            raw += chunk
            _check_size(len(raw), _JSON_LIMIT_BYTES)
    if not raw.strip():
        return {}
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise bad_request("invalid_json", "The body is not JSON.") from error


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's body as a JSON object; an empty body is an empty one.

    Raises:
        RefusedError: As ``json_value``.
    """
    body = await json_value(request)
    if not isinstance(body, dict):
        raise bad_request("invalid_json", "The body is not a JSON object.")
    return body


async def multipart(request: web.Request) -> dict[str, str | bytes]:
    """The fields of a multipart form: text as text, files as bytes.

    aiohttp's own ``post`` has no bound on the number of fields, and unpacks what is packed.

    Raises:
        RefusedError: 400, when it can't be read; 408 or 413, when it takes too long or is too much.
    """
    form: dict[str, str | bytes] = {}
    total = 0
    async with _bounds("invalid_form"):
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or not part.name or len(form) == _MOST_FIELDS:
                raise bad_request("invalid_form", "A form has a few named fields, and nothing else in it.")
            is_file = part.filename is not None
            content = await _content(part, _FORM_LIMIT_BYTES - total if is_file else _TEXT_LIMIT_BYTES)
            total += len(content)
            form[part.name] = content if is_file else content.decode("utf-8", "replace")
    return form


async def _content(part: BodyPartReader, limit: int) -> bytes:
    encodings = (part.headers.get("Content-Encoding"), part.headers.get("Content-Transfer-Encoding"))
    if any((encoding or "").lower() not in _PLAIN for encoding in encodings):
        raise bad_request("invalid_form", "A field is sent as it is, neither packed nor encoded.")
    content = bytearray()
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        content += chunk
        _check_size(len(content), limit)
    return bytes(content)


@asynccontextmanager
async def _bounds(reason: str) -> AsyncIterator[None]:
    """Maps what can go wrong while a body is read."""
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            yield
    except TimeoutError as error:
        raise RefusedError(408, "request_timeout", "The body took too long.") from error
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise bad_request(reason, "The body can't be read.") from error
    except (ValueError, LookupError, AssertionError, RuntimeError, *ODD_HEADS) as error:
        # What aiohttp says about a form's boundaries and heads.
        raise bad_request(reason, "The body can't be read.") from error


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise RefusedError(413, "payload_too_large", "The body is too large.")
