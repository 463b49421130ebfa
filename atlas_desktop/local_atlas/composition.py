"""The composition root of the local Atlas: it runs on the caller's event loop."""

import asyncio
import contextlib
import socket
import warnings
from dataclasses import dataclass, field

from aiohttp import web

from atlas_desktop.local_atlas.connections import BoundedRunner, Connections
from atlas_desktop.local_atlas.entry_point import BACKLOG, base_url, new_key, open_listener, stop_accepting
from atlas_desktop.local_atlas.interfaces import AvatarFactory
from atlas_desktop.local_atlas.rest.accounts import AccountStore
from atlas_desktop.local_atlas.rest.fault_injector import FaultInjector
from atlas_desktop.local_atlas.rest.http_messages import HEADER_WARNINGS
from atlas_desktop.local_atlas.rest.jobs import JobApi
from atlas_desktop.local_atlas.rest.middleware import RequestMiddleware
from atlas_desktop.local_atlas.rest.service_api import ServiceApi
from atlas_desktop.local_atlas.rooms.room_server import RoomServer

# Together about a second: a parent kills its child after two.
_SHUTDOWN_LIMIT_S = 0.3
_CLOSE_LIMIT_S = 0.8


@dataclass
class LocalAtlas:
    """A local Atlas that is listening. Thread: its event loop's.

    Attributes:
        base: Its base URL, ``http://127.0.0.1:PORT``.
        key: The one API key that it accepts.
    """

    base: str
    key: str = field(repr=False)
    accounts: AccountStore
    rooms: RoomServer
    faults: FaultInjector
    api: ServiceApi = field(repr=False)
    jobs: JobApi = field(repr=False)
    runner: web.AppRunner = field(repr=False)
    listener: socket.socket = field(repr=False)

    async def aclose(self) -> None:
        """End all sessions and close the server, within about a second."""
        self.faults.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await asyncio.gather(self.api.aclose(), self.rooms.aclose(), self.jobs.aclose())
        await stop_accepting(self.listener)
        await self.runner.cleanup()


async def serve(
    *,
    listener: socket.socket | None = None,
    key: str = "",
    create_avatar: AvatarFactory | None = None,
) -> LocalAtlas:
    """Start a local Atlas on the running loop.

    Args:
        listener: A listening socket; by default one on any free port.
        key: The API key that it accepts; empty: a new one.
        create_avatar: Creates the avatars; the product's own factory by default.
    """
    # aiohttp would log, and remember, one for every malformed header that a client sends.
    for category in HEADER_WARNINGS:
        warnings.simplefilter("ignore", category)
    create_avatar = create_avatar or _default_factory()
    listener = listener or open_listener(0)
    base = base_url(listener)
    key = key or new_key()
    accounts, connections = AccountStore(), Connections()
    rooms = RoomServer(create_avatar, connections)
    faults = FaultInjector(accounts, rooms)
    middleware = RequestMiddleware(key, accounts, connections)
    api = ServiceApi(key, base.replace("http://", "ws://", 1), accounts, rooms, faults)
    jobs = JobApi(base, accounts, create_avatar)
    app = web.Application(
        middlewares=[
            middleware.record,
            middleware.map_errors,
            middleware.check_origin,
            faults.middleware,
            middleware.authenticate,
        ]
    )
    app.add_routes([*api.routes(), *jobs.routes(), *faults.routes(), *rooms.routes()])
    runner = BoundedRunner(app, connections, _SHUTDOWN_LIMIT_S)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    return LocalAtlas(base, key, accounts, rooms, faults, api, jobs, runner, listener)


def _default_factory() -> AvatarFactory:
    # Imported here: tests bring a factory of their own and need neither synthesis nor rendering.
    from atlas_desktop.local_atlas.avatar_factory import create_avatar

    return create_avatar
