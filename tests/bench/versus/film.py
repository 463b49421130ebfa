"""The moving picture behind the bar code: one of our drawn faces, talking and swaying, made beforehand."""

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from atlas_desktop.local_atlas.avatar.avatar import Avatar
from atlas_desktop.local_atlas.interfaces import AUDIO_BLOCK_SAMPLES, SAMPLE_RATE_HZ, I420Frame
from tests.bench.versus.stream import Stream

_MEMORY_BYTES = 150_000_000
_MOST_PICTURES = 100
_GRAIN_LEVELS = 3


class Film:
    """Pictures in the size of a stream, shown forwards and backwards again without a jump."""

    def __init__(self, stream: Stream) -> None:
        size = stream.width_px * stream.height_px * 3 // 2
        many = min(_MOST_PICTURES, _MEMORY_BYTES // size)
        grain = _grain(stream)
        self._pictures = [_framed(face, stream, grain) for face in _faces(many)]
        self._out = np.empty_like(self._pictures[0])

    def picture(self, index: int) -> I420Frame:
        """A copy of the picture for frame ``index``, good until the next call."""
        last = len(self._pictures) - 1
        place = index % (2 * last)
        np.copyto(self._out, self._pictures[min(place, 2 * last - place)])
        return self._out


def _faces(many: int) -> list[I420Frame]:
    avatar = Avatar(None, "passthrough", seed=1)
    ticks = np.arange(AUDIO_BLOCK_SAMPLES)
    rng = np.random.default_rng(1)
    made = []
    for index in range(many):
        for half in range(2):
            at = (2 * index + half) * AUDIO_BLOCK_SAMPLES + ticks
            syllables = np.clip(np.sin(2 * np.pi * 3.1 * at / SAMPLE_RATE_HZ), 0, 1)
            voice = 9_000 * syllables * np.sign(np.sin(2 * np.pi * 190 * at / SAMPLE_RATE_HZ))
            avatar.push_audio((voice + rng.normal(0, 300, len(at))).astype(np.int16))
            avatar.audio_block(2 * index + half)
        made.append(avatar.video_frame(index).copy())
    return made


def _framed(face: I420Frame, stream: Stream, grain: NDArray[np.int16]) -> I420Frame:
    """The face as high as the stream's picture, its own sides stretched to the left and right of it."""
    frame = VideoFrame.from_ndarray(face, format="yuv420p")
    wide = _scaled(frame, stream.width_px, stream.height_px)
    if stream.width_px != stream.height_px:
        _put_in_middle(_scaled(frame, stream.height_px, stream.height_px), wide)
    luma = wide[: stream.height_px]
    luma[:] = np.clip(luma + grain, 16, 235).astype(np.uint8)
    return wide


def _scaled(frame: VideoFrame, width_px: int, height_px: int) -> I420Frame:
    return frame.reformat(width_px, height_px).to_ndarray().astype(np.uint8)


def _put_in_middle(square: I420Frame, wide: I420Frame) -> None:
    height, width = square.shape[1], wide.shape[1]
    left = (width - height) // 4 * 2
    wide[:height, left : left + height] = square[:height]
    inner = square[height:].reshape(2, height // 2, height // 2)
    wide[height:].reshape(2, height // 2, width // 2)[:, :, left // 2 : (left + height) // 2] = inner


def _grain(stream: Stream) -> NDArray[np.int16]:
    """A camera's still grain: a drawn face by itself is too smooth to cost what a filmed one costs."""
    rng = np.random.default_rng(2)
    found: NDArray[np.int16] = rng.integers(
        -_GRAIN_LEVELS, _GRAIN_LEVELS + 1, (stream.height_px, stream.width_px), np.int16
    )
    return found
