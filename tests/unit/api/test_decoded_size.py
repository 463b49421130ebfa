"""Small files that show a small picture and hold a huge one; and that large ones take little memory."""

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atlas_desktop.api.decoded_size import decoded_pixels
from atlas_desktop.api.face_file import face_from_bytes
from atlas_desktop.errors import FaceNotImageError, FaceTooManyPixelsError

MODES = {"L": 1, "RGB": 3, "RGBA": 4}


def avif(mode: str = "L", width: int = 90, height: int = 70, frames: int = 1) -> bytes:
    out = io.BytesIO()
    noise = np.random.default_rng(7).integers(0, 255, (frames, height, width, MODES[mode]), dtype=np.uint8)
    first, *rest = (Image.fromarray(frame.squeeze()) for frame in noise)
    first.save(out, "AVIF", save_all=frames > 1, append_images=rest, speed=10)
    return out.getvalue()


def huge_avif(frames: int = 1) -> bytes:
    """Some kilobytes; 30 megapixels that are shown in 100 × 100."""
    out = io.BytesIO()
    blank = Image.new("L", (6000, 5000))
    blank.save(out, "AVIF", save_all=frames > 1, append_images=[blank] * (frames - 1), speed=10)
    content = bytearray(out.getvalue())
    shown = content.index(b"ispe") + 8
    content[shown : shown + 8] = struct.pack(">II", 100, 100)
    if frames > 1:
        end = content.index(b"tkhd") - 4 + int.from_bytes(content[content.index(b"tkhd") - 4 :][:4], "big")
        content[end - 8 : end] = struct.pack(">II", 100 << 16, 100 << 16)
    return bytes(content)


def huge_grid() -> bytes:
    """What a phone makes of tiles, with a size of its own beyond all measure."""
    content = bytearray(avif())
    kind = content.index(b"av01", content.index(b"infe"))
    content[kind : kind + 4] = b"grid"
    start = content.index(b"mdat") + 4
    content[start : start + 12] = struct.pack(">BBBBII", 0, 1, 0, 0, 30_000, 30_000)
    return bytes(content)


def tiff(tag_of_size: dict[int, int], data: bytes) -> bytes:
    """One bit a pixel, packed by Group 4: a row of white takes one bit, however long it is."""
    tags = {256: 100, 257: 100, 258: 1, 259: 4, 262: 1, 277: 1, **tag_of_size}
    rows = ((tag, 3 if value < 1 << 16 else 4, 1, value) for tag, value in sorted(tags.items()))
    entries = [struct.pack("<HHII", *row) for row in rows]
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    return head + data + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def huge_tiles() -> bytes:
    """4 kB; half a gigabyte."""
    data = b"\xff" * 4002
    return tiff({322: 131_072, 323: 32_000, 324: 8, 325: len(data)}, data)


@pytest.mark.parametrize(
    "make",
    [huge_avif, lambda: huge_avif(2), huge_tiles],
    ids=["AVIF", "moving AVIF", "TIFF of tiles"],
)
def test_a_small_picture_that_takes_a_huge_one_to_decode_is_refused(make: Callable[[], bytes]) -> None:
    content = make()
    assert len(content) < 10_000
    with pytest.raises(FaceTooManyPixelsError):
        face_from_bytes(content, "bomb")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("frames", [1, 3])
def test_an_avif_holds_what_it_shows(mode: str, frames: int) -> None:
    content = avif(mode, 700, 300, frames)
    with Image.open(io.BytesIO(content)) as picture:
        assert decoded_pixels(picture, content) == 700 * 300
    assert face_from_bytes(content).media_type == "image/png"


def test_the_tiles_of_an_avif_are_counted_by_what_they_make() -> None:
    with Image.open(io.BytesIO(avif())) as picture:
        assert decoded_pixels(picture, huge_grid()) == 30_000**2


def test_a_tiff_in_tiles_is_a_face() -> None:
    data = b"\xff" * 32
    assert face_from_bytes(tiff({322: 128, 323: 128, 324: 8, 325: len(data)}, data)).media_type == "image/png"


def test_an_avif_that_is_cut_off_anywhere_is_named_or_shown() -> None:
    content = avif("RGBA")
    for end in range(16, len(content), 41):
        with pytest.raises(FaceNotImageError):
            face_from_bytes(content[:end])


def test_an_avif_of_very_many_parts_is_refused_soon() -> None:
    head = struct.pack(">I", 28) + b"ftypavif" + bytes(4) + b"avifmif1miaf"
    with Image.open(io.BytesIO(avif())) as picture, pytest.raises(ValueError, match="too many"):
        decoded_pixels(picture, head + struct.pack(">I4s", 8, b"free") * 200_000)


_PEAK = """
import sys
from pathlib import Path
from atlas_desktop.api.face_file import face_from_bytes

def peak_mb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024

content = Path(sys.argv[1]).read_bytes()
before_mb = peak_mb()
face_from_bytes(content)
print(peak_mb() - before_mb)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read as Linux says it")
@pytest.mark.parametrize(
    ("mode", "kind"), [("RGBA", "PNG"), ("F", "TIFF"), ("P", "GIF"), ("I;16", "PNG"), ("CMYK", "JPEG")]
)
def test_a_picture_of_24_megapixels_is_drawn_anew_in_little_memory(
    tmp_path: Path, mode: str, kind: str
) -> None:
    path = tmp_path / "large"
    # Each kind takes its own and passes over the others'.
    compression = "tiff_adobe_deflate" if kind == "TIFF" else None
    Image.new(mode, (6000, 4000)).save(path, kind, compression=compression, progressive=True)
    peak = subprocess.run([sys.executable, "-c", _PEAK, path], capture_output=True, text=True, check=True)
    assert int(peak.stdout) < 240
