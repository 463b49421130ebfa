import av
import numpy as np

from atlas_desktop.local_atlas.rooms.publications import to_mono


def frame(channels: list[int]) -> av.AudioFrame:
    samples = np.tile(np.array(channels, np.int16), 960).reshape(1, -1)
    made = av.AudioFrame.from_ndarray(
        samples, format="s16", layout="stereo" if len(channels) == 2 else "mono"
    )
    made.sample_rate = 48_000
    return made


def test_mono_stays_as_it_is() -> None:
    assert to_mono(frame([1234])).tolist() == [[1234]] * 960


def test_stereo_is_mixed_without_overflow() -> None:
    assert to_mono(frame([30_000, 32_000])).tolist() == [[31_000]] * 960
    assert to_mono(frame([-32_768, -32_768])).tolist() == [[-32_768]] * 960
    assert to_mono(frame([2000, -2000])).dtype == np.int16
