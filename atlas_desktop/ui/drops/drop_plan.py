"""The plan of a drop by names alone, and the kind of one path by a look at the disk. No Qt."""

import contextlib
import mimetypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from natsort import natsorted

from atlas_desktop.errors import ElsewhereError, MediaError, shown_name
from atlas_desktop.files import PathKind, list_folder, mapped, open_regular, path_of_address, probe_path

# What is sent as a face, or turned into PNG first.
_FACE = "png jpg jpeg jfif webp gif bmp tif tiff avif ico"
_PICTURE = "svg heic heif psd jxl"

FACE_ENDINGS, _OTHER_PICTURES = (
    frozenset(f".{name}" for name in names.split()) for names in (_FACE, _PICTURE)
)

_HEAD_BYTES = 64
# After so many files of unknown names without sound, no more of a folder are opened: it holds other things.
_MOST_MISSES = 30


class ItemKind(StrEnum):
    """The kind of one dropped item."""

    AUDIO = "audio"
    FOLDER = "folder"
    FACE = "face"
    PICTURE = "picture"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class DropPlan:
    """What a drop would do, by names alone; all parts of it may be true at once.

    Attributes:
        audio: Files and folders to be spoken, in the order given.
        face: The picture that becomes the face: the last one given.
        face_url: HTTPS address of a picture that becomes the face.
        has_picture_data: The drop carries a picture itself, not a file.
        message: Text that becomes the message.
        refused: Names of what is not accepted.
        elsewhere: Why what lies on other computers can't be taken.
        unknown: Those of ``audio`` whose names say nothing.
        doubted: What is refused for its name, and may yet be a folder.
    """

    audio: tuple[Path, ...] = ()
    face: Path | None = None
    face_url: str = ""
    has_picture_data: bool = False
    message: str = ""
    refused: tuple[str, ...] = ()
    elsewhere: tuple[ElsewhereError, ...] = ()
    unknown: frozenset[Path] = frozenset()
    doubted: tuple[Path, ...] = ()

    @property
    def gives_face(self) -> bool:
        """Whether the face would change."""
        return self.face is not None or bool(self.face_url) or self.has_picture_data

    @property
    def all_refused(self) -> tuple[str, ...]:
        """The names of everything not accepted, for any reason."""
        return (*self.refused, *(str(error.params["name"]) for error in self.elsewhere))


@dataclass(slots=True)
class _Sorted:
    """The parts of a drop while it is sorted."""

    audio: list[Path] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    elsewhere: list[ElsewhereError] = field(default_factory=list)
    face: Path | None = None
    face_url: str = ""

    def plan(self, text: str, *, given: bool, has_picture_data: bool) -> DropPlan:
        picture = has_picture_data and self.face is None and not self.audio
        return DropPlan(
            audio=tuple(self.audio),
            face=self.face,
            face_url="" if picture else self.face_url,
            has_picture_data=picture,
            message="" if given or picture else text.strip(),
            refused=tuple(self.refused),
            elsewhere=tuple(self.elsewhere),
        )


Given = Sequence[str | Path]
"""Paths, or addresses: ``file:``, ``https:``, or plain paths."""


def plan_drop(given: Given = (), text: str = "", *, has_picture_data: bool = False) -> DropPlan:
    """Plan a drop of ``given``, or else of ``text``, by names alone; the disk is not touched.

    Args:
        given: In the order given.
        text: Used only when nothing else is given: browsers send a link both ways.
        has_picture_data: The drop also carries a picture itself; it beats a web address.
    """
    found, unknown, doubted = _Sorted(), [], []
    for path in _local(given, found, has_picture_data=has_picture_data):
        match kind_by_name(path.name):
            case ItemKind.FACE:
                found.face = path
            case ItemKind.AUDIO:
                found.audio.append(path)
            case None:
                found.audio.append(path)
                unknown.append(path)
            case _:
                found.refused.append(shown_name(path.name))
                doubted.append(path)
    plan = found.plan(text, given=bool(given), has_picture_data=has_picture_data)
    return replace(plan, unknown=frozenset(unknown), doubted=tuple(doubted))


def plan_sound(given: Given) -> DropPlan:
    """Plan as ``plan_drop`` does, with every file taken as sound, whatever its name."""
    found = _Sorted()
    found.audio = list(_local(given, found, has_picture_data=False))
    return found.plan("", given=True, has_picture_data=False)


def _local(given: Given, found: _Sorted, *, has_picture_data: bool) -> Iterator[Path]:
    """The files and folders of this computer in ``given``; the rest is sorted into ``found``."""
    for one in given:
        try:
            path = one if isinstance(one, Path) else local_path(one)
        except ElsewhereError as error:
            found.elsewhere.append(error)
            continue
        if path is not None:
            yield path
        elif is_picture_address(str(one)):
            found.face_url = str(one)
        elif not has_picture_data:
            found.refused.append(shown_address(str(one)))


def find_kind(path: Path, *, sniff: bool = True) -> ItemKind:
    """Return the kind of ``path`` by its suffix, else by its first bytes. Blocks on the disk.

    Raises:
        MediaError: It is not there, may not be read, is no file or folder, or its disk fails.
    """
    if probe_path(path) is PathKind.FOLDER:
        return ItemKind.FOLDER
    by_name = kind_by_name(path.name)
    if by_name is not None or not sniff:
        return by_name or ItemKind.OTHER
    return _kind_by_content(path)


def sounds_in(folder: Path) -> list[Path]:
    """Return the sound files right in ``folder``, in natural order. Blocks as the disk does.

    Raises:
        MediaError: It can't be listed.
    """
    listed = list_folder(folder, lambda path: kind_by_name(path.name) in (ItemKind.AUDIO, None))
    found, misses = [], 0
    for path in natsorted(listed, key=lambda path: shown_name(path.name).casefold()):
        if kind_by_name(path.name) is ItemKind.AUDIO:
            found.append(path)
        elif misses < _MOST_MISSES:
            with contextlib.suppress(MediaError):
                if _kind_by_content(path) is ItemKind.AUDIO:
                    found.append(path)
                    continue
            misses += 1
    return found


def kind_by_name(name: str) -> ItemKind | None:
    """Return what a file of that name claims to be; ``None`` if the name does not say it."""
    # Not loaded before the window is there: it brings FFmpeg along.
    from atlas_desktop.media.formats import readable_endings, sound_endings

    ending = Path(name).suffix.lower()
    if ending in sound_endings():
        return ItemKind.AUDIO
    if ending in FACE_ENDINGS:
        return ItemKind.FACE
    if ending in _OTHER_PICTURES:
        return ItemKind.PICTURE
    guessed = (mimetypes.guess_type(name)[0] or "").split("/")[0]
    if ending in readable_endings() or guessed in ("", "audio", "video"):
        return None
    return ItemKind.PICTURE if guessed == "image" else ItemKind.OTHER


def _kind_by_content(path: Path) -> ItemKind:
    from atlas_desktop.media.sound_file import holds_sound

    with open_regular(path) as file, mapped(path):
        picture = picture_kind(file.read(_HEAD_BYTES))
    if picture is not None:
        return picture
    return ItemKind.AUDIO if holds_sound(path) else ItemKind.OTHER


def picture_kind(head: bytes) -> ItemKind | None:
    """Return what kind of picture a file is that begins with ``head`` (64 bytes suffice), if it is one."""
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")) or (
        head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    ):
        return ItemKind.FACE
    return ItemKind.PICTURE if head.startswith((b"<svg", b"8BPS")) else None


def local_path(url: str) -> Path | None:
    """The file that ``url`` names, or ``None`` for an address elsewhere.

    Raises:
        ElsewhereError: It is a file on another computer.
    """
    path = path_of_address(url)
    # One letter before the colon is a drive, not a scheme.
    return path if path is not None or len(_scheme(url)) > 1 else Path(url)


def is_picture_address(url: str) -> bool:
    """Whether ``url`` is an HTTPS address whose path ends like a picture of a face."""
    if _scheme(url) != "https":
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return Path(parts.path).suffix.lower() in FACE_ENDINGS


def shown_address(url: str) -> str:
    """An address short enough to be shown, without what may be secret in it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return shown_name(f"{_scheme(url)}:…")
    shown = shown_name(f"{host}{parts.path}" if host else f"{parts.scheme}:{parts.path}")
    return shown if len(shown) <= 48 else shown[:47] + "…"


def _scheme(url: str) -> str:
    scheme, colon, _rest = url.partition(":")
    return scheme.lower() if colon and scheme.isascii() and scheme.replace("+", "").isalnum() else ""
