"""The middleware that every request passes: call record, origin check, API key, rate limit."""

import hmac
import math
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable

from aiohttp import web

from atlas_desktop.local_atlas.connections import Connections
from atlas_desktop.local_atlas.rest.accounts import AccountStore
from atlas_desktop.local_atlas.rest.http_messages import RefusedError, error_response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOCAL = r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?"
_HOST = re.compile(_LOCAL)
_ORIGIN = re.compile(rf"https?://{_LOCAL}")
_MAX_HEADER_CHARS = 300  # a host name has 253 at most
_ROOM_PATHS = "/rtc"  # authenticated by room tokens
CONTROL_PATHS = "/local/"  # neither recorded nor rate-limited: they observe the rest
_OPEN_PATHS = ("/", "/v1/health")
_TICKET_PATHS = "/files/"  # authenticated by the ticket in the path
_RATE_WINDOW_S = 60.0
_REASONS = {404: "not_found", 405: "method_not_allowed", 413: "payload_too_large"}


class RequestMiddleware:
    """The application's middleware, in the order in which a request passes it.

    Args:
        key: The one API key that is accepted.
        accounts: Where calls are recorded.
        connections: Where authenticated connections are marked.
    """

    def __init__(self, key: str, accounts: AccountStore, connections: Connections) -> None:
        self._key = key.encode()
        self._accounts = accounts
        self._connections = connections
        self._recent_s: deque[float] = deque()

    @web.middleware
    async def record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Record each call as it arrives, and its status once it is answered."""
        if request.path.startswith(CONTROL_PATHS):
            return await handler(request)
        began_s = time.monotonic()
        call = self._accounts.record_call(request.method, request.path)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            call.status = error.status
            raise
        gone = request.transport is None or request.transport.is_closing()
        is_socket = isinstance(response, web.WebSocketResponse)
        call.status = 0 if gone and not is_socket else response.status
        call.took_ms = round((time.monotonic() - began_s) * 1000, 1)
        return response

    @web.middleware
    async def map_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Map errors to Atlas's format; the responses of the room server stay as they are."""
        try:
            return await handler(request)
        except RefusedError as error:
            return error_response(error.status, error.reason, error.message, error.headers)
        except web.HTTPError as error:
            if request.path.startswith(_ROOM_PATHS):
                raise
            reason = _REASONS.get(error.status, "bad_request")
            return error_response(error.status, reason, error.reason)

    @web.middleware
    async def check_origin(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse requests that a web page makes the browser send, and compressed bodies.

        A page may have its own name resolve to this computer (DNS rebinding): then ``Host`` is that name.
        Otherwise the browser sends its ``Origin``.
        """
        hosts, origins = request.headers.getall("Host", []), request.headers.getall("Origin", [])
        if len(hosts) != 1 or not _matches(_HOST, hosts[0]):
            raise RefusedError(403, "forbidden_host", "The local Atlas answers to this computer only.")
        if not all(_matches(_ORIGIN, origin) for origin in origins):
            raise RefusedError(403, "forbidden_origin", "The local Atlas answers to this computer only.")
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise RefusedError(415, "unsupported_encoding", "Send the body as it is, not packed.")
        return await handler(request)

    @web.middleware
    async def authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Require the API key where one is needed, and enforce the rate limit."""
        path = request.path
        if path in _OPEN_PATHS or path.startswith((_ROOM_PATHS, _TICKET_PATHS)):
            return await handler(request)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        # Header bytes that are not UTF-8 arrive as lone surrogates.
        key = given.strip().encode("utf-8", "surrogateescape")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key, self._key):
            raise RefusedError(401, "unauthorized", "The API key is missing or wrong.")
        self._connections.admit(request)
        if not path.startswith(CONTROL_PATHS):
            self._count_request()
        return await handler(request)

    def _count_request(self) -> None:
        limit = self._accounts.terms.requests_per_minute
        now_s = time.monotonic()
        while self._recent_s and self._recent_s[0] <= now_s - _RATE_WINDOW_S:
            self._recent_s.popleft()
        if limit and len(self._recent_s) >= limit > 0:
            wait_s = math.ceil(self._recent_s[0] + _RATE_WINDOW_S - now_s)
            headers = {"Retry-After": str(max(wait_s, 1))}
            raise RefusedError(429, "rate_limited", f"At most {limit} requests a minute.", headers)
        self._recent_s.append(now_s)


def _matches(pattern: re.Pattern[str], header: str) -> bool:
    return len(header) <= _MAX_HEADER_CHARS and pattern.fullmatch(header.lower()) is not None
