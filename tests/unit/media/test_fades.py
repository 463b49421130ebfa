import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_desktop.media.blocks import Samples, no_samples
from atlas_desktop.media.fades import FADE_SAMPLES, DropoutFader


def faded(samples: Samples, sizes: list[int]) -> Samples:
    fader, parts, at = DropoutFader(), [no_samples()], 0
    while at < len(samples):
        size = sizes[len(parts) % len(sizes)]
        parts.append(fader.process(samples[at : at + size]))
        at += size
    return np.concatenate((*parts, fader.flush()))


def ones(samples: int = 5000) -> Samples:
    return np.ones(samples, np.float32)


@given(st.lists(st.integers(1, 1500), min_size=1, max_size=5), st.sets(st.integers(0, 4999), max_size=4))
def test_pieces_of_any_size_give_the_same(sizes: list[int], faults: set[int]) -> None:
    samples = ones()
    samples[list(faults)] = np.nan
    out = faded(samples, sizes)
    assert np.array_equal(out, faded(samples, [5000]))
    assert len(out) == 5000
    assert np.abs(np.diff(out)).max() <= 1.01 / FADE_SAMPLES
    assert not out[list(faults)].any()


def test_what_is_whole_passes_as_it_is() -> None:
    samples: Samples = np.linspace(-4, 4, 3000, dtype=np.float32)
    assert np.array_equal(faded(samples, [700]), samples)


def test_around_a_gap_it_fades() -> None:
    fader = DropoutFader()
    out = np.concatenate((fader.process(ones()), fader.gap(), fader.process(ones()), fader.flush()))
    assert len(out) == 10_000
    assert out[4999] == pytest.approx(1 / FADE_SAMPLES)
    assert out[5000] == pytest.approx(1 / FADE_SAMPLES)
    assert out[5000 - FADE_SAMPLES - 1] == out[5000 + FADE_SAMPLES] == 1
