"""Frame numbers survive encoding, decoding and scaling; what is no bar code is none."""

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_desktop.local_atlas.rooms.encoders import VideoEncoder
from tests.bench.versus import bar_code
from tests.bench.versus.stream import Stream


def background(stream: Stream) -> NDArray[np.uint8]:
    """A busy picture, I420, without a bar code."""
    rng = np.random.default_rng(3)
    small = rng.integers(40, 210, (stream.height_px * 3 // 2 // 8, stream.width_px // 8), np.uint8)
    picture = np.kron(small, np.ones((8, 8), np.uint8))
    # Colours as faces have them: none of them is like the marks.
    picture[stream.height_px :] = picture[stream.height_px :] // 6 + 108
    return picture


def on_screen(picture: av.VideoFrame, width: int, height: int, at: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture in a window on a dark screen of 1024×768."""
    screen = np.full((768, 1024, 3), 12, np.uint8)
    shown = picture.reformat(width, height, "rgb24").to_ndarray()
    screen[at[1] : at[1] + height, at[0] : at[0] + width] = shown
    return screen


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@pytest.mark.parametrize(("form", "shown"), [("512@25", (648, 648)), ("1280x720@30", (704, 396))])
def test_numbers_are_read_off_a_screen(codec: str, form: str, shown: tuple[int, int]) -> None:
    stream = Stream.parse(form)
    encoder = VideoEncoder(codec, stream.form())
    decoder = av.CodecContext.create("vp8" if codec == "VP8" else "h264", "r")
    numbers, found = [7, 1024, 2047, 2048, 5555], []
    for index, number in enumerate(numbers):
        drawn = background(stream)
        bar_code.draw(drawn, number)
        for packet in encoder.encode(drawn, index, index == 0):
            for frame in decoder.decode(packet):
                assert isinstance(frame, av.VideoFrame)
                screen = on_screen(frame, *shown, (30, 40))
                place = bar_code.find(screen)
                assert place is not None
                assert place.width == pytest.approx(shown[0], abs=4)
                found.append(bar_code.read(screen, place))
    assert found == [number % bar_code.PERIOD for number in numbers]


def test_no_bar_code_is_found_where_none_is() -> None:
    assert bar_code.find(np.random.default_rng(4).integers(0, 255, (768, 1024, 3), np.uint8)) is None
    assert bar_code.find(np.zeros((768, 1024, 3), np.uint8)) is None


def test_every_number_is_read_as_itself() -> None:
    assert all(bar_code.number_in(bar_code.cells_of(number)) == number for number in range(bar_code.PERIOD))


def test_a_picture_half_painted_is_hardly_ever_read_as_another() -> None:
    mistaken = 0
    for number in range(1, bar_code.PERIOD):
        for edge in range(1, bar_code.CELLS):
            mixed = bar_code.cells_of(number)
            mixed[edge:] = bar_code.cells_of(number - 1)[edge:]
            mistaken += bar_code.number_in(mixed) not in (None, number, number - 1)
    assert mistaken < 0.02 * bar_code.PERIOD * bar_code.CELLS


@pytest.mark.parametrize(
    ("low", "newest", "whole"), [(5, 4, 5), (2047, 2048, 2047), (1, 2050, 2049), (3, 9000, 8195)]
)
def test_a_number_is_made_whole(low: int, newest: int, whole: int) -> None:
    assert bar_code.made_whole(low, newest) == whole
