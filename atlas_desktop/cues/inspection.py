"""Probing of cues that wait, in the background."""

import asyncio
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from atlas_desktop.aio import TaskScope
from atlas_desktop.cues.queue import Cue, CueQueue, CueState
from atlas_desktop.errors import AppError, about_file
from atlas_desktop.files import FileThreads, mapped
from atlas_desktop.media.probe import ClipInfo, ProbeClip

FoundCallback: TypeAlias = Callable[[int, ClipInfo | AppError], None]

# Long clips stay open until their true length is found out: a process may have 256 open files or more.
_MOST_OPEN = 16


@dataclass(slots=True)
class _Probing:
    """A cue whose file is open."""

    cue: Cue
    infos: Generator[ClipInfo, None, None]
    stop: threading.Event


class CueInspector:
    """Probes cues, one file after another, each opened once. Thread: the loop's.

    All are looked at before the true lengths of long ones are found out, which takes longest. A cue that is
    spoken is left out: its reader reports by itself.

    Args:
        queue: Where the cues are.
        scope: Owns the task.
        probe: Finds out what is known of a clip, step by step; it blocks.
        on_found: Called with a cue's id and what was found out, or why it can't be read.
    """

    def __init__(self, queue: CueQueue, scope: TaskScope, probe: ProbeClip, on_found: FoundCallback) -> None:
        self._queue = queue
        self._scope = scope
        self._probe = probe
        self._on_found = on_found
        self._files = FileThreads("cues")
        self._spoken: frozenset[int] = frozenset()
        self._open: dict[int, _Probing] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def update(self, spoken: frozenset[int]) -> None:
        """Adapt to a change of the queue or of the cues that are ``spoken``."""
        self._spoken = spoken
        for cue_id, probing in tuple(self._open.items()):
            if cue_id in spoken or self._queue.get(cue_id) is None:
                probing.stop.set()
        is_idle = self._task is None or self._task.done()
        if is_idle and not self._closed and (self._open or self._next_cue() is not None):
            self._task = self._scope.start(self._run(), "probe")

    def close(self) -> None:
        """Stop probing."""
        self._closed = True
        for probing in self._open.values():
            probing.stop.set()

    async def _run(self) -> None:
        while not self._closed and (probing := self._pick()) is not None:
            await self._advance(probing)

    def _pick(self) -> _Probing | None:
        """Return what to go on with: a cue that was not looked at, or the one open longest."""
        stopped = next((probing for probing in self._open.values() if probing.stop.is_set()), None)
        if stopped is not None:
            return stopped
        cue = self._next_cue() if len(self._open) < _MOST_OPEN else None
        if cue is None:
            return next(iter(self._open.values()), None)
        stop = threading.Event()
        self._open[cue.id] = _Probing(cue, self._probe(cue.path, stop), stop)
        return self._open[cue.id]

    def _next_cue(self) -> Cue | None:
        return next((cue for cue in self._queue if self._needs_probing(cue)), None)

    def _needs_probing(self, cue: Cue) -> bool:
        is_known = cue.is_reading or cue.is_inspected or cue.state in {CueState.FAILED, CueState.MISSING}
        return not is_known and cue.id not in self._spoken and cue.id not in self._open

    async def _advance(self, probing: _Probing) -> None:
        """Find out more of a clip."""
        cue, found = probing.cue, await self._call(probing)
        is_wanted = not probing.stop.is_set()
        if isinstance(found, ClipInfo) and not found.is_exact:
            if is_wanted:
                self._on_found(cue.id, found)
            return
        self._open.pop(cue.id, None)
        probing.stop.set()  # a thread that is held by a dead disk closes the file once it is released
        if is_wanted:
            self._queue.change(cue.id, is_inspected=True)
            if found is not None:
                self._on_found(cue.id, found)

    async def _call(self, probing: _Probing) -> ClipInfo | AppError | None:
        path = probing.cue.path
        try:
            with mapped(path):
                return await self._files.call(path, partial(_step, probing))
        except AppError as error:
            # Whatever it is, also a bug of ours: the other cues keep their turn.
            return about_file(error, path.name)


def _step(probing: _Probing) -> ClipInfo | None:
    """Take the next step, and close the file when nothing more is to be found out, or wanted. Blocks."""
    info = None if probing.stop.is_set() else next(probing.infos, None)
    if info is None or info.is_exact or probing.stop.is_set():
        probing.infos.close()
    return info
