"""The calls about the service itself: what it is, how it does, who asks."""

from aiohttp import web

from atlas_desktop import __version__
from atlas_desktop.local_atlas.rest.answers import answer
from atlas_desktop.local_atlas.rest.books import Books
from atlas_desktop.local_atlas.rest.rest import SESSIONS_PATH

_KEY_PREFIX_SIGNS = 8


class ServiceDesk:
    """``/`` and ``/v1/{health,status,me}``. Thread: the event loop's.

    Args:
        key: Shown by its first signs in ``GET /v1/me``.
    """

    def __init__(self, key: str, books: Books) -> None:
        self._key = key
        self._books = books

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._index),
            web.get("/v1/health", self._health),
            web.get("/v1/status", self._status),
            web.get("/v1/me", self._me),
        ]

    async def _index(self, request: web.Request) -> web.Response:
        return answer(
            {
                "name": "Atlas on this computer",
                "version": f"local-{__version__}",
                "endpoints": {
                    "health": "GET /v1/health",
                    "status": "GET /v1/status",
                    "me": "GET /v1/me",
                    "realtime": f"POST {SESSIONS_PATH}",
                    "generate": "POST /v1/generate",
                    "jobs": "GET /v1/jobs",
                },
            }
        )

    async def _health(self, request: web.Request) -> web.Response:
        return answer({"status": "ok", "sessions": len(self._books.active)})

    async def _status(self, request: web.Request) -> web.Response:
        full = len(self._books.active) >= self._books.terms.capacity
        return answer({"avatar_generation": "busy" if full else "available", "voice_synthesis": "available"})

    async def _me(self, request: web.Request) -> web.Response:
        return answer(
            {
                "key_prefix": self._key[:_KEY_PREFIX_SIGNS],
                "tier": "local",
                "rate_limit": {"requests": self._books.terms.requests_per_minute, "window_seconds": 60},
                "billing": {"credit_cents": self._books.credit_cents, "note": "Play money, kept in memory."},
            }
        )
