import numpy as np
import pytest

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block
from atlas_desktop.media.resample import DELAY_SAMPLES, Resampler

BLOCK = 480


def tone(frequency_hz: float, seconds: float = 1.5) -> Block:
    ticks = np.arange(round(seconds * SAMPLE_RATE_HZ))
    mono = np.rint(16_000 * np.sin(2 * np.pi * frequency_hz * ticks / SAMPLE_RATE_HZ)).astype(np.int16)
    return np.repeat(mono[:, np.newaxis], 2, axis=1)


def resampled(sound: Block, *shares: float, block: int = BLOCK) -> Block:
    """Each block by the next of ``shares``, the last for all that follow."""
    resampler = Resampler(sound.shape[1])
    starts = range(0, len(sound), block)
    chosen = [shares[min(index, len(shares) - 1)] for index in range(len(starts))]
    return np.concatenate(
        [resampler.resample(sound[at : at + block], one) for at, one in zip(starts, chosen, strict=True)]
    )


def added_dbfs(sound: Block, frequency_hz: float) -> float:
    """What there is besides the tone: distortion and noise."""
    heard = sound[2_400:50_400, 0].astype(np.float64)
    ticks = np.arange(len(heard))
    turns = 2 * np.pi * frequency_hz * ticks / SAMPLE_RATE_HZ
    wave = np.stack([np.sin(turns), np.cos(turns), np.ones(len(heard))], axis=1)
    rest = heard - wave @ np.linalg.lstsq(wave, heard, rcond=None)[0]
    return float(20 * np.log10(np.std(rest) / 32_768))


def test_with_nothing_to_change_the_sound_passes_bit_by_bit() -> None:
    noise = np.random.default_rng(1).integers(-32_768, 32_767, (4_800, 2), np.int16, endpoint=True)
    out = resampled(noise, 0.0)
    assert len(out) == len(noise)
    assert np.array_equal(out[DELAY_SAMPLES:], noise[:-DELAY_SAMPLES])


@pytest.mark.parametrize("share", [0.0005, -0.0005, 0.02, -0.02])
@pytest.mark.parametrize("frequency_hz", [1_000.0, 8_000.0, 19_000.0])
def test_it_adds_nothing_that_is_heard(share: float, frequency_hz: float) -> None:
    out = resampled(tone(frequency_hz), share)
    assert added_dbfs(out, frequency_hz / (1 + share)) < -88
    assert len(out) == pytest.approx(72_000 * (1 + share), abs=2)
    assert np.std(out[2_400:-2_400]) == pytest.approx(16_000 / np.sqrt(2), rel=0.002)


def test_it_begins_and_ends_without_a_seam() -> None:
    # From nothing to a rate and back: the largest step of the second difference stays that of the tone.
    out = resampled(tone(400.0), *([0.0] * 20), *([0.003] * 40), 0.0)
    bend = np.abs(np.diff(out[DELAY_SAMPLES * 2 :, 0].astype(np.int32), n=2)).max()
    assert bend <= 16_000 * (2 * np.pi * 400 / SAMPLE_RATE_HZ) ** 2 + 3


@pytest.mark.parametrize("block", [1, 7, 96, 480, 960, 4_800])
def test_any_size_of_block_gives_the_same(block: int) -> None:
    sound = tone(700.0, 0.1)
    whole = resampled(sound, 0.001)
    out = resampled(sound, 0.001, block=block)
    assert abs(len(out) - len(whole)) <= 1
    same = min(len(out), len(whole))
    assert np.abs(out[:same].astype(np.int32) - whole[:same]).max() <= 1


def test_too_loud_is_clipped_and_nothing_stays_nothing() -> None:
    square = np.repeat(np.array([[32_767], [-32_768]], np.int16), 40, axis=0)
    out = resampled(np.tile(square, (20, 1)), 0.0007)
    assert out.max() == 32_767
    assert out.min() == -32_768
    assert len(Resampler(2).resample(np.zeros((0, 2), np.int16), 0.001)) == 0


@pytest.mark.parametrize("share", [0.0007, -0.0007, 0.00031, -0.02])
def test_when_the_rate_is_one_again_the_sound_soon_passes_bit_by_bit(share: float) -> None:
    noise = np.random.default_rng(2).integers(-9_000, 9_000, (48_000, 2), np.int16)
    out = resampled(noise, *([share] * 37), 0.0)
    last = noise[-4_800:-DELAY_SAMPLES]
    assert np.array_equal(out[-len(last) :], last)


def test_one_voice_on_both_sides_stays_on_both() -> None:
    left = tone(700.0, 0.1)
    both = resampled(left, 0.001)
    other = left.copy()
    other[:, 1] = 0
    assert np.array_equal(both[:, 0], both[:, 1])
    assert np.array_equal(both[:, 0], resampled(other, 0.001)[:, 0])
