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
    # Half of a surrogate pair, as a stranger may have sent it, stays the escape that it was.
    content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
    return web.Response(body=content, status=status, content_type="application/json", charset="utf-8")


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
