"""Answers that the fault desk puts in the place of real ones."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from atlas_desktop.local_atlas.rest.answers import answer, error_answer
from atlas_desktop.local_atlas.rest.orders import RestFault, SpoiledBody

_REASONS = {
    400: "invalid_request",
    401: "unauthorized",
    402: "insufficient_credits",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    429: "rate_limited",
    503: "no_capacity",
}
_PAGE = """<!DOCTYPE html>
<html><head><title>{status} {phrase}</title><style>body {{ margin: 0 }}</style></head>
<body><center><h1>{status} {phrase}</h1></center><hr><center>a proxy</center></body></html>
"""


def spoiled(fault: RestFault) -> web.Response:
    """The answer that ``fault`` orders."""
    status = fault.status or 200
    headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    phrase = _phrase(status)
    match fault.body:
        case SpoiledBody.HTML:
            page = _PAGE.format(status=status, phrase=phrase)
            return web.Response(text=page, status=status, headers=headers, content_type="text/html")
        case SpoiledBody.TEXT:
            content = (fault.message or phrase).encode("utf-8", "replace")
            return web.Response(
                body=content, status=status, headers=headers, content_type="text/plain", charset="utf-8"
            )
        case SpoiledBody.EMPTY:
            return web.Response(status=status, headers=headers)
        case SpoiledBody.JSON:
            reason = fault.error or _REASONS.get(status, "internal_error")
            return error_answer(status, reason, fault.message or f"{phrase}, as ordered.", headers)


def changed(real: web.StreamResponse, change: Mapping[str, Any]) -> web.StreamResponse:
    """A real JSON answer with fields replaced, or removed where the value is ``None``."""
    if not isinstance(real, web.Response) or real.content_type != "application/json":
        return real
    body = {**json.loads(real.text or "{}"), **change}
    return answer({name: value for name, value in body.items() if value is not None}, real.status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
