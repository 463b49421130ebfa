"""Frames of any length as mono 48 kHz."""

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_desktop.media.conversion import MonoConverter

RATE_HZ = 48_000


def frames(sound: NDArray[np.int16], samples: int, form: str, layout: str) -> list[av.AudioFrame]:
    """``sound``, (channels, n), in frames of so many samples."""
    made = []
    for start in range(0, sound.shape[1], samples):
        piece = sound[:, start : start + samples]
        content = piece if form.endswith("p") else piece.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(content), form, layout)
        frame.sample_rate = RATE_HZ
        made.append(frame)
    return made


def converted(given: list[av.AudioFrame]) -> NDArray[np.float32]:
    converter = MonoConverter()
    parts = [part for frame in given for part in converter.convert(frame)] + list(converter.flush())
    assert all(part is not None for part in parts)
    return np.concatenate([part for part in parts if part is not None])


@pytest.mark.parametrize(
    ("form", "layout", "channels"), [("s16", "mono", 1), ("s16", "stereo", 2), ("s16p", "stereo", 2)]
)
@pytest.mark.parametrize("samples", [1, 7, 31, 32, 500])
def test_how_sound_is_cut_into_frames_is_not_heard(
    form: str, layout: str, channels: int, samples: int
) -> None:
    sound = np.random.default_rng(5).integers(-9000, 9000, (channels, 3001)).astype(np.int16)
    whole = converted(frames(sound, 3001, form, layout))
    assert len(whole) == 3001
    assert np.abs(converted(frames(sound, samples, form, layout)) - whole).max() < 1e-6


def test_short_frames_of_another_kind_keep_their_place() -> None:
    one = np.full((1, 100), 8000, np.int16)
    two = np.full((1, 100), -8000, np.int16)
    given = frames(one, 10, "s16", "mono") + frames(two, 10, "s16p", "mono") + frames(one, 50, "s16", "mono")
    out = converted(given)
    assert len(out) == 300
    assert np.array_equal(np.sign(out), np.repeat([1, -1, 1], 100))
