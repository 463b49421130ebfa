"""Keeps a guard there: starts it, starts it again when it dies, and says when that is no use."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.orders import Frame
from atlas_desktop.errors import ChildError, GuardDownError, GuardLostError
from atlas_desktop.session.guard_line import GuardProcess, Line, OwnLine, ProcessLine

log = logging.getLogger(__name__)

ROLE = "guard"
PAUSES_S = (0.0, 0.2, 1.0, 3.0)
"""Before each try to start it again. One that dies young uses them up, too."""
YOUNG_S = 10.0
SETTLE_LIMIT_S = 60.0
"""A guard that does not take what it is told at first in this time never will."""

GuardStarter = Callable[..., Awaitable[GuardProcess]]
"""Starts a process of ours: ``child.Child.start``."""


class GuardKeeper:
    """Holds the line to the guard. Thread: one event loop.

    Attributes:
        line: Who carries out orders now; ``None`` while there is nobody.
        down: Why the guard does not start; ``None`` while it does.

    Args:
        folder: The profile's.
        start_child: Starts the guard's process.
        scope: Owns the starts.
        settle: Tells a new line all that it has to know, before anybody else uses it.
        on_event: Called with each event.
        on_down: Called when every try to start it again has failed.
    """

    def __init__(
        self,
        folder: Path,
        start_child: GuardStarter,
        scope: TaskScope,
        settle: Callable[[Line], Awaitable[None]],
        on_event: Callable[[Frame], None],
        on_down: Callable[[GuardDownError], None],
    ) -> None:
        self.line: Line | None = None
        self.down: GuardDownError | None = None
        self._folder = folder
        self._start_child = start_child
        self._scope = scope
        self._settle = settle
        self._on_event = on_event
        self._on_down = on_down
        self._coming: asyncio.Task[None] | None = None
        self._died_young = 0
        self._up_since_s = 0.0
        self._retired = False

    async def present(self, *, patiently: bool = False) -> Line | None:
        """The line that there is, after waiting for one that comes up; ``None`` when none does.

        Args:
            patiently: Makes as many tries as after a death; else one.

        Raises:
            GuardDownError: It was retired.
        """
        if self._retired:
            raise GuardDownError(detail="it was let go")
        if self.line is None or not self.line.is_up:
            if self._coming is None or self._coming.done():
                self._coming = self._scope.start(
                    self._come_up(PAUSES_S if patiently else PAUSES_S[:1]), "start"
                )
            # Who is cancelled here stops waiting; the guard comes up all the same.
            await asyncio.shield(self._coming)
        return self.line

    async def own(self) -> Line:
        """A line that needs no process, for want of a guard."""
        if self.line is None:
            log.info("sessions are kept without a guard")
            self.line = line = OwnLine(self._folder, self._on_event)
            await self._settle(line)
        return self.line

    async def drop(self) -> None:
        """Lets go of the line."""
        line, self.line = self.line, None
        if line is not None:
            await line.aclose()

    def retire(self) -> None:
        """Starts no guard any more."""
        self._retired = True

    async def aclose(self) -> None:
        self.retire()
        await self.drop()

    async def _come_up(self, pauses_s: Sequence[float]) -> None:
        detail = ""
        for pause_s in pauses_s:
            await asyncio.sleep(pause_s)
            try:
                await self._try()
            except (ChildError, GuardLostError) as error:
                detail = str(error.params.get("detail") or "it died at once")
                log.info("the guard does not start: %s", detail)
            else:
                return
        self._give_up(detail or "it died again and again")

    async def _try(self) -> None:
        process = await self._start_child(ROLE, "--profile", str(self._folder))
        line = ProcessLine(process, self._on_event, self._lost)
        try:
            async with asyncio.timeout(SETTLE_LIMIT_S):
                await self._settle(line)
        except TimeoutError as error:
            line.kill()
            await line.aclose()
            raise GuardLostError() from error
        except BaseException:
            await line.aclose()
            raise
        if not line.is_up:
            raise GuardLostError()
        self.line, self.down = line, None
        self._up_since_s = asyncio.get_running_loop().time()
        log.info("guarded by process %d", process.pid)

    def _lost(self, line: ProcessLine) -> None:
        if line is not self.line or self._retired:
            return
        self.line = None
        age_s = asyncio.get_running_loop().time() - self._up_since_s
        self._died_young = self._died_young + 1 if age_s < YOUNG_S else 0
        self._coming = self._scope.start(self._come_up(PAUSES_S[self._died_young :]), "restart")

    def _give_up(self, detail: str) -> None:
        self.down = GuardDownError(detail=detail)
        self._on_down(self.down)
