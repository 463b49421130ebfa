"""Limits on connections, their number and their idle time: any user of this computer can connect."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

MAX_CONNECTIONS = 128
"""More than a window, its guard and the clients of fifty rooms need; fewer than a process may open files."""
_CONTINUE = "100-continue"  # the only expectation that aiohttp handles

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _ProtocolErrorFilter(logging.Filter):
    """Drops records about malformed HTTP: it was answered with 400, and a stranger could flood the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


_log = logging.getLogger("atlas_desktop.local_atlas.http")
_log.addFilter(_ProtocolErrorFilter())

RUNNER_OPTIONS: dict[str, Any] = {
    # The URL of a join holds a token and a whole offer: it must not be logged, and it is long.
    "access_log": None,
    "max_line_size": 131_072,
    "max_field_size": 16_384,
    # Also the time limit for the head of a request.
    "keepalive_timeout": 30.0,
    "lingering_time": 2.0,
    # Compressed bodies are refused, not decompressed.
    "auto_decompress": False,
    "logger": _log,
}


class Connections:
    """All connections, bounded in number. Thread: the event loop's.

    Above the limit the oldest one that never showed a key or token is closed; where all have shown one, the
    newest.
    """

    def __init__(self, limit: int = MAX_CONNECTIONS) -> None:
        self._limit = limit
        self._admitted: set[asyncio.BaseProtocol] = set()

    def admit(self, request: web.Request) -> None:
        """Mark the connection of ``request`` as authenticated."""
        self._admitted.add(request.protocol)

    def connect(self, server: web.Server) -> asyncio.BaseProtocol:
        """Create the protocol of a new connection, and enforce the limit once it is set up."""
        loop = asyncio.get_running_loop()
        # Several are accepted in one cycle of the loop, and set up in the next.
        loop.call_soon(loop.call_soon, self._enforce_limit, server)
        return server()

    def _enforce_limit(self, server: web.Server) -> None:
        connections = [one for one in server.connections if one.transport is not None]
        self._admitted.intersection_update(connections)
        strangers = [one for one in connections if one not in self._admitted]
        admitted = [one for one in connections if one in self._admitted]
        for one in (*strangers, *reversed(admitted))[: max(0, len(connections) - self._limit)]:
            one.force_close()


class BoundedRunner(web.AppRunner):
    """Serves an application over ``connections``."""

    def __init__(self, app: web.Application, connections: Connections, shutdown_limit_s: float) -> None:
        super().__init__(app, shutdown_timeout=shutdown_limit_s, **RUNNER_OPTIONS)
        self._connections = connections

    async def setup(self) -> None:
        """Prepare the application and the check that every request passes first."""
        await super().setup()
        server = super().server
        assert server is not None
        server.request_handler = partial(_check_expectation, server.request_handler)

    @property
    def server(self) -> Any:
        """The factory of each new connection's protocol."""
        server = super().server
        return None if server is None else partial(self._connections.connect, server)


async def _check_expectation(handler: Handler, request: web.BaseRequest) -> web.StreamResponse:
    """Refuse unknown expectations: aiohttp, before any middleware, would echo them unescaped."""
    if request.headers.get("Expect", _CONTINUE).lower() != _CONTINUE:
        return web.Response(status=417, text="This expectation can't be met.")
    return await handler(request)
