"""The face of the next session: a shipped one, a file, a pasted picture or an address."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtGui import QImage

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.source import Face
from atlas_desktop.assets import default_faces
from atlas_desktop.errors import (
    AppError,
    ElsewhereError,
    FaceNotImageError,
    FaceTooLargeError,
    FaceTooManyPixelsError,
    FaceTooSmallError,
    MediaError,
    about_file,
)
from atlas_desktop.files import FileThreads, absolute, path_of_address
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.look.pictures import PastedPicture, png_bytes

FACE_TROUBLE = tuple(
    kind.code for kind in (FaceNotImageError, FaceTooLargeError, FaceTooManyPixelsError, FaceTooSmallError)
)
"""Ids of notices to clear once a usable face was chosen."""

_PASTED = "pasted-face.png"


class FaceController:
    """Holds the chosen face and remembers it. Thread: the event loop; pictures are read in another.

    Args:
        settings: Store the choice.
        folder: Folder for a pasted picture, so that it is there next time.
        scope: Owns the tasks that read pictures.
        on_change: Called with each new face.
        on_error: Called with the error of a picture that can't be a face.
    """

    def __init__(
        self,
        settings: SettingsStore,
        folder: Path,
        scope: TaskScope,
        on_change: Callable[[Face], None],
        on_error: Callable[[AppError], None],
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._scope = scope
        self._on_change = on_change
        self._on_error = on_error
        self._files = FileThreads("face")
        self._face = _shipped(settings.settings.face)
        # Choices are numbered: the last one requested, and the last one that became the face.
        self._asked = 0
        self._taken = 0
        self._choosing: set[asyncio.Task[None]] = set()
        self._keeping = asyncio.Lock()

    @property
    def face(self) -> Face | None:
        """The face; ``None`` only where none is shipped."""
        return self._face

    def load(self) -> None:
        """Read the stored choice, if it is not a shipped face."""
        remembered = self._settings.settings.face
        if remembered.startswith("https://"):
            self.choose(remembered)
        elif remembered and Path(remembered).is_absolute():
            self.choose(Path(remembered))

    def choose(self, wanted: Path | PastedPicture | str) -> None:
        """Make a picture the face once it was read and checked; the last choice wins."""
        if isinstance(wanted, str):
            try:
                wanted = path_of_address(wanted) or wanted
            except ElsewhereError as error:
                self._on_error(error)
                return
        self._asked += 1
        choosing = self._scope.start(self._choose(wanted, self._asked), "face")
        self._choosing.add(choosing)
        choosing.add_done_callback(self._choosing.discard)

    async def settled(self) -> Face | None:
        """Return the face once every chosen picture has been read."""
        while self._choosing:
            await asyncio.wait(set(self._choosing))
        return self._face

    async def _choose(self, wanted: Path | PastedPicture | str, order: int) -> None:
        try:
            face = await self._files.call(_place(wanted), partial(_read, wanted))
        except AppError as error:
            if order > self._taken:
                self._on_error(about_file(error, _place(wanted).name))
            return
        if order < self._taken:
            # A later choice was quicker.
            return
        self._taken = order
        self._face = face
        self._on_change(face)
        await self._remember(wanted, face, order)

    async def _remember(self, wanted: Path | PastedPicture | str, face: Face, order: int) -> None:
        async with self._keeping:
            if isinstance(wanted, bytes | QImage) and order == self._taken:
                remembered = await self._kept(face)
            else:
                remembered = _name(wanted)
            if order == self._taken:
                self._settings.change(face=remembered)

    async def _kept(self, face: Face) -> str:
        file = self._folder / _PASTED
        try:
            await self._files.call(file, partial(file.write_bytes, face.content or b""))
        except (OSError, MediaError):
            # Full, read-only or silent disk: the face is used in this run only.
            return ""
        return str(file)


def _place(wanted: Path | PastedPicture | str) -> Path:
    return wanted if isinstance(wanted, Path) else Path(_PASTED)


def _read(wanted: Path | PastedPicture | str) -> Face:
    """Read a face, in a thread that may block on the disk or in Pillow."""
    from atlas_desktop.api.face_file import face_from_bytes, face_from_url, load_face

    match wanted:
        case str():
            return face_from_url(wanted)
        case Path():
            return load_face(wanted)
        case QImage():
            return face_from_bytes(png_bytes(wanted), _PASTED)
    try:
        return face_from_bytes(wanted, _PASTED)
    except FaceTooLargeError:
        # Screenshots and photos are pasted: the user has no smaller version.
        if smaller := png_bytes(wanted):
            return face_from_bytes(smaller, _PASTED)
        raise


def _name(wanted: Path | PastedPicture | str) -> str:
    """Return the value that is stored in the settings; empty for a pasted picture."""
    if not isinstance(wanted, Path):
        return wanted if isinstance(wanted, str) else ""
    shipped = next((path for path in default_faces() if path == wanted), None)
    return shipped.stem if shipped is not None else str(absolute(wanted))


def _shipped(name: str) -> Face | None:
    """Return the shipped face of that name, or the first one."""
    faces = default_faces()
    chosen = next((path for path in faces if path.stem == name), faces[0] if faces else None)
    return Face(chosen.name, chosen.read_bytes()) if chosen is not None else None
