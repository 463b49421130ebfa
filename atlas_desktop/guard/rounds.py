"""How the service itself sees what is held: asked once a minute, believed when it can be meant."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.orders import Frame, Why
from atlas_desktop.errors import NotFoundError, ServiceError
from atlas_desktop.guard.held import Held

log = logging.getLogger(__name__)

SECOND_LOOK_S = 5.0
"""Before a session that the service does not know is taken for one that is over."""
_OVER = ("ended", "closed", "expired", "completed")
"""Words of a status that say that a session costs nothing more; ``ended`` is Atlas's."""


class Rounds:
    """Asks for statuses. Thread: one event loop.

    Args:
        is_running: Whether a session is held, and not being ended.
        end: Called with each session that is over.
        tell: Hands events out.
    """

    def __init__(
        self,
        is_running: Callable[[Held], bool],
        end: Callable[[Held, Why], None],
        tell: Callable[[Frame], None],
    ) -> None:
        self._is_running = is_running
        self._end = end
        self._tell = tell
        self._scope = TaskScope("guard.rounds")

    def ask(self, held: Held) -> None:
        """Asks about one session; does not wait for the answer."""
        if self._is_running(held):
            self._scope.start(self._look(held), "status")

    async def aclose(self) -> None:
        await self._scope.aclose()

    async def _look(self, held: Held) -> None:
        is_over = await self._is_over(held)
        if is_over is None:
            # A slip of one server must not end a session that runs.
            await asyncio.sleep(SECOND_LOOK_S)
            is_over = self._is_running(held) and await self._is_over(held) is not False
        if is_over and self._is_running(held):
            self._end(held, Why.SERVICE)

    async def _is_over(self, held: Held) -> bool | None:
        """What the service says; ``None`` when it does not know the session."""
        try:
            found = await held.source.status(held.session_id)
        except NotFoundError:
            # Of a backend that may only mean that it has no such call.
            return None if held.has_status else False
        except ServiceError as error:
            log.info("no status of %s: %s", held.session_id, error)
            return False
        held.was_found = True
        self._tell({"event": "status", **asdict(found)})
        return found.status in _OVER
