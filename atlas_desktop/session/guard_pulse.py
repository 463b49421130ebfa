"""Signs of life between the app and its guard, both ways, while anything depends on them."""

import asyncio
import logging
from collections.abc import Callable

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.orders import Frame
from atlas_desktop.errors import GuardLostError
from atlas_desktop.session.guard_line import Line

log = logging.getLogger(__name__)

BEAT_S = 1.0
PROBE_S = 5.0
SILENT_S = 20.0
"""A guard that answers nothing for so long is replaced: it may be stopped, or told to go."""
ENDING_SILENT_S = 2.0
"""The same while a session is to be ended: that costs money, and a closing window does not wait for long."""
_GRACE_SHARE = 0.25
_PROBE: Frame = {"op": "limits", "session_id": "", "limits": {}}
"""Changes nothing; whoever answers lives."""


class GuardPulse:
    """Beats once a second from the loop it lives on: when that hangs, the guard hears nothing.

    Attributes:
        idle_s: For how long nobody did anything; goes with each beat.

    Args:
        scope: Owns the tasks.
        line: The guard that there is.
        is_needed: Whether a session is asked for or held; without, nothing runs.
    """

    def __init__(
        self, scope: TaskScope, line: Callable[[], Line | None], is_needed: Callable[[], bool]
    ) -> None:
        self.idle_s = 0.0
        self._scope = scope
        self._line = line
        self._is_needed = is_needed
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def keep(self) -> None:
        """Goes on until it is not needed any more."""
        for name, work in (("beat", self._beat), ("probe", self._probe)):
            if name not in self._tasks or self._tasks[name].done():
                self._tasks[name] = self._scope.start(work(), name)

    async def _beat(self) -> None:
        while self._is_needed():
            line = self._line()
            if line is not None:
                line.beat(self.idle_s)
            await asyncio.sleep(BEAT_S)

    async def _probe(self) -> None:
        while self._is_needed():
            await self.check(SILENT_S)
            await asyncio.sleep(PROBE_S)

    async def check(self, limit_s: float) -> None:
        """Ends a guard that does not answer within ``limit_s``: the next one goes on with its work."""
        line = self._line()
        if line is not None and not await self._answers(line, limit_s):
            log.info("the guard answers nothing: it is replaced")
            line.kill()

    async def _answers(self, line: Line, limit_s: float) -> bool:
        asking = self._scope.start(_asked(line), "probe answer")
        await asyncio.wait({asking}, timeout=limit_s)
        if not asking.done():
            # After a hang of our own its answer may wait behind the timer.
            await asyncio.sleep(limit_s * _GRACE_SHARE)
        if asking.done():
            return True
        asking.cancel()
        return False


async def _asked(line: Line) -> None:
    try:
        await line.ask(_PROBE)
    except GuardLostError:
        return  # its end is being told
