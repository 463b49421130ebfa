"""Pictures of which little is written and much is read: parts without end, texts and canvases that unpack."""

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image

SMALL = (64, 64)
LARGE = (6000, 4000)
"""As many pixels as a face may have."""
_MB = 1_000_000


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _plain(size: tuple[int, int] = SMALL, mode: str = "RGB") -> Image.Image:
    return Image.linear_gradient("L").resize(size).convert(mode)


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_with(*chunks: bytes) -> bytes:
    """A small PNG with something behind its head, which is of 8 + 25 bytes."""
    content = _saved(_plain(), "PNG")
    return content[:33] + b"".join(chunks) + content[33:]


def png_texts() -> bytes:
    """Texts that unpack to 19 MB each."""
    packed = zlib.compress(bytes([65]) * 19 * _MB, 9)
    return _png_with(*(_png_chunk(b"zTXt", b"k%d\0\0" % number + packed) for number in range(200)))


def png_wide_texts() -> bytes:
    """The same in signs of four bytes each, once they are in memory."""
    packed = zlib.compress(("x" * (18 * _MB) + "\U0001f600").encode(), 9)
    head = b"\0\1\0\0\0"
    return _png_with(*(_png_chunk(b"iTXt", b"k%d" % number + head + packed) for number in range(50)))


def png_profile() -> bytes:
    """A colour profile that unpacks to 20 MB of nothing."""
    return _png_with(_png_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(19 * _MB), 9)))


def png_parts() -> bytes:
    """A million parts without content."""
    return _png_with(_png_chunk(b"teSt", b"") * 1_500_000)


def png_exif() -> bytes:
    """As many entries as there can be, each of all that follows them."""
    count = 65_535
    entries = b"".join(
        struct.pack(">HHII", tag, 7, 2 * _MB, 8) for tag in range(count) if tag not in (0x8769, 0x8825)
    )
    exif = b"MM\0*\0\0\0\x08" + struct.pack(">H", len(entries) // 12) + entries + bytes(4 + 2 * _MB)
    return _png_with(_png_chunk(b"eXIf", exif))


def _jpeg_with(segments: bytes) -> bytes:
    content = _saved(_plain(), "JPEG")
    return content[:2] + segments + content[2:]


def jpeg_segments() -> bytes:
    """Millions of segments without content."""
    return _jpeg_with(b"\xff\xe1\0\x02" * 4_500_000)


def jpeg_filling() -> bytes:
    """Nothing but filling before the picture."""
    return _jpeg_with(b"\xff" * 19 * _MB)


def jpeg_exif() -> bytes:
    """Hundreds of histories, which a reader puts together one by one."""
    return _jpeg_with((b"\xff\xe1\xff\xff" + b"Exif\0\0MM\0*\0\0\0\x08" + bytes(65_519)) * 290)


def jpeg_scans() -> bytes:
    """A scan again and again."""
    content = _saved(_plain((512, 512)), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    scan = content[last:-2]
    return content[:-2] + scan * min(5_000, 15 * _MB // len(scan)) + content[-2:]


def large_jpeg_scans() -> bytes:
    """As few as a photo may have, over as many pixels as it may have, and a few more."""
    content = _saved(_plain(LARGE, "L"), "JPEG", progressive=True, quality=5)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * 60 + content[-2:]


def gif_frames() -> bytes:
    """Frames without end on a large canvas."""
    content = _saved(_plain(SMALL, "L"), "GIF")
    place = content.index(b",", 13 + 3 * 256)
    frame = content[place:-1]
    head = content[:6] + struct.pack("<HH", *LARGE) + content[10:place]
    return head + frame * min(20_000, 15 * _MB // len(frame)) + b";"


def gif_blocks() -> bytes:
    """A frame in blocks of one byte, and another one behind it."""
    content = _saved(_plain(SMALL, "L"), "GIF")
    place = content.index(b",", 13 + 3 * 256)
    return content[:-1] + content[place : place + 11] + b"\1\0" * 9 * _MB + b"\0;"


def bmp_runs() -> bytes:
    """Runs of a single pixel, by the million."""
    width, height = 4000, 2400
    runs = b"\1\7" * (width * height)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return struct.pack("<2sIII", b"BM", 54 + 1024 + len(runs), 0, 54 + 1024) + head + bytes(1024) + runs


def _webp_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp_animation() -> bytes:
    """Two small frames on a canvas as large as may be."""
    picture = _saved(_plain(), "WEBP", lossless=True)[12:]
    size = (*SMALL, 100)
    numbers = b"".join(struct.pack("<I", number)[:3] for number in (0, 0, size[0] - 1, size[1] - 1, size[2]))
    frames = _webp_chunk(b"ANMF", numbers + b"\0" + picture) * 2
    canvas = b"".join(struct.pack("<I", edge - 1)[:3] for edge in LARGE)
    head = _webp_chunk(b"VP8X", b"\x02\0\0\0" + canvas) + _webp_chunk(b"ANIM", bytes(6))
    return b"RIFF" + struct.pack("<I", 4 + len(head + frames)) + b"WEBP" + head + frames


def large_webp() -> bytes:
    """No bomb at all: a photo."""
    return _saved(_plain(LARGE), "WEBP", quality=1, method=0)


def large_clear_webp() -> bytes:
    """The same without loss, and half clear."""
    return _saved(Image.new("RGBA", LARGE, (200, 10, 10, 128)), "WEBP", lossless=True, quality=0, method=0)


def large_png() -> bytes:
    """No bomb either: as many pixels as may be, clear in part."""
    picture = _plain(LARGE, "RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(LARGE))
    return _saved(picture, "PNG", compress_level=1)


BOMBS: tuple[tuple[str, Callable[[], bytes]], ...] = (
    *(("png", make) for make in (png_texts, png_wide_texts, png_profile, png_parts, png_exif, large_png)),
    *(("jpg", make) for make in (jpeg_segments, jpeg_filling, jpeg_exif, jpeg_scans, large_jpeg_scans)),
    *(("gif", make) for make in (gif_frames, gif_blocks)),
    ("bmp", bmp_runs),
    *(("webp", make) for make in (webp_animation, large_webp, large_clear_webp)),
)
"""Endings, and what makes the contents."""
