import numpy as np
from av import VideoFrame

from tests.bench.versus import patches


def test_what_is_drawn_is_found_again_wherever_it_lies() -> None:
    drawn = VideoFrame.from_ndarray(patches.drawn(512, 384), format="yuv420p")
    picture = drawn.reformat(format="rgb24", src_colorspace="ITU601").to_ndarray()
    screen = np.zeros((600, 800, 3), np.uint8)
    screen[50 : 50 + 384, 100 : 100 + 512] = picture
    # What lies on the upper edge hides no patch.
    screen[40:80, 110:300] = 30
    found = patches.found(screen)
    assert found is not None
    for name, colour in patches.COLOURS.items():
        assert np.abs(np.subtract(found[name], colour)).max() <= 4, name


def test_a_screen_without_it_says_so() -> None:
    assert patches.found(np.zeros((600, 800, 3), np.uint8)) is None
