"""The gate that every request passes: noted, meant for this computer, with the key, not too often."""

import hmac
import math
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable

from aiohttp import web

from atlas_desktop.local_atlas.rest.answers import RefusedError, error_answer
from atlas_desktop.local_atlas.rest.books import Books

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HERE = r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?"
_HOST = re.compile(_HERE)
_ORIGIN = re.compile(rf"https?://{_HERE}")
_LONGEST_HEADER = 300
_ROOM_PATHS = "/rtc"
DESK_PATHS = "/local/"
_OPEN_PATHS = ("/", "/v1/health")
_TICKET_PATHS = "/files/"
_WINDOW_S = 60.0
_REASONS = {404: "not_found", 405: "method_not_allowed", 413: "payload_too_large"}

Admit = Callable[[web.Request], None]


class Gate:
    """Middlewares of the application, in the order in which a request meets them.

    Args:
        key: The one key that opens.
        books: Where calls are noted.
        admit: Is told of each request that showed the key.
    """

    def __init__(self, key: str, books: Books, admit: Admit) -> None:
        self._key = key.encode()
        self._books = books
        self._admit = admit
        self._recent_s: deque[float] = deque()

    @web.middleware
    async def note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Notes each call as it arrives, and its status once it is answered."""
        if request.path.startswith(DESK_PATHS):
            return await handler(request)
        began_s = time.monotonic()
        entry = self._books.note(request.method, request.path)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            entry.status = error.status
            raise
        gone = request.transport is None or request.transport.is_closing()
        is_socket = isinstance(response, web.WebSocketResponse)
        entry.status = 0 if gone and not is_socket else response.status
        entry.took_ms = round((time.monotonic() - began_s) * 1000, 1)
        return response

    @web.middleware
    async def address(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuses what a page of the web has a browser send, and bodies that would have to be unpacked.

        A page may have its own name point at this computer (DNS rebinding): then the host is that name. Else
        its browser says where it comes from.
        """
        hosts, origins = request.headers.getall("Host", []), request.headers.getall("Origin", [])
        if len(hosts) != 1 or not _is_one(_HOST, hosts[0]):
            raise RefusedError(403, "forbidden_host", "The local Atlas answers to this computer only.")
        if not all(_is_one(_ORIGIN, origin) for origin in origins):
            raise RefusedError(403, "forbidden_origin", "The local Atlas answers to this computer only.")
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise RefusedError(415, "unsupported_encoding", "Send the body as it is, not packed.")
        return await handler(request)

    @web.middleware
    async def errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turns what is refused into Atlas's shape; the room's own answers stay as they are."""
        try:
            return await handler(request)
        except RefusedError as error:
            return error_answer(error.status, error.reason, error.message, error.headers)
        except web.HTTPError as error:
            if request.path.startswith(_ROOM_PATHS):
                raise
            reason = _REASONS.get(error.status, "bad_request")
            return error_answer(error.status, reason, error.reason)

    @web.middleware
    async def key(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Wants the key, where one is needed, and counts calls against the rate limit."""
        path = request.path
        if path in _OPEN_PATHS or path.startswith((_ROOM_PATHS, _TICKET_PATHS)):
            return await handler(request)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        # What was no text in the header is half of a surrogate pair here.
        said = given.strip().encode("utf-8", "surrogateescape")
        if scheme.lower() != "bearer" or not hmac.compare_digest(said, self._key):
            raise RefusedError(401, "unauthorized", "The API key is missing or wrong.")
        self._admit(request)
        if not path.startswith(DESK_PATHS):
            self._count()
        return await handler(request)

    def _count(self) -> None:
        limit = self._books.terms.requests_per_minute
        now_s = time.monotonic()
        while self._recent_s and self._recent_s[0] <= now_s - _WINDOW_S:
            self._recent_s.popleft()
        if limit and len(self._recent_s) >= limit > 0:
            wait_s = math.ceil(self._recent_s[0] + _WINDOW_S - now_s)
            headers = {"Retry-After": str(max(wait_s, 1))}
            raise RefusedError(429, "rate_limited", f"At most {limit} requests a minute.", headers)
        self._recent_s.append(now_s)


def _is_one(pattern: re.Pattern[str], header: str) -> bool:
    return len(header) <= _LONGEST_HEADER and pattern.fullmatch(header.lower()) is not None
