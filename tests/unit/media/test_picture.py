import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_desktop.media.frames import ColourMatrix, I420Frame, i420_size
from atlas_desktop.media.picture import PictureScaler, Placement, colour_matrix, fit, upright_size

# Limited-range BT.601 (Y, U, V) and the colours they stand for (R, G, B).
COLOURS = {
    "black": ((16, 128, 128), (0, 0, 0)),
    "white": ((235, 128, 128), (255, 255, 255)),
    "red": ((81, 90, 240), (255, 0, 0)),
    "green": ((145, 54, 34), (0, 255, 0)),
    "blue": ((41, 240, 110), (0, 0, 255)),
}


def solid(width: int, height: int, colour: str = "red") -> I420Frame:
    luma, u, v = COLOURS[colour][0]
    chroma = ((width + 1) // 2) * ((height + 1) // 2)
    parts = [np.full(width * height, luma), np.full(chroma, u), np.full(chroma, v)]
    return I420Frame(np.concatenate(parts).astype(np.uint8), width, height)


def corner_marked(width: int, height: int, rotation_deg: int) -> I420Frame:
    """Black, with its top left quarter white."""
    luma = np.full((height, width), 16, np.uint8)
    luma[: height // 2, : width // 2] = 235
    chroma = np.full(i420_size(width, height) - width * height, 128, np.uint8)
    return I420Frame(np.concatenate([luma.ravel(), chroma]), width, height, rotation_deg=rotation_deg)


def quarters(pixels: NDArray[np.uint8], width: int) -> list[bool]:
    """Whether the quarters are bright: top left, top right, bottom right, bottom left."""
    height = len(pixels)
    rows, columns = (height // 4, height * 3 // 4), (width // 4, width * 3 // 4)
    places = [(rows[0], columns[0]), (rows[0], columns[1]), (rows[1], columns[1]), (rows[1], columns[0])]
    return [bool(pixels[row, column, 0] > 128) for row, column in places]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(("width", "height"), [(64, 64), (65, 63), (63, 64), (8, 8), (9, 200)])
def test_colours_are_read_as_limited_bt601(colour: str, width: int, height: int) -> None:
    pixels = PictureScaler().scale(solid(width, height, colour), 90, 70)
    red, green, blue = COLOURS[colour][1]
    assert pixels.shape[0] == 70
    wanted = np.array([blue, green, red, 255])
    assert np.abs(pixels[:, :90].astype(int) - wanted).max() <= 4


@pytest.mark.parametrize("width", [1, 33, 768, 1001])
def test_any_width_is_whole_rows_of_aligned_memory(width: int) -> None:
    pixels = PictureScaler().scale(solid(64, 64), width, 40)
    assert pixels.shape[1] >= width
    assert pixels.strides[0] % 4 == 0
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("rotation_deg", "bright"),
    [(0, "top left"), (90, "top right"), (180, "bottom right"), (270, "bottom left")],
)
def test_a_turned_frame_is_made_upright(rotation_deg: int, bright: str) -> None:
    frame = corner_marked(64, 32, rotation_deg)
    width, height = upright_size(frame)
    assert (width, height) == ((64, 32) if rotation_deg % 180 == 0 else (32, 64))
    found = quarters(PictureScaler().scale(frame, width * 2, height * 2), width * 2)
    assert found == [place == bright for place in ("top left", "top right", "bottom right", "bottom left")]


def test_an_earlier_picture_is_not_touched_by_the_next() -> None:
    scaler = PictureScaler()
    white = scaler.scale(solid(64, 64, "white"), 64, 64)
    scaler.scale(solid(64, 64, "black"), 64, 64)
    assert white[:, :64].min() > 250


def test_read_only_memory_is_enough() -> None:
    frame = solid(64, 64)
    data = frame.planes().copy().ravel()
    data.flags.writeable = False
    assert PictureScaler().scale(I420Frame(data, 64, 64), 32, 32)[5, 5, 2] > 250


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="0×5"):
        PictureScaler().scale(solid(64, 64), 0, 5)
    with pytest.raises(ValueError, match="2×2"):
        PictureScaler().scale(solid(2, 2), 64, 64)


@pytest.mark.parametrize(
    ("picture", "space", "place"),
    [
        ((512, 512), (768, 768), Placement(0, 0, 768, 768)),
        ((512, 512), (1024, 768), Placement(128, 0, 768, 768)),
        ((512, 768), (768, 768), Placement(128, 0, 512, 768)),
        ((1280, 720), (640, 640), Placement(0, 140, 640, 360)),
        ((1000, 1), (10, 10), Placement(0, 4, 10, 1)),
        ((0, 5), (10, 10), Placement(0, 0, 0, 0)),
        ((5, 5), (0, 10), Placement(0, 0, 0, 0)),
    ],
)
def test_the_aspect_is_kept_and_the_picture_centred(
    picture: tuple[int, int], space: tuple[int, int], place: Placement
) -> None:
    assert fit(*picture, *space) == place


@pytest.mark.parametrize("colour", COLOURS)
def test_the_matrix_of_the_graphics_card_is_the_same(colour: str) -> None:
    sent, shown = COLOURS[colour]
    found = colour_matrix(ColourMatrix.BT601) @ np.array([*(part / 255 for part in sent), 1])
    assert np.abs(found * 255 - (*shown, 255)).max() < 2.5


@pytest.mark.parametrize("matrix", ColourMatrix)
def test_each_matrix_is_read_in_its_own_way(matrix: ColourMatrix) -> None:
    frame = solid(64, 64)
    # A dark green, in the middle of what can be shown, for both.
    for plane, level in ((frame.y, 100), (frame.u, 110), (frame.v, 100)):
        plane[:] = level
    frame.matrix = matrix
    wanted = (colour_matrix(matrix) @ np.array([100 / 255, 110 / 255, 100 / 255, 1]))[:3] * 255
    found = PictureScaler().scale(frame, 64, 64)[32, 32, 2::-1]
    assert np.abs(found.astype(int) - wanted).max() <= 3


@pytest.mark.parametrize(
    ("mime_type", "matrix"),
    [
        ("video/VP8", ColourMatrix.BT601),
        ("video/vp8", ColourMatrix.BT601),
        ("", ColourMatrix.BT601),
        ("video/H264", ColourMatrix.BT709),
        ("video/AV1", ColourMatrix.BT709),
    ],
)
def test_what_is_not_said_is_taken_as_a_browser_takes_it(mime_type: str, matrix: ColourMatrix) -> None:
    assert ColourMatrix.of_codec(mime_type) is matrix
