"""A local Atlas that runs on a loop of this process: the caller's, or one in a thread of its own."""

import asyncio
import contextlib
import socket
import threading
import warnings
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

from atlas_desktop.local_atlas.listening import BACKLOG, base_of, bound, new_key, stop_accepting

if TYPE_CHECKING:
    from aiohttp import web

    from atlas_desktop.local_atlas.rest.books import Books
    from atlas_desktop.local_atlas.rest.fault_desk import FaultDesk
    from atlas_desktop.local_atlas.rooms.hall import RoomHall
    from atlas_desktop.local_atlas.stage import Casting

T = TypeVar("T")

_SHUTDOWN_LIMIT_S = 0.3
_CLOSE_LIMIT_S = 0.8


@dataclass
class LocalAtlas:
    """A local Atlas that is listening. Thread: its event loop's.

    Attributes:
        base: Its address, ``http://127.0.0.1:PORT``.
        key: The one key that it takes.
    """

    base: str
    key: str = field(repr=False)
    books: "Books"
    hall: "RoomHall"
    faults: "FaultDesk"
    runner: "web.AppRunner" = field(repr=False)
    listener: socket.socket = field(repr=False)
    closers: list[Callable[[], Coroutine[Any, Any, None]]] = field(repr=False)

    async def aclose(self) -> None:
        """Ends all sessions and closes the server, within about a second."""
        self.faults.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await asyncio.gather(*(close() for close in self.closers))
        await stop_accepting(self.listener)
        await self.runner.cleanup()


async def serve(
    port: int = 0,
    *,
    listener: socket.socket | None = None,
    key: str = "",
    casting: "Casting | None" = None,
) -> LocalAtlas:
    """Starts a local Atlas on this loop.

    Args:
        port: 0 takes any that is free.
        listener: A socket that is bound already, instead of ``port``.
        key: The key it takes; empty: a new one.
        casting: Makes the avatars; ours when not given.

    Raises:
        OSError: The port is taken.
    """
    from atlas_desktop.local_atlas.assembly import assemble
    from atlas_desktop.local_atlas.rest.bodies import ODD_HEADS

    # Each would be a line of the log, and remembered, for every odd name that a stranger sends.
    for kind in ODD_HEADS:
        warnings.simplefilter("ignore", kind)

    listener = listener or bound(port)
    base = base_of(listener)
    key = key or new_key()
    parts = assemble(base, key, casting)
    runner = parts.runner(_SHUTDOWN_LIMIT_S)
    await runner.setup()
    await parts.site(runner, listener, BACKLOG).start()
    return LocalAtlas(base, key, parts.books, parts.hall, parts.faults, runner, listener, parts.closers)


class LocalAtlasThread:
    """A local Atlas in a thread of this process, for tests and examples: use it with ``with``.

    Its parts belong to its own loop: reach them by ``call``; reading ``books`` is safe.
    """

    def __init__(self, casting: "Casting | None" = None) -> None:
        self._casting = casting
        self._loop = asyncio.new_event_loop()
        self._atlas: LocalAtlas | None = None
        self._thread = threading.Thread(target=self._run, name="local-atlas")

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._atlas = self._await(serve(casting=self._casting))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self._await(self.atlas.aclose())
        self._stop()

    @property
    def atlas(self) -> LocalAtlas:
        assert self._atlas is not None, "the local Atlas is not running"
        return self._atlas

    @property
    def base(self) -> str:
        return self.atlas.base

    @property
    def key(self) -> str:
        return self.atlas.key

    @property
    def books(self) -> "Books":
        return self.atlas.books

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Runs ``function`` on the loop of the local Atlas and returns what it returns."""

        async def run() -> T:
            return function(*args, **kwargs)

        return self._await(run())

    def spoil(self, **fields: Any) -> None:
        """Orders a fault of the REST desk: the fields of ``RestFault``."""
        self.call(self.atlas.faults.spoil, **fields)

    def tell(self, **fields: Any) -> None:
        """Gives open rooms an order: the fields of ``RoomOrder``."""
        self.call(self.atlas.faults.tell, **fields)

    def open_rooms_with(self, **fields: Any) -> None:
        """Sets options of rooms opened from now on: the fields of ``RoomOptions``."""
        self.call(self.atlas.faults.open_rooms_with, **fields)

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        # Rooms that were being closed when all was closed: as at the end of ``asyncio.run``.
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
