"""Errors of the user's files."""

import os
import unicodedata
from typing import Any, ClassVar

from atlas_desktop.errors.base import N_, AppError, BugError

_SHOWN_CHARACTERS = 120
# Embeddings, overrides, isolates and marks: they can make a name read as another one.
_DIRECTION_SIGNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def shown_name(name: str | os.PathLike[str], longest: int | None = _SHOWN_CHARACTERS) -> str:
    """Return a file's name as it can be shown, logged and sent: one line of valid Unicode, not too long.

    Bytes that are not UTF-8 become U+FFFD, breaks and tabs a space; other control and direction signs go.
    """
    text = os.fspath(name)
    if not (text.isascii() and text.isprintable()):
        text = "".join(_shown_sign(sign) for sign in text)
    if longest is None or len(text) <= longest:
        return text
    head = longest * 2 // 3
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def _shown_sign(sign: str) -> str:
    if sign in _DIRECTION_SIGNS:
        return ""
    match unicodedata.category(sign):
        case "Zl" | "Zp":
            return " "
        case "Cs":  # a byte that is no UTF-8 (PEP 383)
            return "\ufffd"
        case "Cc":
            return " " if sign.isspace() else ""
    return sign


class MediaError(AppError):
    """A file of the user's can't be used.

    ``name`` is the file's name, without its folder, as it can be shown.
    """

    code = "media"
    title = N_("{name} can't be used: {detail}")
    defaults: ClassVar[dict[str, Any]] = {"name": "", "detail": ""}

    def __init__(self, **params: Any) -> None:
        if "name" in params:
            params["name"] = shown_name(params["name"])
        super().__init__(**params)


class FileFaultError(MediaError):
    """A bug of ours with one file. The cause is chained (``__cause__``) and logged."""

    code = "file_fault"
    title = N_("Something unexpected happened over {name}")
    advice = N_("The other files go on. A report is in the log.")


def about_file(error: AppError, name: str | os.PathLike[str]) -> AppError:
    """Return ``error``; a bug of ours becomes a ``FileFaultError`` that names the file."""
    if not isinstance(error, BugError):
        return error
    fault = FileFaultError(name=name)
    fault.__cause__ = error
    return fault


class UnreadableAudioError(MediaError):
    code = "unreadable_audio"
    title = N_("{name} holds no sound that can be read")
    advice = N_("Accepted: any sound or video file, for example WAV, MP3, M4A, OGG, FLAC.")


class EmptyAudioError(MediaError):
    code = "empty_audio"
    title = N_("{name} is empty")


class SilentAudioError(MediaError):
    """The file can be read, and is spoken, but is silent."""

    code = "silent_audio"
    title = N_("Nothing can be heard in “{name}”")
    advice = N_("It holds silence only, or sound too quiet to be heard.")


class CutShortError(MediaError):
    """The readable part of the file was spoken."""

    code = "cut_short"
    title = N_("“{name}” ended early")
    advice = N_("It is damaged, was shortened while it was spoken, or its drive can't be read any more.")


class MissingFileError(MediaError):
    code = "missing_file"
    title = N_("{name} is no longer there")


class FileDeniedError(MediaError):
    code = "file_denied"
    title = N_("{name} may not be read")
    advice = N_("Its owner, or this computer, does not allow it.")


class BadFileNameError(MediaError):
    code = "bad_file_name"
    title = N_("{name} can't be the name of a file here")
    advice = N_("It is too long, or has signs that this disk does not take.")


class LinkLoopError(MediaError):
    code = "link_loop"
    title = N_("{name} is a link that leads back to itself")


class NotAFileError(MediaError):
    """A folder, pipe, socket or device where a file is wanted; ``detail`` names it."""

    code = "not_a_file"
    title = N_("{name} is not a file, but a {detail}")


class DiskError(MediaError):
    """The disk, or the computer at the other end of a network drive, failed.

    ``detail`` is the system's message.
    """

    code = "disk"
    title = N_("The disk of {name} reports an error: {detail}")
    advice = N_("Check whether the disk or network drive is still connected.")
    retryable = True


class FileSilentError(MediaError):
    """No answer in ``waited_s``: a dead network drive, or a very slow disk."""

    code = "file_silent"
    title = N_("{name} doesn't answer")
    advice = N_("Check whether its disk or network drive is still connected.")
    retryable = True


class ElsewhereError(MediaError):
    code = "elsewhere"
    title = N_("{name} lies on another computer ({host})")
    advice = N_("Connect its folder to this computer, then give it from there.")
    defaults: ClassVar[dict[str, Any]] = {"name": "", "detail": "", "host": ""}


class FaceNotImageError(MediaError):
    code = "face_not_image"
    title = N_("{name} is not a picture that can be read")
    advice = N_("Accepted: PNG, JPEG and WebP.")


class FaceTooLargeError(MediaError):
    code = "face_too_large"
    title = N_("{name} is too large ({size_mb:.0f} MB)")
    advice = N_("A face may have up to {limit_mb:.0f} MB.")
    defaults: ClassVar[dict[str, Any]] = {"name": "", "detail": "", "size_mb": 0.0, "limit_mb": 20.0}


class FaceTooManyPixelsError(FaceTooLargeError):
    """The file may be small, but not what it decodes to."""

    code = "face_too_many_pixels"
    title = N_("{name} has too many pixels")
    advice = N_("A face may have up to {limit_megapixels:.0f} megapixels.")
    defaults: ClassVar[dict[str, Any]] = {
        **FaceTooLargeError.defaults,
        "megapixels": 0.0,
        "limit_megapixels": 24.0,
    }


class FaceTooSmallError(MediaError):
    code = "face_too_small"
    title = N_("{name} is too small ({width}×{height})")
    advice = N_("A face needs at least {limit}×{limit} pixels.")
    defaults: ClassVar[dict[str, Any]] = {
        "name": "",
        "detail": "",
        "width": 0,
        "height": 0,
        "limit": 64,
    }
