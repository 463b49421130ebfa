"""A WebP as libwebp decodes it, beside Pillow's own reader."""

import io

import numpy as np
import pytest
from PIL import Image

from atlas_desktop.api.face_file import face_from_bytes
from atlas_desktop.api.webp import decode_webp
from atlas_desktop.errors import FaceNotImageError, FaceTooManyPixelsError

RANDOM = np.random.default_rng(3)


def blocks(channels: int) -> Image.Image:
    rough = RANDOM.integers(0, 255, (9, 11, channels), dtype=np.uint8)
    return Image.fromarray(np.kron(rough, np.ones((10, 10, 1), np.uint8)))


def webp(picture: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, "WEBP", **options)
    return out.getvalue()


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"icc_profile": b"x" * 99}, {"quality": 5}])
def test_every_pixel_is_pillows(channels: int, options: dict[str, object]) -> None:
    content = webp(blocks(channels), **options)
    with Image.open(io.BytesIO(content)) as opened, Image.open(io.BytesIO(content)) as pillows:
        decoded = decode_webp(opened, content)
        assert decoded is not None
        pillows.load()
        assert (decoded.mode, decoded.size, decoded.format) == (pillows.mode, pillows.size, "WEBP")
        assert np.array_equal(np.asarray(decoded), np.asarray(pillows))
        assert decoded.info.get("icc_profile") == pillows.info.get("icc_profile")


def test_a_picture_whose_pixels_are_cut_off_is_refused() -> None:
    content = webp(blocks(3), quality=90)
    for cut in (len(content) * 3 // 4, len(content) // 2, 40, 31):
        torn = content[:4] + (cut - 8).to_bytes(4, "little") + content[8:16]
        torn += (cut - 20).to_bytes(4, "little") + content[20:cut]
        with pytest.raises(FaceNotImageError):
            face_from_bytes(torn)


def test_a_picture_that_says_another_size_than_it_has_is_refused() -> None:
    content = bytearray(webp(blocks(4), lossless=True, exif=b"Exif\0\0MM\0*"))
    assert content[12:16] == b"VP8X"
    content[24] += 50
    with pytest.raises(FaceNotImageError):
        face_from_bytes(bytes(content))


def test_one_that_moves_needs_two_canvases() -> None:
    frames = [Image.new("RGB", (4000, 3200), colour) for colour in ("red", "blue")]
    content = webp(frames[0], save_all=True, append_images=frames[1:], quality=1, method=0)
    with pytest.raises(FaceTooManyPixelsError):
        face_from_bytes(content)
    assert face_from_bytes(webp(frames[0], quality=1, method=0)).media_type == "image/webp"
