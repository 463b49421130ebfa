"""Keeps what is known of the graphics driver true: while it is used, and by measuring when there is time."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from atlas_desktop.child import Child
from atlas_desktop.errors import ChildError
from atlas_desktop.files import FileWriter
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Requesting
from atlas_desktop.storage.picture_book import Finding, PictureBook
from atlas_desktop.video.gl_driver import machine
from atlas_desktop.video.picture_path import Decision

log = logging.getLogger(__name__)

ROLE = "picture-trial"
WORTH_IT = 0.75
"""OpenGL makes the whole window be composed anew: it must be clearly the cheaper one."""
_QUIET_S = 8.0
_LIVED_S = 3.0
_ENOUGH_FRAMES = 10
# A disk that is as quick as usual has written the mark by then; a slow one does not hold the window.
_MARK_S, _LAST_MARK_S = 0.05, 1.0


class PictureWatch:
    """Takes the mark away where OpenGL proves itself, and sets it again where it may fail. Thread: main.

    Two stretches are watched: from the start until the window has stood for 3 s, and in the first session
    of a run from its request until some frames were shown. A crash at another time is none of its doing.
    """

    def __init__(self, book: PictureBook, decision: Decision, painted: Callable[[], int]) -> None:
        """Watches from now on.

        Args:
            book: What is known of this machine.
            decision: What this run does.
            painted: How many frames of this session were shown.
        """
        self._book = book
        self._decision = decision
        self._painted = painted
        self._writer = FileWriter("picture")
        self._is_trying = False
        self._is_proven = not decision.use_gl

    def follow(self, snapshot: SessionSnapshot) -> None:
        """To be told of each change of the session."""
        if self._is_proven:
            return
        if not self._is_trying and isinstance(snapshot.state, Requesting):
            self._is_trying = True
            self._writer.write(partial(self._book.begin, self._decision.driver), wait_s=_MARK_S)
        elif self._is_trying and (snapshot.is_over or self._painted() >= _ENOUGH_FRAMES):
            self._is_trying, self._is_proven = False, self._painted() >= _ENOUGH_FRAMES
            self._writer.write(self._book.passed)

    def take_failure(self) -> None:
        """OpenGL gave up in this run: it is not tried again until there is another driver."""
        self._is_trying, self._is_proven = False, True
        finding = Finding(self._decision.driver, machine(), use_gl=False, why="it gave up")
        self._writer.write(self._book.passed)
        self._writer.write(partial(self._book.write, finding))

    async def run(self, is_idle: Callable[[], bool]) -> None:
        """Lives beside the window; measures, where that is wanted, once nothing else goes on."""
        if self._decision.use_gl:
            await asyncio.sleep(_LIVED_S)
            if not self._is_trying:
                self._writer.write(self._book.passed)
        elif self._decision.measure:
            await asyncio.sleep(_QUIET_S)
            while not is_idle():
                await asyncio.sleep(_QUIET_S)
            await self.measure()

    async def measure(self) -> None:
        """Has both ways measured in a process of its own, and keeps which is the better one."""
        try:
            child = await Child.start(ROLE)
        except ChildError as error:
            # A driver that crashes is one that is not used.
            await asyncio.to_thread(self._keep, {"driver": "", "error": str(error)})
            return
        await child.aclose()
        await asyncio.to_thread(self._keep, child.first_line)

    def _keep(self, answer: Mapping[str, Any]) -> None:
        known, finding = self._book.read(), finding_of(answer, machine())
        if known is not None and known.crashed and known.driver == finding.driver:
            # What crashed once is not tried again because it is fast.
            finding = Finding(known.driver, finding.machine, use_gl=False, why=known.why, crashed=True)
        log.info("the picture is best painted by %s: %s", "OpenGL" if finding.use_gl else "raster", finding)
        self._book.write(finding)

    async def aclose(self) -> None:
        """The program goes as it should: nothing is being tried any more."""
        if self._decision.use_gl:
            self._writer.write(self._book.passed)
        await self.written()

    async def written(self) -> bool:
        """Waits until all that was noted lies on the disk; False when that takes too long."""
        return await self._writer.flush(_LAST_MARK_S)


def finding_of(answer: Mapping[str, Any], here: str) -> Finding:
    """What the trial's answer says about this machine."""
    driver, raster_ms, gl_ms = answer.get("driver", ""), answer.get("raster_ms"), answer.get("gl_ms")
    if answer.get("is_software"):
        return Finding(driver, here, use_gl=False, why="the processor is the graphics card")
    if not isinstance(raster_ms, int | float) or not isinstance(gl_ms, int | float):
        return Finding(driver, here, use_gl=False, why=str(answer.get("error", "not measured")))
    is_better = gl_ms < raster_ms * WORTH_IT
    return Finding(driver, here, is_better, "measured", raster_ms=raster_ms, gl_ms=gl_ms)
