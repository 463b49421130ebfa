"""A face from a photograph: detected, cropped, and given a mouth that opens between its own lips."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from atlas_desktop.assets import default_faces
from atlas_desktop.local_atlas.avatar.face_detection import DetectedFace, detect_face, detect_lips
from atlas_desktop.local_atlas.avatar.face_model import FINE_PX, FaceModel
from atlas_desktop.local_atlas.avatar.portrait import load_portrait
from atlas_desktop.local_atlas.avatar.visemes import MouthShape

ADA_EYES = (256, 231)
ADA_MOUTH = (256, 328)


def encoded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def ada() -> Image.Image:
    with Image.open(default_faces()[0]) as picture:
        return picture.convert("RGB")


@pytest.fixture(scope="module")
def model(ada: Image.Image) -> FaceModel:
    return load_portrait(encoded(ada))


def test_a_face_is_found(ada: Image.Image) -> None:
    face = detect_face(ada)
    assert face is not None
    assert face.x == pytest.approx(ADA_EYES[0], abs=15)
    assert face.y == pytest.approx(ADA_EYES[1], abs=35)
    assert face.eyes_px == pytest.approx(104, abs=20)


def test_no_face_is_found_where_there_is_none() -> None:
    assert detect_face(Image.new("RGB", (300, 200), (90, 120, 80))) is None
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    assert detect_face(Image.fromarray(noise)) is None
    assert detect_face(Image.new("RGB", (2000, 10))) is None


@pytest.mark.parametrize("skin", [(226, 180, 150), (120, 76, 52)])
def test_the_line_between_closed_lips_is_found(skin: tuple[int, int, int]) -> None:
    picture = Image.new("RGB", (512, 512), skin)
    draw = ImageDraw.Draw(picture)
    lip = (min(255, skin[0] + 8), int(skin[1] * 0.62), int(skin[2] * 0.85))
    draw.ellipse((210, 312, 302, 344), fill=lip)
    draw.line((212, 326, 300, 326), fill=(int(skin[0] * 0.4), 20, 24), width=3)
    lips = detect_lips(picture, DetectedFace(256, 230, 100))
    assert lips.y == pytest.approx(326, abs=3)
    assert lips.x == pytest.approx(256, abs=4)
    assert abs(lips.slope) < 0.05


def test_a_mouth_opens_at_the_lips_and_nowhere_else(model: FaceModel) -> None:
    assert model.sprites is not None
    assert model.landmarks.mouth[0] == pytest.approx(ADA_MOUTH[0], abs=10)
    assert model.landmarks.mouth[1] == pytest.approx(ADA_MOUTH[1], abs=14)
    shut, ajar = model.sprites.mouth(MouthShape(), 0.4), model.sprites.mouth(MouthShape(1.0), 0.4)
    changed = np.abs(shut.planes.luma.astype(int) - ajar.planes.luma) > 40
    rows, columns = np.nonzero(changed)
    assert changed.mean() > 0.02
    middle_px = (shut.left + columns.mean()) / 4, (shut.top + rows.mean()) / 4
    assert middle_px[0] == pytest.approx(ADA_MOUTH[0], abs=12)
    assert ADA_MOUTH[1] - 15 < middle_px[1] < ADA_MOUTH[1] + 40


def test_the_mouth_has_no_edge_in_any_shape(model: FaceModel) -> None:
    assert model.sprites is not None
    for opening in (0.0, 0.4, 1.0):
        for spread in (-1.0, 0.0, 1.0):
            patch = model.sprites.mouth(MouthShape(opening, spread), 0.0)
            height, width = patch.planes.luma.shape
            assert patch.left + width <= FINE_PX
            assert patch.top + height <= FINE_PX
            under = model.planes.luma[patch.top : patch.top + height, patch.left : patch.left + width]
            difference = np.abs(under.astype(int) - patch.planes.luma)
            # Enlarging the whole and a part of it rounds differently.
            for rim in (difference[:4], difference[-4:], difference[:, :4], difference[:, -4:]):
                assert rim.mean() < 3
    assert model.sprites.eyes(1.0, (0, 0)) is None


def test_at_least_six_shapes(model: FaceModel) -> None:
    assert model.sprites is not None
    asked = [(0, 0), (0.2, 0), (0.2, 1), (0.3, -1), (0.6, 0), (0.6, -1), (1, 0), (1, 1)]
    assert len({id(model.sprites.mouth(MouthShape(o, s), 0.0)) for o, s in asked}) == len(asked)


def wide(ada: Image.Image) -> bytes:
    picture = Image.new("RGB", (1001, 333), (40, 80, 120))
    picture.paste(ada.resize((333, 333)), (600, 0))
    return encoded(picture, "WEBP")


def see_through(ada: Image.Image) -> bytes:
    picture = ada.convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(ada.size))
    return encoded(picture, "PNG")


def turned(ada: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(ada.rotate(90, expand=True), exif=exif)


def deep(ada: Image.Image) -> bytes:
    return encoded(Image.fromarray(np.asarray(ada.convert("L")).astype(np.uint16) * 257), "PNG")


STRANGE: dict[str, Callable[[Image.Image], bytes]] = {
    "wide": wide,
    "tiny": lambda ada: encoded(ada.resize((64, 64)), "PNG"),
    "see-through": see_through,
    "palette": lambda ada: encoded(ada.quantize(32), "PNG"),
    "sixteen bits": deep,
    "cmyk": lambda ada: encoded(ada.convert("CMYK")),
    "turned": turned,
    "plain": lambda ada: encoded(Image.new("RGB", (70, 900), (200, 30, 30))),
}
MAY_BE_STIFF = ("tiny", "see-through", "sixteen bits", "plain")


@pytest.mark.parametrize("name", STRANGE)
def test_any_picture_can_be_worn(name: str, ada: Image.Image) -> None:
    model = load_portrait(STRANGE[name](ada))
    assert model.planes.luma.shape == (FINE_PX, FINE_PX)
    assert model.planes.blue.shape == model.planes.red.shape == (FINE_PX // 2, FINE_PX // 2)
    assert model.sprites is not None or name in MAY_BE_STIFF
    assert model.jaw_px > 0
    assert 40 < model.planes.luma.mean() < 200


def test_a_small_face_is_shown_larger(ada: Image.Image) -> None:
    far = Image.new("RGB", (1600, 1200), (90, 110, 130))
    far.paste(ada.resize((420, 420)), (900, 500))
    model = load_portrait(encoded(far))
    assert model.sprites is not None
    assert model.landmarks.scale >= 0.49


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n broken"])
def test_a_broken_picture_is_refused(content: bytes) -> None:
    with pytest.raises((OSError, ValueError, SyntaxError)):
        load_portrait(content)
