"""Keeps the driver's crash mark while OpenGL is on trial."""

import asyncio
from functools import partial

from atlas_desktop.files import FileWriter
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Requesting
from atlas_desktop.storage.driver_crash_mark import DriverCrashMark
from atlas_desktop.video.gl_driver import graphics_card
from atlas_desktop.video.renderer import RendererChoice

_STARTED_S = 3.0
"""A driver that can't cope with the window has crashed by then."""
_ENOUGH_FRAMES = 10
_MARK_S, _LAST_MARK_S = 0.05, 1.0
"""Time for the mark to reach the disk before the driver is used; a slow disk must not block the window."""


class RendererMonitor:
    """Clears the mark when OpenGL has proved itself, and sets it when it may fail again. Thread: main.

    Two phases are watched: from the start until the window has been open for 3 s, and in the first session
    of a run from its request until some frames were shown. A crash at another time is not the driver's.
    """

    def __init__(self, mark: DriverCrashMark, choice: RendererChoice) -> None:
        self._mark = mark
        self._uses_gl = choice.use_gl
        self._writer = FileWriter("picture")
        self._is_on_trial = False
        self._is_proven = not choice.use_gl

    async def watch_start(self) -> None:
        """Clear the mark that was set before the window was shown, once that has gone well."""
        if self._uses_gl:
            await asyncio.sleep(_STARTED_S)
            if not self._is_on_trial:
                self._writer.write(self._mark.clear)

    def follow(self, snapshot: SessionSnapshot, painted: int) -> None:
        """Take a change of the session, and how many of its frames were shown."""
        if self._is_proven:
            return
        if not self._is_on_trial and isinstance(snapshot.state, Requesting):
            self._is_on_trial = True
            self._writer.write(self._mark.set, wait_s=_MARK_S)
        elif self._is_on_trial and (snapshot.is_over or painted >= _ENOUGH_FRAMES):
            self._is_on_trial, self._is_proven = False, painted >= _ENOUGH_FRAMES
            self._writer.write(self._mark.clear)

    def exclude_driver(self) -> None:
        """Leave OpenGL alone on this machine from the next start on: it gave up in this run."""
        self._is_on_trial, self._is_proven = False, True
        self._writer.write(self._mark.clear)
        self._writer.write(partial(self._mark.exclude, graphics_card()))

    async def aclose(self) -> None:
        """Clear the mark: the program ends in order."""
        if self._uses_gl:
            self._writer.write(self._mark.clear)
        await self.flush()

    async def flush(self) -> bool:
        """Wait until the disk has it all; return False when that takes too long."""
        return await self._writer.flush(_LAST_MARK_S)
