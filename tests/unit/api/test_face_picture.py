"""What is seen is what is sent: pictures that programs disagree about, as a browser shows them."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from atlas_desktop.api.face_file import face_from_bytes
from atlas_desktop.errors import FaceTooLargeError, FaceTooManyPixelsError

SIZE = 80
DOWN, ACROSS = np.mgrid[0:SIZE, 0:SIZE] * 3
COLOURS = np.stack([ACROSS, DOWN, (ACROSS + DOWN) // 2], axis=-1).astype(np.uint8)
WHITE = 255
Levels = NDArray[np.int64]


def file_of(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(colour_type: int, depth: int, rows: NDArray[Any], *extra: bytes, size: int = SIZE) -> bytes:
    head = struct.pack(">IIBBBBB", size, size, depth, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", head), *extra, chunk(b"IDAT", body), chunk(b"IEND", b""))
    )


def sent(content: bytes) -> Levels:
    """What becomes of a picture, (height, width, 3); plain in every respect."""
    face = face_from_bytes(content, "me")
    assert face.content is not None
    with Image.open(io.BytesIO(face.content)) as picture:
        assert picture.mode == "RGB"
        assert "icc_profile" not in picture.info
        assert "transparency" not in picture.info
        return np.asarray(picture).astype(np.int64)


def on_white(colours: NDArray[Any], cover: NDArray[Any]) -> Levels:
    share = cover[..., None] / 255
    return np.rint(colours * share + WHITE * (1 - share)).astype(np.int64)


def grey(levels: NDArray[Any]) -> NDArray[Any]:
    return np.repeat(levels[..., None], 3, axis=-1)


GREY_16 = (ACROSS * 257).astype(">u2")
COLOURS_16 = (COLOURS.astype(np.uint16) * 257).astype(">u2")
COVER_16 = (DOWN * 257).astype(">u2")
WITH_COVER = Image.fromarray(np.dstack([COLOURS, DOWN.astype(np.uint8)]))
PALETTE = Image.fromarray(COLOURS).quantize(64)
PALETTE_COLOURS = np.asarray(PALETTE.convert("RGB"))

CASES: dict[str, tuple[bytes, NDArray[Any]]] = {
    "grey of 16 bits": (png(0, 16, GREY_16), grey(ACROSS)),
    "colours of 16 bits": (png(2, 16, COLOURS_16), COLOURS),
    "grey and cover of 16 bits": (png(4, 16, np.dstack([GREY_16, COVER_16])), on_white(grey(ACROSS), DOWN)),
    "colours and cover of 16 bits": (png(6, 16, np.dstack([COLOURS_16, COVER_16])), on_white(COLOURS, DOWN)),
    "one clear grey of 16 bits": (
        png(0, 16, GREY_16, chunk(b"tRNS", struct.pack(">H", 30 * 257))),
        on_white(grey(ACROSS), np.where(ACROSS == 30, 0, 255)),
    ),
    "one clear colour": (
        png(2, 8, COLOURS, chunk(b"tRNS", struct.pack(">HHH", 30, 60, 45))),
        on_white(COLOURS, np.where((COLOURS == (30, 60, 45)).all(axis=-1), 0, 255)),
    ),
    "grey TIFF of 16 bits": (file_of(Image.fromarray(GREY_16.astype("<u2")), "TIFF"), grey(ACROSS)),
    "TIFF of fractions": (file_of(Image.fromarray((ACROSS / 255).astype(np.float32)), "TIFF"), grey(ACROSS)),
    "TIFF of fractions brighter than white": (
        file_of(Image.fromarray((ACROSS / 80).astype(np.float32)), "TIFF"),
        grey(np.minimum(255, np.rint(ACROSS * 255 / 80))),
    ),
    "TIFF of floats": (file_of(Image.fromarray(ACROSS.astype(np.float32)), "TIFF"), grey(ACROSS)),
    "TIFF of integers": (file_of(Image.fromarray((ACROSS * 257).astype(np.int32)), "TIFF"), grey(ACROSS)),
    "transparent PNG": (file_of(WITH_COVER, "PNG"), on_white(COLOURS, DOWN)),
    "transparent WebP": (file_of(WITH_COVER, "WEBP", lossless=True, exact=True), on_white(COLOURS, DOWN)),
    "transparent grey": (
        file_of(Image.fromarray(np.dstack([ACROSS, DOWN]).astype(np.uint8)), "PNG"),
        on_white(grey(ACROSS), DOWN),
    ),
    "palette": (file_of(PALETTE, "PNG"), PALETTE_COLOURS),
    "palette with a clear colour": (
        file_of(PALETTE, "PNG", transparency=3),
        on_white(PALETTE_COLOURS, np.where(np.asarray(PALETTE) == 3, 0, 255)),
    ),
    "palette with covers": (
        file_of(PALETTE, "PNG", transparency=bytes(range(0, 256, 4))),
        on_white(PALETTE_COLOURS, np.asarray(PALETTE).astype(int) * 4),
    ),
    "GIF with a clear colour": (
        file_of(PALETTE, "GIF", transparency=3, optimize=False),
        on_white(PALETTE_COLOURS, np.where(np.asarray(PALETTE) == 3, 0, 255)),
    ),
    "one bit": (
        file_of(Image.fromarray(ACROSS > 120), "PNG"),
        grey(np.where(ACROSS > 120, 255, 0)),
    ),
    "CMYK TIFF": (
        file_of(Image.fromarray(COLOURS).convert("CMYK"), "TIFF"),
        COLOURS,
    ),
}


@pytest.mark.parametrize(("content", "expected"), CASES.values(), ids=CASES.keys())
def test_a_picture_is_sent_as_it_is_seen(content: bytes, expected: NDArray[Any]) -> None:
    assert np.abs(sent(content) - expected).max() <= 2


def test_an_inverted_cmyk_photo_is_not_a_negative() -> None:
    content = file_of(Image.fromarray(COLOURS).convert("CMYK"), "JPEG", quality=98)
    assert np.abs(sent(content) - COLOURS).mean() < 2


def profile_of(gamma: float, space: bytes = b"GRAY", connection: bytes = b"XYZ ") -> bytes:
    """A grey profile of that gamma: no library at hand makes one. Source: ICC.1:2022, sections 7 and 10.6."""
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63_190, 65_536, 54_061)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(81)
    tags = ((b"desc", name), (b"wtpt", white), (b"kTRC", curve))
    offset, table, body = 132 + 12 * len(tags), b"", b""
    for tag, data in tags:
        padded = data + bytes(-len(data) % 4)
        table += tag + struct.pack(">II", offset + len(body), len(data))
        body += padded
    head = struct.pack(">I4sI4s4s4s", offset + len(body), b"lcms", 0x02400000, b"mntr", space, connection)
    head += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">iii", 63_190, 65_536, 54_061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def srgb_of_light(light: NDArray[Any]) -> NDArray[Any]:
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(("kind", "levels"), [("PNG", 1), ("JPEG", 4)])
@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_a_grey_profile_is_obeyed_down_to_black(kind: str, levels: int, gamma: float) -> None:
    grey = Image.fromarray(ACROSS.astype(np.uint8))
    content = file_of(grey, kind, icc_profile=profile_of(gamma), quality=100)
    expected = srgb_of_light((ACROSS / 255) ** gamma)
    assert np.abs(sent(content)[..., 0] - expected).max() <= levels


def test_a_grey_profile_by_way_of_lab_is_passed_over_as_browsers_do() -> None:
    profile = profile_of(1.0, connection=b"Lab ")
    content = file_of(Image.fromarray(ACROSS.astype(np.uint8)), "PNG", icc_profile=profile)
    assert face_from_bytes(content).content == content


@pytest.mark.parametrize("gamma", [1.0, 0.55556])
def test_a_gamma_of_a_png_is_obeyed(gamma: float) -> None:
    content = png(2, 8, COLOURS, chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000))))
    assert np.abs(sent(content) - srgb_of_light((COLOURS / 255) ** (1 / gamma))).max() <= 1


def test_lab_is_seen_in_its_colours() -> None:
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    lab = ImageCms.applyTransform(Image.fromarray(COLOURS), to_lab)
    assert lab is not None
    assert np.abs(sent(file_of(lab, "TIFF")) - COLOURS).mean() < 3


def test_a_profile_of_the_screen_itself_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = file_of(Image.fromarray(COLOURS), "PNG", icc_profile=profile)
    assert face_from_bytes(content).content == content


@pytest.mark.parametrize(
    "profile", [b"nonsense", bytes(128), profile_of(1.8, b"RGB "), profile_of(2.2, b"CMYK")]
)
def test_a_profile_that_makes_no_sense_is_passed_over(profile: bytes) -> None:
    assert np.array_equal(
        sent(file_of(WITH_COVER, "PNG", icc_profile=profile)), sent(file_of(WITH_COVER, "PNG"))
    )


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_picture_is_sent(kind: str) -> None:
    frames = [Image.new("RGB", (SIZE, SIZE), colour) for colour in ("red", "blue")]
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    content = file_of(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)
    assert (sent(content) == (255, 0, 0)).all()


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photo_is_upright_whichever_way_the_camera_was_held(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    content = file_of(Image.fromarray(COLOURS), "JPEG", quality=98, subsampling=0, exif=exif)
    turned: Any = {
        1: lambda all_: all_,
        2: np.fliplr,
        3: lambda all_: np.rot90(all_, 2),
        4: np.flipud,
        5: lambda all_: all_.transpose(1, 0, 2),
        6: lambda all_: np.rot90(all_, 3),
        7: lambda all_: np.rot90(all_, 2).transpose(1, 0, 2),
        8: np.rot90,
    }[turn]
    assert np.abs(sent(content) - turned(COLOURS).astype(int)).max() <= 12


def test_a_large_picture_that_is_drawn_anew_is_made_smaller() -> None:
    wide = Image.new("RGBA", (6000, 100), (200, 100, 0, 255))
    assert sent(file_of(wide, "PNG")).shape == (34, 2048, 3)
    assert (sent(file_of(wide, "PNG")) == (200, 100, 0)).all()


def test_24_megapixels_are_a_face_and_more_are_none() -> None:
    photo = file_of(Image.new("RGB", (6000, 4000), "teal"), "JPEG")
    assert face_from_bytes(photo).content == photo
    with pytest.raises(FaceTooManyPixelsError) as caught:
        face_from_bytes(file_of(Image.new("RGB", (6000, 4001), "teal"), "JPEG"), "large.jpg")
    assert "large.jpg" in str(caught.value)
    assert "24 megapixels" in str(caught.value)


def hidden_in_an_icon(content: bytes) -> bytes:
    """An icon that says 64 × 64 and holds a picture of another size."""
    entry = struct.pack("<BBBBHHII", 64, 64, 0, 0, 1, 32, len(content), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + content


def blank_png(edge: int) -> bytes:
    """Some kilobytes that unpack to ``edge`` times ``edge`` pixels."""
    head = struct.pack(">IIBBBBB", edge, edge, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes((edge // 8 + 1) * edge), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("edge", [5_000, 11_400, 23_000])
@pytest.mark.parametrize("wrap", [bytes, hidden_in_an_icon], ids=["bare", "in an icon"])
def test_a_small_file_of_a_huge_picture_is_refused(edge: int, wrap: Callable[[bytes], bytes]) -> None:
    with pytest.raises(FaceTooLargeError):
        face_from_bytes(wrap(blank_png(edge)), "bomb.png")
