"""How the local Atlas answers: JSON, and errors of Atlas's one shape."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from atlas_desktop.errors import N_, AppError


class RefusedError(AppError):
    """A request that is answered with an error: status, Atlas's code, a sentence, maybe headers."""

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


def answer(body: Any, status: int = 200) -> web.Response:
    """``body`` as JSON."""
    return web.json_response(body, status=status, dumps=_dumps)


def error_answer(
    status: int, reason: str, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An error in Atlas's shape."""
    return web.json_response({"error": reason, "message": message}, status=status, headers=headers)


def not_found(what: str) -> RefusedError:
    """404, of Atlas's shape."""
    return RefusedError(404, "not_found", f"There is no such {what}.")


def bad_request(reason: str, message: str) -> RefusedError:
    """400 with Atlas's code ``reason``."""
    return RefusedError(400, reason, message)


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's body as a JSON object; an empty body is an empty one.

    Raises:
        RefusedError: 400, when it is something else.
    """
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise bad_request("invalid_json", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise bad_request("invalid_json", "The body is not a JSON object.")
    return body


def _dumps(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, allow_nan=False)
