"""The clips that the user gave, in order, with the state of each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from atlas_desktop.errors import AppError, MissingFileError, shown_name
from atlas_desktop.media.probe import ClipInfo


class CueState(StrEnum):
    """What a cue is doing, in the words that the user sees."""

    WAITING = "waiting"
    PLAYING = "playing"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    MISSING = "missing"

    @property
    def is_over(self) -> bool:
        """Whether it will not play by itself any more."""
        return self in {CueState.DONE, CueState.FAILED, CueState.MISSING}


@dataclass(frozen=True, slots=True)
class Cue:
    """One clip.

    Attributes:
        id: Never used twice by one queue.
        path: Where the file lies.
        name: What the user knows it by.
        duration_s: ``None`` until known.
        peaks: Bars of the waveform, 0 to 100; empty until known.
        state: What it is doing.
        error: Why it failed.
        position_s: How much was spoken.
        loudness_lufs: Of the whole file (EBU R128); ``None`` until known.
        is_current: It is spoken, or held in the middle.
        is_reading: It reserves a place: what lies at ``path`` is not known yet. Those behind it wait.
        is_inspected: Length and outline are as exact as they will be.
    """

    id: int
    path: Path
    name: str
    duration_s: float | None = None
    peaks: tuple[int, ...] = ()
    state: CueState = CueState.WAITING
    error: AppError | None = None
    position_s: float = 0.0
    loudness_lufs: float | None = None
    is_current: bool = False
    is_reading: bool = False
    is_inspected: bool = False

    @property
    def info(self) -> ClipInfo:
        """What is known of the clip."""
        return ClipInfo(self.duration_s, self.peaks, self.loudness_lufs, self.is_inspected)


class CueQueue:
    """Cues by id, in the order in which they are spoken. Thread: one."""

    def __init__(self) -> None:
        self._cues: dict[int, Cue] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._cues)

    def __iter__(self) -> Iterator[Cue]:
        return iter(tuple(self._cues.values()))

    def get(self, cue_id: int | None) -> Cue | None:
        """Return the cue, if it is still here."""
        return None if cue_id is None else self._cues.get(cue_id)

    def place_of(self, cue_id: int) -> int:
        """Return the index of a cue that is still here."""
        return list(self._cues).index(cue_id)

    def add(self, paths: Iterable[Path], *, is_reading: bool = False) -> list[int]:
        """Append waiting cues; return their ids in the same order."""
        added = self._made(paths, CueState.WAITING, is_reading=is_reading)
        self._cues |= added
        return list(added)

    def settle(self, cue_id: int, paths: Sequence[Path], *, more: bool = False) -> list[int]:
        """Put files into the place of a cue that is being read, or before it while there are ``more``.

        Returns:
            Their ids, in the same order.
        """
        reserved = self._cues.get(cue_id)
        if reserved is None:
            return []
        if paths == (reserved.path,) and not more:
            self.change(cue_id, is_reading=False)
            return [cue_id]
        made = self._made(paths, reserved.state)
        order = list(self._cues.items())
        place = self.place_of(cue_id)
        self._cues = dict([*order[:place], *made.items(), *order[place + (not more) :]])
        return list(made)

    def remove(self, cue_id: int) -> None:
        """Remove the cue."""
        self._cues.pop(cue_id, None)

    def change(self, cue_id: int | None, **changes: Any) -> None:
        """Replace fields of a cue that is still here."""
        cue = self.get(cue_id)
        if cue is not None:
            self._cues[cue.id] = replace(cue, **changes)

    def learn(self, cue_id: int, info: ClipInfo) -> None:
        """Take over what was found out of a cue that is still here; what is unknown to ``info`` stays."""
        cue = self.get(cue_id)
        if cue is None:
            return
        self.change(
            cue_id,
            duration_s=cue.duration_s if info.duration_s is None else info.duration_s,
            peaks=info.peaks or cue.peaks,
            loudness_lufs=cue.loudness_lufs if info.loudness_lufs is None else info.loudness_lufs,
            is_inspected=cue.is_inspected or (info.is_exact and bool(info.peaks or cue.peaks)),
        )

    def fail(self, cue_id: int | None, error: AppError) -> None:
        """Mark a cue as failed, or as missing if its file is gone."""
        state = CueState.MISSING if isinstance(error, MissingFileError) else CueState.FAILED
        self.change(cue_id, state=state, error=error, position_s=0.0, is_reading=False)

    def _made(self, paths: Iterable[Path], state: CueState, *, is_reading: bool = False) -> dict[int, Cue]:
        made = {}
        for path in paths:
            self._last_id += 1
            name = shown_name(path.name or path)
            made[self._last_id] = Cue(self._last_id, path, name, state=state, is_reading=is_reading)
        return made

    def next_after(self, cue_id: int | None, *states: CueState) -> Cue | None:
        """Return the first cue in one of ``states`` behind ``cue_id``, else the first such cue of all."""
        order = list(self._cues)
        start = order.index(cue_id) + 1 if cue_id in self._cues else 0
        for candidate in (*order[start:], *order[:start]):
            if self._cues[candidate].state in states and candidate != cue_id:
                return self._cues[candidate]
        return None
