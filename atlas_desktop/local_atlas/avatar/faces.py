"""Faces on the way in: what the service accepts."""

import asyncio
import io
import struct
import threading
import zlib
from collections.abc import Mapping

from atlas_desktop.local_atlas.rest.answers import bad_request

FACE_LIMIT_BYTES = 20_000_000
FACE_MINIMUM_PX = 64

_LARGEST_PIXELS = 24_000_000
_FORMATS = ("PNG", "JPEG", "WEBP")
# What Pillow's decoders raise over a broken picture, beside what they say that they do.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error)
_BROKEN_INSIDE = (LookupError, TypeError, AttributeError, ArithmeticError, MemoryError, NotImplementedError)
# A picture unpacks to 100 MB: not all that come at once at the same time.
_unpacking = threading.BoundedSemaphore(2)


async def checked_face(content: bytes) -> bytes:
    """Returns ``content`` when it is a face that the service takes.

    Raises:
        RefusedError: 400, saying why not.
    """
    if not content:
        raise bad_request("missing_face", "The face is empty.")
    if len(content) > FACE_LIMIT_BYTES:
        raise bad_request("face_too_large", "A face may have up to 20 MB.")
    await asyncio.to_thread(_check_picture, content)
    return content


async def picture_in(form: Mapping[str, str | bytes], name: str) -> bytes | None:
    """The checked picture of a multipart form's file ``name``; ``None`` when there is no such field.

    Raises:
        RefusedError: 400, saying why it can't be used.
    """
    content = form.get(name)
    if isinstance(content, str):
        raise bad_request("invalid_face", f"{name} must be sent as a file.")
    return None if content is None else await checked_face(content)


def _check_picture(content: bytes) -> None:
    from PIL import Image, UnidentifiedImageError

    try:
        with _unpacking, Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            width, height = picture.size
            if min(width, height) < FACE_MINIMUM_PX or width * height > _LARGEST_PIXELS:
                raise bad_request("invalid_face", f"A face of {width}×{height} pixels can't be used.")
            picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise bad_request("invalid_face", "The face is not a PNG, JPEG or WebP picture.") from error
    except (*_BROKEN, *_BROKEN_INSIDE) as error:
        raise bad_request("invalid_face", "The face is a broken picture.") from error
