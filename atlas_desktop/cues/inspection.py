"""What is found out about cues, before they are spoken and by speaking them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

from atlas_desktop.cues.queue import CueQueue, CueState
from atlas_desktop.errors import AppError, SilentAudioError, about_file
from atlas_desktop.files import FileThreads, mapped
from atlas_desktop.media.blocks import BlockReader, LearningReader
from atlas_desktop.media.probe import ClipInfo

Look: TypeAlias = Callable[[Path], ClipInfo]


class Probe(Protocol):
    """Looks at a clip, quickly, like ``probe.probe``."""

    def __call__(self, path: Path, *, stop: threading.Event) -> ClipInfo: ...


class Measure(Protocol):
    """Finds out a clip's true length, like ``probe.measure``."""

    def __call__(self, path: Path, *, info: ClipInfo, stop: threading.Event) -> ClipInfo: ...


_SLACK_S = 0.05


class CueInspector:
    """Fills in length, outline and loudness of cues, and reports what is to be said. Thread: the loop's.

    Args:
        queue: Where the cues are.
        files: Where the files are read: in threads that a dead disk may hold.
        probe: Looks at a file, quickly.
        measure: Finds its true length, where ``probe`` took the file's word for it.
        on_found: Called when a cue has changed.
        on_remark: Called with what is to be said of a cue that may be spoken all the same, once.
        on_broken: Called with a cue that can't be read.
    """

    def __init__(
        self,
        queue: CueQueue,
        files: FileThreads,
        *,
        probe: Probe,
        measure: Measure,
        on_found: Callable[[], None],
        on_remark: Callable[[AppError], None],
        on_broken: Callable[[int, AppError], None],
    ) -> None:
        self._queue = queue
        self._files = files
        self._probe = probe
        self._measure = measure
        self._on_found = on_found
        self._on_remark = on_remark
        self._on_broken = on_broken
        self._stops: dict[int, threading.Event] = {}
        self._read_to_end: set[int] = set()
        self._remarked: set[tuple[int, str]] = set()
        self._closed = False

    async def inspect(self, cue_ids: list[int]) -> None:
        """Look at one file after another, in a worker thread; also at one that was spoken meanwhile.

        The true length of long files takes longest and comes last.
        """
        unsure: list[tuple[int, ClipInfo]] = []
        for cue_id in cue_ids:
            with self._stopping(cue_id) as stop:
                info = await self._find_out(cue_id, partial(self._probe, stop=stop))
            if info is not None and not info.is_exact:
                unsure.append((cue_id, info))
        for cue_id, info in unsure:
            with self._stopping(cue_id) as stop:
                await self._find_out(cue_id, partial(self._measure, info=info, stop=stop))

    @contextmanager
    def _stopping(self, cue_id: int) -> Iterator[threading.Event]:
        """What ends looking at a cue that is removed meanwhile; set as well where nobody waits any more."""
        self._stops[cue_id] = stop = threading.Event()
        try:
            yield stop
        finally:
            stop.set()
            self._stops.pop(cue_id, None)

    def learn(self, cue_id: int, reader: BlockReader) -> None:
        """Take over what reading a clip has shown of it so far."""
        cue = self._queue.get(cue_id)
        if cue is None or not isinstance(reader, LearningReader):
            return
        length_s, remark = reader.length_s, reader.remark
        if length_s is not None:
            self._read_to_end.add(cue_id)
            if cue.duration_s is None or abs(length_s - cue.duration_s) > _SLACK_S:
                self._queue.change(cue_id, duration_s=length_s)
        if remark is not None:
            self._say_of(cue_id, remark)

    def forget(self, cue_id: int) -> None:
        """Stop looking at a cue that was removed."""
        if (stop := self._stops.pop(cue_id, None)) is not None:
            stop.set()

    def close(self) -> None:
        """Stop looking at anything."""
        self._closed = True
        for cue_id in tuple(self._stops):
            self.forget(cue_id)

    async def _find_out(self, cue_id: int, look: Look) -> ClipInfo | None:
        cue = self._queue.get(cue_id)
        if cue is None or self._closed or cue.state in {CueState.FAILED, CueState.MISSING}:
            return None
        found: ClipInfo | AppError
        try:
            with mapped(cue.path):
                found = await self._files.call(cue.path, partial(look, cue.path))
        except AppError as error:
            # Whatever it is, also a fault of ours: the others keep their turn.
            found = about_file(error, cue.path.name)
        if self._queue.get(cue_id) is None or self._closed:
            return None  # removed meanwhile: what was seen of it is not all
        if isinstance(found, AppError):
            self._on_broken(cue_id, found)
            self._on_found()
            return None
        return self._take(cue_id, cue.name, found)

    def _take(self, cue_id: int, name: str, info: ClipInfo) -> ClipInfo:
        """Fill in what was found out of a cue."""
        self._queue.change(cue_id, peaks=info.peaks, loudness_lufs=info.loudness_lufs)
        if cue_id not in self._read_to_end:
            self._queue.change(cue_id, duration_s=info.duration_s)
        if info.silent:
            self._say_of(cue_id, SilentAudioError(name=name))
        self._on_found()
        return info

    def _say_of(self, cue_id: int, remark: AppError) -> None:
        if (cue_id, remark.code) not in self._remarked:
            self._remarked.add((cue_id, remark.code))
            self._queue.change(cue_id, error=remark)
            self._on_remark(remark)
