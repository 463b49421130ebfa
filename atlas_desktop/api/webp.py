"""Decoding a still WebP by libwebp itself.

Pillow has one reader for all WebP, made for animations: it keeps two canvases and two copies of their
content. A picture of 24 megapixels takes half a gigabyte; here it takes a third of that.
"""

import ctypes
import functools
import logging

from PIL import Image, features

log = logging.getLogger(__name__)


def decode_webp(picture: Image.Image, content: bytes) -> Image.Image | None:
    """Return a loaded copy of ``picture``, which is opened; ``None`` where only Pillow can decode it.

    Args:
        picture: Of one frame.
        content: The file.

    Raises:
        ValueError: It is broken.
    """
    library = _library()
    if library is None or picture.mode not in ("RGB", "RGBA"):
        return None
    width, height = picture.size
    row = width * len(picture.mode)
    pixels = bytearray(row * height)
    place = (ctypes.c_ubyte * len(pixels)).from_buffer(pixels)
    decode = library.WebPDecodeRGBInto if picture.mode == "RGB" else library.WebPDecodeRGBAInto
    if _size_in(library, content) != picture.size or not decode(
        content, len(content), place, len(pixels), row
    ):
        raise ValueError("a broken WebP")
    decoded = Image.frombuffer(picture.mode, picture.size, pixels, "raw", picture.mode, 0, 1)
    decoded.info, decoded.format = dict(picture.info), picture.format
    return decoded


def _size_in(library: ctypes.CDLL, content: bytes) -> tuple[int, int]:
    width, height = ctypes.c_int(), ctypes.c_int()
    known = library.WebPGetInfo(content, len(content), ctypes.byref(width), ctypes.byref(height))
    return (width.value, height.value) if known else (0, 0)


@functools.cache
def _library() -> ctypes.CDLL | None:
    """Return the libwebp that Pillow is linked with; ``None`` where it is linked statically (Windows)."""
    if not features.check("webp"):
        return None
    from PIL import _webp

    try:
        library = ctypes.CDLL(_webp.__file__)
        library.WebPGetInfo.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p]
        for decode in (library.WebPDecodeRGBInto, library.WebPDecodeRGBAInto):
            decode.argtypes = [
                *(ctypes.c_char_p, ctypes.c_size_t),
                *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int),
            ]
            decode.restype = ctypes.c_void_p
    except (OSError, AttributeError, TypeError):
        log.info("libwebp was not found: large WebP pictures take more memory")
        return None
    return library
