import io
import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from atlas_desktop.api.face_file import face_from_bytes, face_from_url, load_face
from atlas_desktop.errors import (
    FaceNotImageError,
    FaceTooLargeError,
    FaceTooSmallError,
    InsecureAddressError,
    MissingFileError,
)
from tests.unit.local_atlas.toys import picture


@pytest.mark.parametrize(
    ("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
def test_what_atlas_takes_is_sent_as_it_is(tmp_path: Path, kind: str, media_type: str) -> None:
    path = tmp_path / "me at home.img"
    path.write_bytes(picture(kind=kind))
    face = load_face(path)
    assert face.content == path.read_bytes()
    assert (face.name, face.media_type, face.url) == ("me at home.img", media_type, None)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "AVIF", "ICO"])
def test_other_pictures_become_png(kind: str) -> None:
    face = face_from_bytes(picture(64, 64, kind), "old." + kind.lower())
    assert face.media_type == "image/png"
    assert face.content is not None
    with Image.open(io.BytesIO(face.content)) as converted:
        assert (converted.format, converted.size) == ("PNG", (64, 64))


def test_a_phone_s_double_jpeg_is_sent_as_it_is() -> None:
    out = io.BytesIO()
    Image.new("RGB", (70, 70)).save(out, "MPO", save_all=True, append_images=[Image.new("RGB", (70, 70))])
    face = face_from_bytes(out.getvalue())
    assert (face.content, face.media_type) == (out.getvalue(), "image/jpeg")


def test_an_animation_becomes_its_first_picture() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (70, 70), colour) for colour in ("red", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    face = face_from_bytes(out.getvalue())
    assert face.content is not None
    with Image.open(io.BytesIO(face.content)) as still:
        assert still.format == "PNG"
        assert still.getpixel((5, 5)) == (255, 0, 0)


def test_a_sideways_photo_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    face = face_from_bytes(picture(100, 80, "JPEG", exif=exif))
    assert face.content is not None
    assert face.media_type == "image/jpeg"
    with Image.open(io.BytesIO(face.content)) as upright:
        assert upright.size == (80, 100)
        assert upright.getexif().get(0x0112) in (None, 1)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (63, 200), (200, 63)])
def test_a_face_has_at_least_64_pixels(width: int, height: int) -> None:
    with pytest.raises(FaceTooSmallError) as caught:
        face_from_bytes(picture(width, height), "tiny.png")
    assert f"{width}×{height}" in str(caught.value)
    assert face_from_bytes(picture(64, 64)).content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just some text, renamed\n" * 50,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
        picture()[:100],
        picture(300, 300)[:-200],
        picture(kind="JPEG")[:400],
        picture(kind="WEBP")[:60],
        picture(kind="GIF")[:40],
        picture(kind="AVIF")[:-100] + bytes(100),
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 200,
    ],
)
def test_what_is_no_picture_is_named(content: bytes) -> None:
    with pytest.raises(FaceNotImageError) as caught:
        face_from_bytes(content, "notes.png")
    assert "notes.png is not a picture" in str(caught.value)


def test_a_picture_with_a_long_history_in_it_is_a_picture() -> None:
    history = PngImagePlugin.PngInfo()
    history.add_text("history", "brush " * 1_000_000, zip=True)
    out = io.BytesIO()
    Image.new("RGB", (80, 80), "red").save(out, "PNG", pnginfo=history)
    assert face_from_bytes(out.getvalue()).content == out.getvalue()


def test_scans_of_what_lies_behind_a_photo_are_not_its_own() -> None:
    """Phones put a film behind it, in which every sign of two bytes comes now and then."""
    photo = picture(kind="JPEG")
    assert face_from_bytes(photo + b"\xff\xda" * 10_000).content is not None


def test_a_photo_of_very_many_scans_is_refused() -> None:
    out = io.BytesIO()
    Image.linear_gradient("L").save(out, "JPEG", progressive=True)
    content = out.getvalue()
    last = content.rindex(b"\xff\xda")
    for count, taken in ((50, True), (200, False)):
        many = content[:-2] + content[last:-2] * count + content[-2:]
        if taken:
            assert face_from_bytes(many).content == many
        else:
            with pytest.raises(FaceNotImageError):
                face_from_bytes(many)


@pytest.mark.parametrize("segment", [b"\xff\xe1\0\x02", b"\xff\xfe\0\x05abc", b"\xff\xe1\0\x08Exif\0\0"])
def test_a_photo_of_very_many_parts_is_refused(segment: bytes) -> None:
    photo = picture(kind="JPEG")
    assert face_from_bytes(photo[:2] + segment * 50 + photo[2:]).content is not None
    with pytest.raises(FaceNotImageError):
        face_from_bytes(photo[:2] + segment * 100_000 + photo[2:])


def test_a_png_of_very_many_parts_is_refused() -> None:
    chunk = struct.pack(">I", 0) + b"teSt" + struct.pack(">I", zlib.crc32(b"teSt"))
    content = picture(kind="PNG")
    assert face_from_bytes(content[:33] + chunk * 1000 + content[33:]).content is not None
    with pytest.raises(FaceNotImageError):
        face_from_bytes(content[:33] + chunk * 1_000_000 + content[33:])


def test_more_than_20_mb_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(31_000_000)
    with pytest.raises(FaceTooLargeError) as caught:
        load_face(path)
    assert "31 MB" in str(caught.value)


@pytest.mark.parametrize("edge", [9_000, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_unopened(edge: int) -> None:
    head = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    with pytest.raises((FaceTooLargeError, FaceNotImageError)):
        face_from_bytes(bomb, "bomb.png")


def test_a_file_that_is_gone_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        load_face(tmp_path / "gone.png")
    with pytest.raises(FaceNotImageError):
        load_face(tmp_path)


def test_a_pipe_is_named_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(FaceNotImageError):
        load_face(tmp_path / "pipe.png")


def test_a_face_may_be_an_https_address() -> None:
    face = face_from_url(" https://pictures.example/faces/anna.jpg?size=2 ")
    assert (face.name, face.content) == ("anna.jpg", None)
    assert face.url == "https://pictures.example/faces/anna.jpg?size=2"
    assert face_from_url("https://pictures.example").name == "pictures.example"
    with pytest.raises(InsecureAddressError):
        face_from_url("http://pictures.example/anna.jpg")


def test_a_pipe_or_a_device_is_no_picture_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name in ("pipe.png", "zero.png"):
        with pytest.raises(FaceNotImageError, match=rf"{name} is not a picture"):
            load_face(tmp_path / name)


def test_the_name_of_a_face_can_be_sent_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9\n.png"
    Image.new("RGB", (80, 80)).save(path, "PNG")
    assert load_face(path).name == "caf\ufffd .png"
