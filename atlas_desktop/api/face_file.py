"""Face pictures of the user: checked before they are sent, and converted to a format that Atlas accepts."""

import io
import struct
import warnings
import zlib
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from PIL import Image, PngImagePlugin

from atlas_desktop.api.address import checked_picture_url
from atlas_desktop.api.decoded_size import decoded_pixels, jpeg_scans
from atlas_desktop.api.face_picture import as_seen, is_plain
from atlas_desktop.api.source import FACE_EDGE_PX, FACE_LIMIT_BYTES, FACE_MINIMUM_PX, Face
from atlas_desktop.api.webp import decode_webp
from atlas_desktop.errors import (
    FaceNotImageError,
    FaceTooLargeError,
    FaceTooManyPixelsError,
    FaceTooSmallError,
    NotAFileError,
    shown_name,
)
from atlas_desktop.files import mapped, open_regular

# Sent unchanged. MPO is a JPEG followed by a second picture, as phones write it.
_SENT_AS_IS = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}
# Also read, and sent as PNG. A closed list: other readers of Pillow start programs (EPS, PDF).
_CONVERTED = ("GIF", "BMP", "TIFF", "AVIF", "ICO")
_FORMATS = ("PNG", "JPEG", "WEBP", *_CONVERTED)

_MEGABYTE = 1_000_000
_LARGEST_PIXELS = 24_000_000
# Some formats contain others, whose size only their own reader finds out: that checks it, too.
Image.MAX_IMAGE_PIXELS = _LARGEST_PIXELS
# Metadata that programs write into a PNG beside the picture, their whole history among it.
PngImagePlugin.MAX_TEXT_CHUNK = FACE_LIMIT_BYTES
PngImagePlugin.MAX_TEXT_MEMORY = FACE_LIMIT_BYTES
# A small file may have 65,000, each a line of the log.
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.simplefilter("error", Image.DecompressionBombWarning)
_JPEG = b"\xff\xd8\xff"
_JPEG_QUALITY = 98  # with whole colours: an edge of the strongest colours is off by 7 of 255 levels at most
_ORIENTATION_TAG = 0x0112
_UPRIGHT = (None, 1)
# A progressive photo has some ten scans; each takes as long to decode as a whole picture.
_MOST_SCANS, _MOST_SCANNED_PIXELS = 100, 32 * _LARGEST_PIXELS
# A GIF of 20 MB has 160,000: its blocks are of 255 bytes, each read in two.
_MOST_READS = 400_000

_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    TypeError,  # TIFF
    RuntimeError,  # AVIF
    MemoryError,
    ArithmeticError,
    LookupError,
    AttributeError,
    AssertionError,
    zlib.error,
    UserWarning,  # where warnings are errors
)
"""What Pillow 13 raises on broken data (found by damaging files); ``OSError`` covers unknown formats."""


def load_face(path: Path) -> Face:
    """Read a picture from disk and return it ready to be sent. Blocks: call it in a thread.

    PNG, JPEG and WebP that every program shows alike stay unchanged. All others are rendered as a browser
    shows them (``face_picture``): a photo as JPEG, the rest as PNG; of an animation the first frame.

    Raises:
        MediaError: The file does not exist, may not be read, or its disk fails.
        FaceNotImageError: It is not a picture, or a broken one.
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
    """Return what ``load_face`` does, for a picture in memory: pasted, dropped, or shipped."""
    _check_bytes(len(content), name)
    try:
        return _checked(content, name)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FaceTooManyPixelsError(name=name) from error
    except _UNREADABLE as error:
        raise FaceNotImageError(name=name, detail=type(error).__name__) from error


def face_from_url(url: str) -> Face:
    """Return a face that Atlas fetches by itself.

    Raises:
        InsecureAddressError: It is not an https address.
    """
    address = checked_picture_url(url)
    name = PurePosixPath(urlsplit(address).path).name or urlsplit(address).netloc
    return Face(name=name, url=address)


class _CountedReads(io.BytesIO):
    """A file in memory with a limited number of reads: each of a million parts costs some microseconds."""

    _left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ValueError("too many parts")
        return super().read(size)


def _checked(content: bytes, name: str) -> Face:
    is_jpeg = content.startswith(_JPEG)
    scans = jpeg_scans(content) if is_jpeg else 0
    with Image.open(_CountedReads(content), formats=_FORMATS) as picture:
        width, height = picture.size
        # An invalid or forged header is detected before anything is decoded.
        if (pixels := decoded_pixels(picture, content)) > _LARGEST_PIXELS:
            raise _too_many_pixels(name, pixels)
        if min(width, height) < FACE_MINIMUM_PX:
            raise FaceTooSmallError(name=name, width=width, height=height, limit=FACE_MINIMUM_PX)
        if scans > _MOST_SCANS or scans * pixels > _MOST_SCANNED_PIXELS:
            raise FaceNotImageError(name=name, detail="too many scans")
        kind = picture.format or ""
        moving = getattr(picture, "is_animated", False) and kind != "MPO"
        sideways = picture.getexif().get(_ORIENTATION_TAG) not in _UPRIGHT
        loaded = _loaded(picture, content, moving=moving)
        if loaded.width * loaded.height > _LARGEST_PIXELS:
            raise _too_many_pixels(name, loaded.width * loaded.height)
        if kind in _SENT_AS_IS and not moving and not sideways and is_plain(picture, content):
            return Face(name=name, content=content, media_type=_SENT_AS_IS[kind])
        return _redrawn(loaded, name, photo=is_jpeg)


def _loaded(picture: Image.Image, content: bytes, *, moving: bool) -> Image.Image:
    """Decode it all, to detect a truncated file here instead of at the service."""
    if picture.format == "WEBP" and not moving and (decoded := decode_webp(picture, content)) is not None:
        return decoded
    if picture.format == "JPEG" and picture.mode == "CMYK":
        # Scaled in any case: decoded no larger than it is sent, as 24 megapixels of it take 290 MB.
        largest = max(picture.size)
        picture.draft(
            None, (picture.width * FACE_EDGE_PX // largest, picture.height * FACE_EDGE_PX // largest)
        )
    picture.load()
    return picture


def _redrawn(picture: Image.Image, name: str, *, photo: bool) -> Face:
    out = io.BytesIO()
    seen = as_seen(picture)
    if photo:
        seen.save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    else:
        seen.save(out, "PNG")
    _check_bytes(out.tell(), name)
    return Face(name=name, content=out.getvalue(), media_type="image/jpeg" if photo else "image/png")


def _too_many_pixels(name: str, pixels: int) -> FaceTooManyPixelsError:
    return FaceTooManyPixelsError(
        name=name, megapixels=pixels / _MEGABYTE, limit_megapixels=_LARGEST_PIXELS / _MEGABYTE
    )


def _check_bytes(size_bytes: int, name: str) -> None:
    if size_bytes > FACE_LIMIT_BYTES:
        raise FaceTooLargeError(
            name=name, size_mb=size_bytes / _MEGABYTE, limit_mb=FACE_LIMIT_BYTES / _MEGABYTE
        )
