"""How many may be connected, and for how long in silence: any user of this computer can connect."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

MOST_CONNECTIONS = 128
"""Far more than a window, its guard and fifty rooms' clients; far fewer than a process may open files."""
_CONTINUE = "100-continue"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _WellSpoken(logging.Filter):
    """Leaves out what is no HTTP: it was answered with a 400, and a stranger could fill the log with it."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


_log = logging.getLogger("atlas_desktop.local_atlas.http")
_log.addFilter(_WellSpoken())

RUNNER_OPTIONS: dict[str, Any] = {
    # The address of a join holds a token and a whole offer: neither belongs into a log, and it is long.
    "access_log": None,
    "max_line_size": 131_072,
    "max_field_size": 16_384,
    # Also how long a connection may take over the head of its request.
    "keepalive_timeout": 30.0,
    "lingering_time": 2.0,
    # What is packed is refused, not unpacked.
    "auto_decompress": False,
    "logger": _log,
}


class Connections:
    """Every connection, bounded in number. Thread: the event loop's.

    When there are too many, the oldest that never showed a key or a token goes; where all have shown one, the
    newest.
    """

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self._most = most
        self._admitted: set[asyncio.BaseProtocol] = set()

    def admit(self, request: web.Request) -> None:
        """Keeps the connection of ``request``, whatever comes: it knows a key or a token."""
        self._admitted.add(request.protocol)

    def connect(self, server: web.Server) -> asyncio.BaseProtocol:
        """The protocol of a connection that is about to be made; once it is, others may have to go."""
        loop = asyncio.get_running_loop()
        # Many are taken in one turn of the loop, and made in the next.
        loop.call_soon(loop.call_soon, self._make_room, server)
        return server()

    def _make_room(self, server: web.Server) -> None:
        connections = [one for one in server.connections if one.transport is not None]
        self._admitted.intersection_update(connections)
        unknown = [one for one in connections if one not in self._admitted]
        known = [one for one in connections if one in self._admitted]
        for one in (*unknown, *reversed(known))[: max(0, len(connections) - self._most)]:
            one.force_close()


class BoundedRunner(web.AppRunner):
    """Serves an application over ``connections``."""

    def __init__(self, app: web.Application, connections: Connections, shutdown_limit_s: float) -> None:
        super().__init__(app, shutdown_timeout=shutdown_limit_s, **RUNNER_OPTIONS)
        self._connections = connections

    async def setup(self) -> None:
        """Prepares the application and what every request passes first."""
        await super().setup()
        server = super().server
        assert server is not None
        server.request_handler = partial(_unless_odd, server.request_handler)

    @property
    def server(self) -> Any:
        """What makes the protocol of each new connection."""
        server = super().server
        return None if server is None else partial(self._connections.connect, server)


async def _unless_odd(handler: Handler, request: web.BaseRequest) -> web.StreamResponse:
    """Refuses an expectation that can't be met: aiohttp, before any middleware, repeats it as it came."""
    if request.headers.get("Expect", _CONTINUE).lower() != _CONTINUE:
        return web.Response(status=417, text="This expectation can't be met.")
    return await handler(request)
