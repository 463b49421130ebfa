"""The parts of a local Atlas, put together: the composition root of its process."""

import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from atlas_desktop.local_atlas.connections import BoundedRunner, Connections
from atlas_desktop.local_atlas.rest.books import Books
from atlas_desktop.local_atlas.rest.fault_desk import FaultDesk
from atlas_desktop.local_atlas.rest.gate import Gate
from atlas_desktop.local_atlas.rest.jobs import JobDesk
from atlas_desktop.local_atlas.rest.local_desk import LocalDesk
from atlas_desktop.local_atlas.rest.rest import RestDesk
from atlas_desktop.local_atlas.rest.service import ServiceDesk
from atlas_desktop.local_atlas.rooms.hall import RoomHall
from atlas_desktop.local_atlas.stage import Casting


@dataclass(slots=True)
class Parts:
    """What a local Atlas is made of; ``closers`` end what they do."""

    app: web.Application
    connections: Connections
    books: Books
    hall: RoomHall
    faults: FaultDesk
    closers: list[Callable[[], Coroutine[Any, Any, None]]]

    def runner(self, shutdown_limit_s: float) -> web.AppRunner:
        """Serves the application; the room's long addresses included, and none of them logged."""
        return BoundedRunner(self.app, self.connections, shutdown_limit_s)

    def site(self, runner: web.AppRunner, listener: socket.socket, backlog: int) -> web.BaseSite:
        """The application on a socket that is bound already."""
        return web.SockSite(runner, listener, backlog=backlog)


def assemble(base: str, key: str, casting: Casting | None = None) -> Parts:
    """Makes all parts of the local Atlas at ``base`` and connects them. Thread: the event loop's."""
    casting = casting or _our_casting()
    books = Books()
    connections = Connections()
    hall = RoomHall(casting, connections.admit)
    faults = FaultDesk(books, hall)
    gate = Gate(key, books, connections.admit)
    rest = RestDesk(base.replace("http://", "ws://", 1), books, hall, faults)
    jobs = JobDesk(base, books, casting)
    app = web.Application(middlewares=[gate.note, gate.errors, gate.address, faults.middleware, gate.key])
    for desk in (ServiceDesk(key, books), rest, jobs, LocalDesk(books, hall, faults), hall):
        app.add_routes(desk.routes())
    return Parts(app, connections, books, hall, faults, [rest.aclose, hall.aclose, jobs.aclose])


def _our_casting() -> Casting:
    from atlas_desktop.local_atlas.casting import cast

    return cast
