"""Turns drops into cues, a face or a message, in the order given, however slow the disk is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from atlas_desktop.aio import TaskScope
from atlas_desktop.cues.player import CuePlayer
from atlas_desktop.errors import AppError, about_file, shown_name
from atlas_desktop.files import FileThreads, mapped
from atlas_desktop.ui.controllers.notice_factory import NoticeFactory
from atlas_desktop.ui.drops.drop_plan import DropPlan, ItemKind, find_kind, sounds_in
from atlas_desktop.ui.look.pictures import PastedPicture

if TYPE_CHECKING:
    from atlas_desktop.ui.model import AppModel

MOST_AT_ONCE = 1_000
"""Cues that one drop gives: a strip of more is of no use to anybody, and no window stays quick with it."""

_SOME, _TURN_S = 100, 0.02


@dataclass(frozen=True, slots=True)
class _PathLook:
    """The kind of a path, and the sound files in a folder."""

    kind: ItemKind
    sounds: tuple[Path, ...] = ()


class DropController:
    """Takes drops, arguments and chosen files. Thread: the event loop; disks are read in others.

    Paths get their places in the strip at once, in order, by name alone; each is settled once the disk has
    answered, and what turns out not to be sound is reported.
    """

    def __init__(
        self, model: "AppModel", player: CuePlayer, scope: TaskScope, factory: NoticeFactory
    ) -> None:
        self._model = model
        self._player = player
        self._scope = scope
        self._factory = factory
        self._files = FileThreads("drop")

    def take(self, plan: DropPlan, picture: PastedPicture = b"", *, is_sound: bool = False) -> None:
        """Carry out ``plan``.

        Args:
            plan: What is given.
            picture: What came without a file.
            is_sound: Its ``audio`` is said to be sound, whatever its first bytes look like.
        """
        self._reserve(_Drop(self._model.mode_choices, list(plan.refused), is_sound), plan)
        if plan.face is not None:
            self._model.set_face(plan.face)
        elif plan.face_url:
            self._model.set_face(plan.face_url)
        elif plan.has_picture_data and picture:
            self._model.set_face(picture)
        if plan.message:
            self._model.text_offered.emit(plan.message)
        for error in plan.elsewhere:
            self._model.report(error)
        if plan.refused and not plan.doubted:
            self._model.notice_raised.emit(self._factory.not_accepted(plan.refused))

    def _reserve(self, drop: "_Drop", plan: DropPlan) -> None:
        paths = self._few(drop, plan.audio)
        places = self._player.reserve(paths) if paths else []
        if any(path not in plan.unknown for path in paths):
            self._model.sound_given(drop.mode_choices)
        if places or plan.doubted:
            self._scope.start(self._read(drop, dict(zip(places, paths, strict=True)), plan.doubted), "drop")

    async def _read(self, drop: "_Drop", places: dict[int, Path], doubted: Sequence[Path]) -> None:
        placed = [self._place(drop, place, path) for place, path in places.items()]
        await asyncio.gather(self._doubt(drop, doubted), *placed)

    async def _place(self, drop: "_Drop", place: int, path: Path) -> None:
        """Look at one path and fill its place in the strip."""
        try:
            with mapped(path):
                found = await self._files.call(path, partial(_find, path, is_sound=drop.is_sound))
        except AppError as error:
            self._player.refuse(place, about_file(error, path.name or path))
            return
        match found.kind:
            case ItemKind.AUDIO:
                self._player.settle(place, [path])
                self._model.sound_given(drop.mode_choices)
            case ItemKind.FOLDER:
                await self._settle_folder(drop, place, path, found.sounds)
            case ItemKind.FACE:
                self._player.settle(place, [])
                self._model.set_face(path)
            case _:
                self._player.settle(place, [])
                drop.refused.append(shown_name(path.name or path))
                self._model.notice_raised.emit(self._factory.not_accepted(drop.refused))

    async def _settle_folder(self, drop: "_Drop", place: int, folder: Path, sounds: Sequence[Path]) -> None:
        """Settle a folder in batches, so that the window stays responsive."""
        if not any(cue.id == place for cue in self._player.cues):
            return  # removed meanwhile
        drop.cues -= 1  # its own place
        files = self._few(drop, sounds)
        for first in range(0, len(files), _SOME):
            self._player.settle(place, files[first : first + _SOME], more=first + _SOME < len(files))
            self._model.sound_given(drop.mode_choices)
            await asyncio.sleep(_TURN_S)
        if not files:
            self._player.settle(place, [])
        if not sounds:
            drop.soundless.append(folder)
            self._model.notice_raised.emit(self._factory.no_sound_in(drop.soundless))

    async def _doubt(self, drop: "_Drop", paths: Sequence[Path]) -> None:
        """Raise a notice about what is not accepted, except folders whose names look like files."""
        for path in paths:
            try:
                with mapped(path):
                    found = await self._files.call(path, partial(_find, path, is_sound=False))
            except AppError:
                continue
            if found.kind is ItemKind.FOLDER:
                drop.refused.remove(shown_name(path.name))
                (place,) = self._player.reserve([path])
                drop.cues += 1
                await self._settle_folder(drop, place, path, found.sounds)
        if drop.refused:
            self._model.notice_raised.emit(self._factory.not_accepted(drop.refused))

    def _few(self, drop: "_Drop", paths: Sequence[Path]) -> Sequence[Path]:
        """Return as many as the strip takes of one drop; raise a notice when there are more."""
        few = paths[: max(0, MOST_AT_ONCE - drop.cues)]
        if len(few) < len(paths):
            self._model.notice_raised.emit(self._factory.taken_in_part(MOST_AT_ONCE, drop.cues + len(paths)))
        drop.cues += len(few)
        return few


@dataclass(slots=True)
class _Drop:
    """One drop, while it is read."""

    mode_choices: int
    refused: list[str]
    is_sound: bool = False
    cues: int = 0
    soundless: list[Path] = field(default_factory=list)


def _find(path: Path, *, is_sound: bool) -> _PathLook:
    """Look at a path on the disk. Blocks."""
    kind = find_kind(path, sniff=not is_sound)
    if kind is ItemKind.FOLDER:
        return _PathLook(kind, tuple(sounds_in(path)))
    return _PathLook(ItemKind.AUDIO if is_sound else kind)
