"""The rehearsal: sessions on a local Atlas, which runs on this computer and costs nothing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.source import SessionSource
from atlas_desktop.child import Child
from atlas_desktop.errors import ChildError

log = logging.getLogger(__name__)

ROLE = "local"


class Rehearsal:
    """Spawns the local Atlas at its first use. It ends with this process, however that ends.

    Thread: one event loop.

    Args:
        start_child: Spawns a process of ours in a role.
        on_lost: Called when the local Atlas exits unasked. Its port is free from then on: another listener
            there must not be mistaken for it.
    """

    def __init__(
        self,
        start_child: Callable[[str], Awaitable[Child]] = Child.start,
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        self._start_child = start_child
        self._on_lost = on_lost
        self._child: Child | None = None
        self._source: SessionSource | None = None
        self._scope = TaskScope("rehearsal")
        self._lock = asyncio.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether the local Atlas runs."""
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int | None:
        """The process of the local Atlas that runs; ``None`` before."""
        return self._child.pid if self._child is not None else None

    @property
    def address(self) -> tuple[str, str] | None:
        """Base and key of the local Atlas that runs; ``None`` before."""
        if self._child is None:
            return None
        return str(self._child.first_line["base"]), str(self._child.first_line["key"])

    async def source(self) -> SessionSource:
        """Return the source of sessions that are never billed; spawn the local Atlas when needed.

        Raises:
            ChildError: It did not start.
        """
        async with self._lock:
            if self._source is None or not self.is_ready:
                await self._drop()
                self._source = await self._scope.start(self._start(), "start")
            return self._source

    async def aclose(self) -> None:
        """Terminate the local Atlas and every session on it, even while it starts."""
        self._scope.cancel()
        async with self._lock:
            await self._drop()

    async def _start(self) -> SessionSource:
        from atlas_desktop.api.http_source import AtlasSource

        child = await self._start_child(ROLE)
        self._child = child
        child.listen(on_exit=self._lost)
        try:
            base, key = str(child.first_line["base"]), str(child.first_line["key"])
        except KeyError as error:
            await self._drop()
            raise ChildError(role=ROLE, detail="unexpected first line") from error
        return AtlasSource(key, base, billed=False)

    def _lost(self, status: int) -> None:
        log.warning("the local Atlas ended with status %s", status)
        if self._on_lost is not None:
            self._on_lost()

    async def _drop(self) -> None:
        source, self._source = self._source, None
        child, self._child = self._child, None
        if source is not None:
            await source.aclose()
        if child is not None:
            await child.aclose()
