"""HTTP messages of the local Atlas: bodies read within limits, JSON responses, errors in Atlas's format."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from atlas_desktop.errors import N_, AppError

UPLOAD_LIMIT_BYTES = 50_000_000
"""Of all files of a form together."""

_FORM_LIMIT_BYTES = UPLOAD_LIMIT_BYTES + 5_000_000  # slack, so that the call itself can name the limit
_JSON_LIMIT_BYTES = 1_000_000
_TEXT_LIMIT_BYTES = 65_536
_MAX_FIELDS = 16  # the API has forms of two
_CHUNK_BYTES = 65_536
BODY_LIMIT_S = 60.0  # a client that sends slowly holds a connection
HEADER_WARNINGS = (BadContentDispositionHeader, BadContentDispositionParam)
"""aiohttp's warnings about malformed headers of a form's parts."""
_IDENTITY_ENCODINGS = ("", "binary", "8bit", "7bit")


class RefusedError(AppError):
    """A request that is answered with an error: status, Atlas's code, a sentence, optional headers."""

    code = "refused"
    title = N_("{status} {reason}: {message}")

    def __init__(
        self, status: int, reason: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = dict(headers or {})
        super().__init__(status=status, reason=reason, message=message)


def not_found(what: str) -> RefusedError:
    """Return a 404."""
    return RefusedError(404, "not_found", f"There is no such {what}.")


def bad_request(reason: str, message: str) -> RefusedError:
    """Return a 400 with Atlas's code ``reason``."""
    return RefusedError(400, reason, message)


def json_response(body: Any, status: int = 200) -> web.Response:
    """Return ``body`` as JSON."""
    # A lone surrogate, as a client may have sent it, stays the escape sequence that it was.
    content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
    return web.Response(body=content, status=status, content_type="application/json", charset="utf-8")


def error_response(
    status: int, reason: str, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an error in Atlas's format."""
    return web.json_response({"error": reason, "message": message}, status=status, headers=headers)


async def read_json(request: web.Request) -> Any:
    """Read the body as JSON; an empty body is an empty object.

    Raises:
        RefusedError: 400, when it is not JSON; 408 or 413, when it takes too long or is too large.
    """
    raw = bytearray()
    async with _map_body_errors("invalid_body"):
        async for chunk in request.content.iter_any():
            raw += chunk
            _check_size(len(raw), _JSON_LIMIT_BYTES)
    if not raw.strip():
        return {}
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise bad_request("invalid_json", "The body is not JSON.") from error


async def read_json_object(request: web.Request) -> dict[str, Any]:
    """Read the body as a JSON object; an empty body is an empty one.

    Raises:
        RefusedError: As ``read_json``.
    """
    body = await read_json(request)
    if not isinstance(body, dict):
        raise bad_request("invalid_json", "The body is not a JSON object.")
    return body


async def read_form(request: web.Request) -> dict[str, str | bytes]:
    """Read the fields of a multipart form: text as text, files as bytes.

    aiohttp's own ``post`` does not limit the number of fields, and decompresses them.

    Raises:
        RefusedError: 400, when it can't be read; 408 or 413, when it takes too long or is too large.
    """
    form: dict[str, str | bytes] = {}
    total = 0
    async with _map_body_errors("invalid_form"):
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or not part.name or len(form) == _MAX_FIELDS:
                raise bad_request("invalid_form", "A form has a few named fields, and nothing else in it.")
            is_file = part.filename is not None
            content = await _read_part(part, _FORM_LIMIT_BYTES - total if is_file else _TEXT_LIMIT_BYTES)
            total += len(content)
            form[part.name] = content if is_file else content.decode("utf-8", "replace")
    return form


async def _read_part(part: BodyPartReader, limit: int) -> bytes:
    encodings = (part.headers.get("Content-Encoding"), part.headers.get("Content-Transfer-Encoding"))
    if any((encoding or "").lower() not in _IDENTITY_ENCODINGS for encoding in encodings):
        raise bad_request("invalid_form", "A field is sent as it is, neither packed nor encoded.")
    content = bytearray()
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        content += chunk
        _check_size(len(content), limit)
    return bytes(content)


@asynccontextmanager
async def _map_body_errors(reason: str) -> AsyncIterator[None]:
    """Map the failures of reading a body, and limit its time."""
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            yield
    except TimeoutError as error:
        raise RefusedError(408, "request_timeout", "The body took too long.") from error
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise bad_request(reason, "The body can't be read.") from error
    except (ValueError, LookupError, AssertionError, RuntimeError, *HEADER_WARNINGS) as error:
        # aiohttp's multipart reader raises these over malformed boundaries and part headers.
        raise bad_request(reason, "The body can't be read.") from error


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise RefusedError(413, "payload_too_large", "The body is too large.")
