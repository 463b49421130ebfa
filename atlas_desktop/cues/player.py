"""The cue player: speaks clips in order, and hands over the next before the end of one."""

import asyncio
import logging
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from atlas_desktop.aio import TaskScope
from atlas_desktop.cues.inspection import CueInspector
from atlas_desktop.cues.publishing import ChangeCallback, CuePublisher, ErrorCallback
from atlas_desktop.cues.queue import Cue, CueQueue, CueState
from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import BlockReader
from atlas_desktop.media.clip_reader import ClipReader, ReportCallback
from atlas_desktop.media.probe import ClipInfo, ProbeClip, probe
from atlas_desktop.media.speaker import (
    ClipEvent,
    ClipFailed,
    ClipFinished,
    ClipHeld,
    ClipReleased,
    ClipStarted,
    Speaker,
)

log = logging.getLogger(__name__)

_POSITION_S = 0.2


OpenClip: TypeAlias = Callable[[Path, ClipInfo, bool, ReportCallback], BlockReader]
"""``ClipReader``, or what stands for it."""


class CuePlayer:
    """Speaks cues one after another without a gap, while enabled.

    A cue starts without waiting for its length and outline: the reader of what is spoken reports them, and
    an inspector finds out those of all others. A broken cue keeps its place with its error, and the rest go
    on. Thread: the loop that made it.
    """

    def __init__(
        self,
        speaker: Speaker,
        scope: TaskScope,
        *,
        open_clip: OpenClip = ClipReader,
        probe_clip: ProbeClip = probe,
    ) -> None:
        self._speaker = speaker
        self._scope = scope
        self._open_clip = open_clip
        self._loop = asyncio.get_running_loop()
        self._queue = CueQueue()
        self._publisher = CuePublisher(lambda: self.cues, lambda: len(self._queue))
        self._inspector = CueInspector(self._queue, scope, probe_clip, self._take_found)
        self._enabled = False
        self._match_loudness = True
        self._current: tuple[int, BlockReader] | None = None
        self._next: tuple[int, BlockReader] | None = None
        self._opened: weakref.WeakSet[BlockReader] = weakref.WeakSet()
        self._remarked: set[tuple[int, str]] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._unsubscribe = speaker.on_event(self._from_speaker)

    @property
    def cues(self) -> tuple[Cue, ...]:
        """All cues, in order."""
        cues, current = list(self._queue), self.current
        if current is not None:
            cues[self._queue.place_of(current.id)] = replace(current, is_current=True)
        return tuple(cues)

    @property
    def current(self) -> Cue | None:
        """The cue that is spoken or paused."""
        return self._queue.get(self._current[0]) if self._current else None

    def on_change(self, callback: ChangeCallback) -> None:
        """Call ``callback`` with all cues whenever one has changed."""
        self._publisher.on_change(callback)

    def on_error(self, callback: ErrorCallback) -> None:
        """Call ``callback`` with the error of each cue that can't be played, or not be heard, once.

        With very many cues only the last error of each kind is reported, at intervals.
        """
        self._publisher.on_error(callback)

    def set_enabled(self, enabled: bool) -> None:
        """Speak waiting cues in order, or let them wait, the one that was spoken too."""
        if enabled == self._enabled:
            return
        self._enabled = enabled
        if enabled:
            self._advance()
        elif self._current is not None:
            self._leave_current(CueState.WAITING)
            self._speaker.interrupt()
        self._changed()

    def set_match_loudness(self, on: bool) -> None:
        """Make all cues equally loud, or leave them as they are, from the next one on."""
        if on == self._match_loudness:
            return
        self._match_loudness = on
        if self._next is not None:
            self._next = None
            self._plan()

    def add(self, paths: Iterable[Path]) -> list[int]:
        """Append files; return the new cues' ids. The disk is not touched here."""
        return self._take(self._queue.add(paths))

    def reserve(self, paths: Iterable[Path]) -> list[int]:
        """Append a place for each of ``paths``, while it is not known what they are; return ids."""
        reserved = self._queue.add(paths, is_reading=True)
        self._changed()
        return reserved

    def settle(self, cue_id: int, paths: Iterable[Path], *, more: bool = False) -> list[int]:
        """Put files, perhaps none, into a reserved place, unless it was removed; return the cues' ids.

        While there are ``more`` to come the place stays, behind them.
        """
        return self._take(self._queue.settle(cue_id, tuple(paths), more=more))

    def refuse(self, cue_id: int, error: AppError) -> None:
        """Fail a reserved place that can't be read: it stays with its error, and the rest go on."""
        if self._queue.get(cue_id) is not None:
            self._fail(cue_id, error)
            self._advance()
            self._changed()

    def restore(self, clips: Iterable[tuple[Path, float]]) -> list[int]:
        """Append files as an earlier run left them, each with the position from which it is spoken, s."""
        clips = tuple(clips)
        added = self._queue.add(path for path, _position_s in clips)
        for cue_id, (_path, position_s) in zip(added, clips, strict=True):
            if position_s:
                self._queue.change(cue_id, position_s=position_s)
        return self._take(added)

    def _take(self, cue_ids: list[int]) -> list[int]:
        self._advance()
        self._changed()
        return cue_ids

    def play(self, cue_id: int | None = None) -> None:
        """Speak this cue now, from its start, in place of what is spoken; without an id, resume or start.

        Cues held by ``interrupt`` are released. While not enabled, the cue waits.
        """
        if cue_id is None and self._current is not None:
            self.resume()
            return
        self._release_paused()
        cue = self._queue.get(cue_id)
        if cue is not None and not cue.is_reading:
            self._queue.change(cue.id, state=CueState.WAITING, error=None, position_s=0.0)
            if self._enabled:
                self._leave_current(CueState.DONE)
                self._begin(cue)
        self._advance()
        self._changed()

    def pause(self) -> None:
        """Pause the current cue."""
        if self._current is not None:
            self._speaker.pause()
            self._queue.change(self._current[0], state=CueState.PAUSED)
            self._changed()

    def resume(self) -> None:
        """Resume the paused cue, and those held by ``interrupt``."""
        if self._current is not None:
            self._speaker.resume()
            # One that is held meanwhile, by a mute or a broken connection, goes on later.
            self._queue.change(self._current[0], state=self._state_of_current())
        self._release_paused()
        self._advance()
        self._changed()

    def seek(self, position_s: float) -> None:
        """Go on at ``position_s`` of the current cue, paused or not; past its end it is over."""
        if self._current is not None:
            position_s = max(0.0, position_s)
            self._speaker.seek(position_s)
            self._queue.change(self._current[0], position_s=position_s)
            self._changed()

    def next(self) -> None:
        """Leave the current cue and speak the one after it."""
        self._release_paused()
        before = self._current[0] if self._current else None
        following = self._following(before)
        self._leave_current(CueState.DONE)
        if following is not None and self._enabled:
            self._begin(following)
        elif before is not None:
            self._speaker.interrupt()
        self._changed()

    def remove(self, cue_id: int) -> None:
        """Remove a cue; if it is spoken now, the one after it follows."""
        if self._current is not None and self._current[0] == cue_id:
            self.next()
        removed = self._queue.get(cue_id)
        self._queue.remove(cue_id)
        if removed is not None and removed.is_reading:
            self._advance()  # what is behind it waits no longer
        self._plan()
        self._changed()

    def interrupt(self) -> None:
        """Stop the current cue for good; those that wait are held until ``play`` or ``resume``."""
        if self._current is not None:
            for cue in self._queue:
                if cue.state is CueState.WAITING:
                    self._queue.change(cue.id, state=CueState.PAUSED)
        self._leave_current(CueState.DONE)
        self._speaker.interrupt()
        self._changed()

    def close(self) -> None:
        """Unsubscribe from the speaker, and stop what it speaks of ours."""
        self._unsubscribe()
        self.set_enabled(False)
        self._inspector.close()
        self._publisher.close()

    def _begin(self, cue: Cue) -> None:
        reader = self._open(cue)
        self._current = (cue.id, reader)
        self._queue.change(cue.id, state=CueState.PLAYING, error=None)
        self._speaker.play(reader)
        held = self._queue.get(cue.id)
        if held is not None and held.position_s:
            # Left by an earlier run: a cue that is started here has no position.
            self._speaker.seek(held.position_s)
        if self._ticking is None or self._ticking.done():
            self._ticking = self._scope.start(self._tick(), "position")

    def _open(self, cue: Cue) -> BlockReader:
        report = partial(self._from_reader, cue.id)
        reader = self._open_clip(cue.path, cue.info, self._match_loudness, report)
        self._opened.add(reader)
        return reader

    def _leave_current(self, state: CueState) -> None:
        """Forget the current cue and the planned one, without stopping the speaker."""
        if self._current is not None:
            self._queue.change(self._current[0], state=state, position_s=0.0)
        self._current = self._next = None

    def _release_paused(self) -> None:
        current = self._current[0] if self._current else None
        for cue in self._queue:
            if cue.state is CueState.PAUSED and cue.id != current:
                self._queue.change(cue.id, state=CueState.WAITING)

    def _advance(self) -> None:
        """Start the first waiting cue if nothing is spoken, else plan what follows."""
        if not self._enabled:
            return
        if self._current is None:
            cue = self._following(None)
            if cue is not None:
                self._begin(cue)
        else:
            self._plan()

    def _plan(self) -> None:
        """Hand the speaker what follows the current cue."""
        if self._current is None:
            return
        cue = self._following(self._current[0])
        planned = self._next[0] if self._next else None
        if cue is None and planned is not None:
            self._next = None
            self._speaker.follow_with(None)
        elif cue is not None and cue.id != planned:
            self._next = (cue.id, self._open(cue))
            self._speaker.follow_with(self._next[1])

    def _following(self, cue_id: int | None) -> Cue | None:
        """Return the next cue; ``None`` also while it is not known what has its place."""
        cue = self._queue.next_after(cue_id, CueState.WAITING)
        return None if cue is None or cue.is_reading else cue

    def _from_speaker(self, event: ClipEvent) -> None:
        """Run in the speaker's thread."""
        self._loop.call_soon_threadsafe(self._on_event, event)

    def _on_event(self, event: ClipEvent) -> None:
        current = self._current
        ours = current is not None and current[1] is event.reader
        match event:
            case ClipStarted() if ours:
                log.info("first block of a cue at %d us", event.first_block_monotonic_us)
                self._plan()
            case ClipStarted() if event.reader not in self._opened:
                self._leave_current(CueState.DONE)  # a clip that is not ours is spoken in its place
            case ClipStarted() if current is None:
                self._speaker.interrupt()  # it was removed just when its turn came
            case ClipFinished() if ours:
                self._queue.change(current[0] if current else None, state=CueState.DONE, position_s=0.0)
                self._over()
            case ClipFailed() if ours:
                self._fail(current[0] if current else None, event.error)
                self._over()
            case ClipHeld() | ClipReleased() if current is not None and ours:
                position_s = self._speaker.position_s
                self._queue.change(current[0], state=self._state_of_current(), position_s=position_s)
            case ClipFinished() | ClipFailed() if event.reader not in self._opened:
                self._advance()
            case _:
                pass  # the cue was left before its event came
        self._changed()

    def _state_of_current(self) -> CueState:
        return CueState.PLAYING if self._speaker.playing else CueState.PAUSED

    def _over(self) -> None:
        """Go on after the end of the current cue: the planned one is spoken already, or the next starts."""
        self._current, self._next = self._next, None
        if self._current is not None:
            self._queue.change(self._current[0], state=CueState.PLAYING, position_s=0.0)
        self._advance()

    def _fail(self, cue_id: int | None, error: AppError) -> None:
        self._queue.fail(cue_id, error)
        self._publisher.report(error)

    def _changed(self) -> None:
        """Notify observers, and let the inspector look at the cues that are not spoken."""
        spoken = frozenset(cue_id for cue_id, _reader in filter(None, (self._current, self._next)))
        self._inspector.update(spoken)
        self._publisher.publish()

    def _from_reader(self, cue_id: int, found: ClipInfo | AppError) -> None:
        """Run in the thread of a reader, which may outlive the loop on a dead disk."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._take_found, cue_id, found)

    def _take_found(self, cue_id: int, found: ClipInfo | AppError) -> None:
        """Take over what was found out of a cue, or that it can't be read."""
        if isinstance(found, AppError):
            self._give_up(cue_id, found)
        else:
            self._queue.learn(cue_id, found)
            if found.remark is not None:
                self._remark(cue_id, found.remark)
        self._changed()

    def _remark(self, cue_id: int, remark: AppError) -> None:
        """Report something of a cue that is spoken all the same, once."""
        if self._queue.get(cue_id) is not None and (cue_id, remark.code) not in self._remarked:
            self._remarked.add((cue_id, remark.code))
            self._queue.change(cue_id, error=remark)
            self._publisher.report(remark)

    def _give_up(self, cue_id: int, error: AppError) -> None:
        """Fail a cue before its turn; the error of the current one comes as an event of the speaker."""
        cue = self._queue.get(cue_id)
        is_current = self._current is not None and self._current[0] == cue_id
        if cue is not None and not is_current and cue.state in {CueState.WAITING, CueState.PAUSED}:
            self._fail(cue_id, error)
            self._plan()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_POSITION_S)
            cue = self.current
            if cue is None or self._current is None:
                return
            if self._next is not None and self._next[1].finished:
                pass  # nobody reads it yet: asked, it notices a dead disk, and reports that
            if self._speaker.playing:
                self._queue.change(cue.id, position_s=self._speaker.position_s)
                self._changed()
