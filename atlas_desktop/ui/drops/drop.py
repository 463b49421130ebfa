"""What a drop would do: pure classification of files, addresses and text. No Qt, no decoding."""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from atlas_desktop.cues.files import looks_like_sound

# What is sent as a face, or turned into PNG first.
_FACE = "png jpg jpeg jfif webp gif bmp tif tiff avif ico"
_PICTURE = "svg heic heif psd jxl"

FACE_ENDINGS, _OTHER_PICTURES = (
    frozenset(f".{name}" for name in names.split()) for names in (_FACE, _PICTURE)
)

_SNIFF_BYTES = 64
# Opening files takes time on a slow disk, and a drag asks while the pointer moves.
_SNIFF_LIMIT = 200


class ItemKind(StrEnum):
    """What one dropped thing is."""

    AUDIO = "audio"
    FOLDER = "folder"
    FACE = "face"
    PICTURE = "picture"
    MISSING = "missing"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class DropPlan:
    """What a drop would do; all parts of it may be true at once.

    Attributes:
        audio: Files and folders to be spoken, in the order given.
        face: The picture that becomes the face: the last one given.
        face_url: HTTPS address of a picture that becomes the face.
        has_picture_data: The drop carries a picture itself, not a file.
        message: Text that becomes the message.
        refused: Names of what is not accepted.
    """

    audio: tuple[Path, ...] = ()
    face: Path | None = None
    face_url: str = ""
    has_picture_data: bool = False
    message: str = ""
    refused: tuple[str, ...] = ()

    @property
    def gives_face(self) -> bool:
        """Whether the face would change."""
        return self.face is not None or bool(self.face_url) or self.has_picture_data

    @property
    def does_something(self) -> bool:
        """Whether anything in it is accepted."""
        return bool(self.audio or self.message) or self.gives_face


def classify(urls: Sequence[str] = (), text: str = "", *, has_picture_data: bool = False) -> DropPlan:
    """Says what a drop of ``urls`` (``file:``, ``https:``, or plain paths) or else ``text`` would do.

    Args:
        urls: In the order given. Local files are looked at; nothing is downloaded.
        text: Used only when there is no address: browsers send a link both ways.
        has_picture_data: The drop also carries a picture itself; it beats a web address.
    """
    audio: list[Path] = []
    refused: list[str] = []
    face: Path | None = None
    face_url = ""
    sniffs_left = _SNIFF_LIMIT
    for url in urls:
        path = local_path(url)
        if path is None:
            if is_picture_address(url):
                face_url = url
            elif not has_picture_data:
                refused.append(shown_address(url))
            continue
        by_name = kind_by_name(path.name)
        may_sniff = by_name is None and sniffs_left > 0
        sniffs_left -= may_sniff
        match kind_of(path, sniff=may_sniff):
            case ItemKind.AUDIO | ItemKind.FOLDER:
                audio.append(path)
            case ItemKind.FACE:
                face = path
            case _:
                refused.append(path.name or str(path))
    picture = has_picture_data and face is None and not audio
    message = "" if urls or picture else text.strip()
    return DropPlan(tuple(audio), face, "" if picture else face_url, picture, message, tuple(refused))


def kind_of(path: Path, *, sniff: bool = True) -> ItemKind:
    """What the file at ``path`` is: by its ending, else by its first bytes."""
    if path.is_dir():
        return ItemKind.FOLDER
    if not path.exists():
        return ItemKind.MISSING
    by_name = kind_by_name(path.name)
    if by_name is not None:
        return by_name
    return _kind_by_content(path) if sniff else ItemKind.OTHER


def kind_by_name(name: str) -> ItemKind | None:
    """What a file of that name claims to be; ``None`` when the name says nothing."""
    ending = Path(name).suffix.lower()
    if looks_like_sound(Path(name)):
        return ItemKind.AUDIO
    if ending in FACE_ENDINGS:
        return ItemKind.FACE
    if ending in _OTHER_PICTURES:
        return ItemKind.PICTURE
    guessed = (mimetypes.guess_type(name)[0] or "").split("/")[0]
    if guessed in ("audio", "video"):
        return None  # the system calls it sound, FFmpeg knows no such ending: content decides
    if guessed == "image":
        return ItemKind.PICTURE
    return ItemKind.OTHER if guessed else None


def kind_by_bytes(head: bytes) -> ItemKind:
    """What a file is that begins with ``head`` (64 bytes suffice)."""
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")) or (
        head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    ):
        return ItemKind.FACE
    if head.startswith((b"<svg", b"8BPS")):
        return ItemKind.PICTURE
    begins = (
        b"ID3",
        b"OggS",
        b"fLaC",
        b"\x1aE\xdf\xa3",
        b"#!AMR",
        b".snd",
        b"caff",
        b"wvpk",
        b"MAC ",
        b"FLV",
    )
    if head.startswith(begins) or head[4:8] == b"ftyp":
        return ItemKind.AUDIO
    if head[:4] in (b"RIFF", b"RF64", b"FORM") and head[8:12] in (b"WAVE", b"AIFF", b"AIFC", b"AVI "):
        return ItemKind.AUDIO
    is_mpeg_audio = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return ItemKind.AUDIO if is_mpeg_audio else ItemKind.OTHER


def local_path(url: str) -> Path | None:
    """The file that ``url`` names, or ``None`` for an address elsewhere."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        path = unquote(parts.path)
        # file:///C:/x has a path of /C:/x; file://server/share is a path of that server.
        if len(path) > 2 and path[0] == "/" and path[2] == ":":
            path = path[1:]
        host = parts.netloc if parts.netloc not in ("", "localhost") else ""
        return Path(f"//{host}{path}" if host else path)
    # One letter before the colon is a drive, not a scheme.
    return Path(url) if len(parts.scheme) <= 1 else None


def is_picture_address(url: str) -> bool:
    """Whether ``url`` is an HTTPS address whose path ends like a picture of a face."""
    parts = urlsplit(url)
    return parts.scheme == "https" and Path(parts.path).suffix.lower() in FACE_ENDINGS


def shown_address(url: str) -> str:
    """An address short enough to be shown, without what may be secret in it."""
    parts = urlsplit(url)
    shown = f"{parts.scheme}:{parts.path}" if not parts.hostname else f"{parts.hostname}{parts.path}"
    return shown if len(shown) <= 48 else shown[:47] + "…"


def _kind_by_content(path: Path) -> ItemKind:
    try:
        with path.open("rb") as file:
            return kind_by_bytes(file.read(_SNIFF_BYTES))
    except OSError:
        return ItemKind.OTHER
