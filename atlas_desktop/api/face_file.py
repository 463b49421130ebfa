"""A face that the user gives: checked before it is sent, and put into a form that Atlas takes."""

import io
import struct
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from PIL import Image, ImageOps

from atlas_desktop.api.address import checked_picture_url
from atlas_desktop.api.source import FACE_LIMIT_BYTES, FACE_MINIMUM_PX, Face
from atlas_desktop.errors import (
    FaceNotImageError,
    FaceTooLargeError,
    FaceTooSmallError,
    NotAFileError,
    shown_name,
)
from atlas_desktop.files import mapped, open_regular

# What Atlas takes as it is. MPO is a JPEG with a second picture behind it, as phones write it.
_SENT_AS_IS = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}
# What else is read, and sent as PNG. A closed list: other readers of Pillow start programs (EPS, PDF).
_CONVERTED = ("GIF", "BMP", "TIFF", "AVIF", "ICO")
_FORMATS = ("PNG", "JPEG", "WEBP", *_CONVERTED)

_MEGABYTE = 1_000_000
_LARGEST_PIXELS = 64_000_000
_BYTES_A_PIXEL = 4
_CONVERTED_EDGE_PX = 2048
_JPEG_QUALITY = 95
_ORIENTATION_TAG = 0x0112
_UPRIGHT = (None, 1)

_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    OverflowError,
    struct.error,
    TypeError,  # TIFF
    RuntimeError,  # AVIF
)
"""What Pillow 13 raises on broken data (found by damaging files); ``OSError`` covers unknown formats."""


def load_face(path: Path) -> Face:
    """Reads a picture from disk and returns it ready to be sent. Blocks: call it in a thread.

    PNG, JPEG and WebP stay as they are; a sideways photo is turned upright, another format or an
    animation becomes a PNG of its first picture.

    Raises:
        MediaError: There is no such file, it may not be read, or its disk fails.
        FaceNotImageError: It is no picture, or a broken one.
        FaceTooLargeError: More than 20 MB, or more pixels than a picture can sensibly have.
        FaceTooSmallError: Fewer than 64 pixels in either direction.
    """
    name = shown_name(path.name)
    try:
        with open_regular(path) as file:
            _check_bytes(file.size_bytes, name)
            with mapped(path):
                content = file.read(FACE_LIMIT_BYTES + 1)
    except NotAFileError as error:
        raise FaceNotImageError(name=name, detail=error.params["detail"]) from error
    return face_from_bytes(content, name)


def face_from_bytes(content: bytes, name: str = "face.png") -> Face:
    """As ``load_face``, for a picture that is at hand: pasted, dropped, or shipped."""
    _check_bytes(len(content), name)
    try:
        return _checked(content, name)
    except Image.DecompressionBombError as error:
        raise FaceTooLargeError(name=name, size_mb=len(content) / _MEGABYTE) from error
    except (*_UNREADABLE, Image.DecompressionBombWarning) as error:
        raise FaceNotImageError(name=name, detail=type(error).__name__) from error


def face_from_url(url: str) -> Face:
    """A face that Atlas fetches by itself.

    Raises:
        InsecureAddressError: It is not an https address.
    """
    address = checked_picture_url(url)
    name = PurePosixPath(urlsplit(address).path).name or urlsplit(address).netloc
    return Face(name=name, url=address)


def _checked(content: bytes, name: str) -> Face:
    with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
        width, height = picture.size
        if width * height > _LARGEST_PIXELS:
            # The file is small, the picture is not: say what it would take.
            raise FaceTooLargeError(name=name, size_mb=width * height * _BYTES_A_PIXEL / _MEGABYTE)
        if min(width, height) < FACE_MINIMUM_PX:
            raise FaceTooSmallError(name=name, width=width, height=height, limit=FACE_MINIMUM_PX)
        kind = picture.format or ""
        moving = getattr(picture, "is_animated", False) and kind != "MPO"
        sideways = picture.getexif().get(_ORIENTATION_TAG) not in _UPRIGHT
        # Decodes it all: a truncated file is found here, not by the service.
        picture.load()
        if kind in _SENT_AS_IS and not moving and not sideways:
            return Face(name=name, content=content, media_type=_SENT_AS_IS[kind])
        return _redrawn(picture, name, photo=kind in ("JPEG", "MPO"))


def _redrawn(picture: Image.Image, name: str, *, photo: bool) -> Face:
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((_CONVERTED_EDGE_PX, _CONVERTED_EDGE_PX))
    out = io.BytesIO()
    if photo:
        upright.convert("RGB").save(out, "JPEG", quality=_JPEG_QUALITY)
        media_type = "image/jpeg"
    else:
        upright.convert("RGBA" if upright.has_transparency_data else "RGB").save(out, "PNG")
        media_type = "image/png"
    _check_bytes(out.tell(), name)
    return Face(name=name, content=out.getvalue(), media_type=media_type)


def _check_bytes(size_bytes: int, name: str) -> None:
    if size_bytes > FACE_LIMIT_BYTES:
        raise FaceTooLargeError(
            name=name, size_mb=size_bytes / _MEGABYTE, limit_mb=FACE_LIMIT_BYTES / _MEGABYTE
        )
