"""Both painters on a real X screen: the same pixels, whatever comes. OpenGL is Mesa's software one here."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_desktop.media.frames import ColourMatrix
from atlas_desktop.media.picture import colour_matrix
from atlas_desktop.video.gl_driver import is_software
from tests.bench.versus import patches
from tests.desk.display import display

MOST_APART = 2
Seen = dict[str, NDArray[np.uint8]]
RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (191, 191, 191)


def shown(by_gl: bool, scale: str = "1", only: Sequence[str] = (), fails: bool = False) -> tuple[Seen, Any]:
    """What a screen of its own shows of the scenes, and what the program says."""
    with TemporaryDirectory(prefix="painters-") as name:
        folder = Path(name)
        out = folder / "seen.npz"
        # So large that the pointer, in its middle, is beside the window.
        with display(os.environ, 2000, 1700, pixels=folder) as env:
            order = {"xwd": str(folder / "Xvfb_screen0"), "out": str(out), "by_gl": by_gl, "fails": fails}
            if only:
                order["only"] = list(only)
            done = subprocess.run(
                [sys.executable, "-m", "tests.desk.scenes", json.dumps(order)],
                env={**env, "QT_SCALE_FACTOR": scale, "LIBGL_ALWAYS_SOFTWARE": "1"},
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        with np.load(out) as found:
            return {key: found[key] for key in found.files}, json.loads(done.stdout)


@pytest.fixture(scope="module")
def raster() -> Seen:
    return shown(by_gl=False)[0]


@pytest.fixture(scope="module")
def by_gl() -> Seen:
    return shown(by_gl=True, fails=True)[0]


@pytest.fixture(params=["raster", "by_gl"])
def seen(request: pytest.FixtureRequest) -> Seen:
    found: Seen = request.getfixturevalue(request.param)
    return found


def quarters(picture: NDArray[np.uint8]) -> list[tuple[int, ...]]:
    """The colours of the picture's quarters: top left, top right, bottom right, bottom left."""
    is_bar = (picture == (0x20, 0x30, 0x40)).all(axis=2)
    rows, columns = np.flatnonzero(~is_bar.all(axis=1)), np.flatnonzero(~is_bar.all(axis=0))
    top, left, high, wide = rows[0], columns[0], len(rows), len(columns)
    places = ((1, 1), (1, 3), (3, 3), (3, 1))
    return [tuple(map(int, picture[top + high * y // 4, left + wide * x // 4])) for y, x in places]


def as_bt709(rgb: tuple[int, ...]) -> tuple[int, ...]:
    """How a colour looks that was made as BT.601 and is read as BT.709."""
    coded = np.linalg.inv(colour_matrix(ColourMatrix.BT601)) @ [*(part / 255 for part in rgb), 1]
    coded[:3] = np.round(coded[:3] * 255) / 255
    red, green, blue = np.clip((colour_matrix(ColourMatrix.BT709) @ coded)[:3] * 255, 0, 255)
    return round(red), round(green), round(blue)


def is_near(found: list[tuple[int, ...]], wanted: Sequence[tuple[int, ...]], most: int) -> bool:
    return bool(np.abs(np.subtract(found, wanted)).max() <= most)


@pytest.mark.parametrize("name", ["chart", "chart again"])
def test_both_show_the_same_colours(raster: Seen, by_gl: Seen, name: str) -> None:
    one, other = patches.found(raster[name]), patches.found(by_gl[name])
    assert one is not None
    assert other is not None
    for colour in patches.COLOURS:
        assert is_near([one[colour]], [other[colour]], MOST_APART), colour
        # Nothing was encoded in between.
        assert is_near([other[colour]], [patches.COLOURS[colour]], MOST_APART), colour


def test_the_matrix_of_the_stream_is_honoured(raster: Seen, by_gl: Seen) -> None:
    wanted = [as_bt709(colour) for colour in patches.COLOURS.values()]
    assert np.abs(np.subtract(wanted, list(patches.COLOURS.values()))).max() > 15
    # FFmpeg's conversion rounds down, part by part.
    for shot, most in ((raster["BT.709"], MOST_APART + 1), (by_gl["BT.709"], 1)):
        found = patches.found(shot)
        assert found is not None
        assert is_near(list(found.values()), wanted, most)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("odd 0", (RED, GREEN, BLUE, GREY)),
        ("odd 90", (GREY, RED, GREEN, BLUE)),
        ("odd 180", (BLUE, GREY, RED, GREEN)),
        ("odd 270", (GREEN, BLUE, GREY, RED)),
        ("wide", (RED, GREEN, BLUE, GREY)),
        ("wide on its side", (GREY, RED, GREEN, BLUE)),
        ("other window", (RED, GREEN, BLUE, GREY)),
        ("8K", (RED, GREEN, BLUE, GREY)),
    ],
)
def test_odd_sizes_turns_and_changes_of_size(
    seen: Seen, name: str, wanted: tuple[tuple[int, ...], ...]
) -> None:
    assert is_near(quarters(seen[name]), wanted, 4)


def test_the_picture_lies_at_the_same_place(raster: Seen, by_gl: Seen) -> None:
    for name, picture in raster.items():
        bars = [(shot[..., 0] == 0x20) & (shot[..., 2] == 0x40) for shot in (picture, by_gl[name])]
        assert (bars[0] != bars[1]).mean() < 0.001, name


def test_one_pixel_is_no_picture(seen: Seen) -> None:
    assert (seen["one pixel"] == seen["wide on its side"]).all()


def test_a_frame_of_the_screens_own_size_is_not_scaled(seen: Seen) -> None:
    assert_sharp(seen["stripes"])


@pytest.mark.parametrize("by_gl", [False, True], ids=["raster", "gl"])
@pytest.mark.parametrize("scale", ["1.5", "2"])
def test_one_conversion_to_the_pixels_of_the_screen(by_gl: bool, scale: str) -> None:
    seen, report = shown(by_gl, scale, only=["chart", "stripes"])
    assert report["ratio"] == float(scale)
    assert seen["stripes"].shape[0] == round(400 * float(scale))
    assert_sharp(seen["stripes"])


def assert_sharp(stripes: NDArray[np.uint8]) -> None:
    assert stripes[:, ::2].max() <= 1
    assert stripes[:, 1::2].min() >= 253


def test_when_opengl_gives_up_the_picture_goes_on(raster: Seen, by_gl: Seen) -> None:
    assert (by_gl["wide, without"] == raster["wide"]).all()


def test_mesas_software_renderer_is_recognized() -> None:
    program = (
        "from PySide6.QtGui import QGuiApplication; from atlas_desktop.video.renderer import probe_driver; "
        "application = QGuiApplication([]); print(probe_driver())"
    )
    with display(os.environ) as env:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**env, "LIBGL_ALWAYS_SOFTWARE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert "llvmpipe" in done.stdout
    assert is_software(done.stdout)
