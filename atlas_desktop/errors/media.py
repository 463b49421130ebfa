"""A file that the user gave."""

from typing import Any, ClassVar

from atlas_desktop.errors.base import N_, AppError


class MediaError(AppError):
    """A file that the user gave. ``name`` is the file's name, without its folder."""

    code = "media"
    title = N_("{name} can't be used: {detail}")
    defaults: ClassVar[dict[str, Any]] = {"name": "", "detail": ""}


class UnreadableAudioError(MediaError):
    code = "unreadable_audio"
    title = N_("{name} holds no sound that can be read")
    advice = N_("Accepted: any sound or video file, for example WAV, MP3, M4A, OGG, FLAC.")


class EmptyAudioError(MediaError):
    code = "empty_audio"
    title = N_("{name} is empty")


class SilentAudioError(MediaError):
    """The file can be read, and is spoken; there is nothing in it for an ear."""

    code = "silent_audio"
    title = N_("Nothing can be heard in “{name}”")
    advice = N_("It holds silence only, or sound too quiet to be heard.")


class CutShortError(MediaError):
    """What there was of the file was spoken."""

    code = "cut_short"
    title = N_("“{name}” ended early")
    advice = N_("The file was shortened while it was spoken, or its drive can't be read any more.")


class MissingFileError(MediaError):
    code = "missing_file"
    title = N_("{name} is no longer there")


class FaceNotImageError(MediaError):
    code = "face_not_image"
    title = N_("{name} is not a picture")
    advice = N_("Accepted: PNG, JPEG and WebP.")


class FaceTooLargeError(MediaError):
    code = "face_too_large"
    title = N_("{name} is too large ({size_mb:.0f} MB)")
    advice = N_("A face may have up to {limit_mb:.0f} MB.")
    defaults: ClassVar[dict[str, Any]] = {"name": "", "detail": "", "size_mb": 0.0, "limit_mb": 20.0}


class FaceTooManyPixelsError(FaceTooLargeError):
    """The file may be small: what it unpacks to is not."""

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
