import av
import numpy as np
import pytest

from atlas_desktop.media.container import LARGEST_MB, limit_allocations
from atlas_desktop.media.frames import i420_size


def test_ffmpeg_does_not_allocate_more_than_the_limit_at_once() -> None:
    assert limit_allocations()
    edge = 8192
    assert edge * edge * 4 > LARGEST_MB << 20
    with pytest.raises((MemoryError, av.error.FFmpegError)):
        av.VideoFrame(edge, edge, "bgra")


def test_the_largest_screen_is_within_the_limit() -> None:
    assert limit_allocations()
    picture = np.zeros(i420_size(7680, 4320), np.uint8).reshape(-1, 7680)
    assert av.VideoFrame.from_ndarray(picture, "yuv420p").reformat(format="bgra").width == 7680
