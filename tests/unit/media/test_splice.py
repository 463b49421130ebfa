import numpy as np
import pytest

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block, silence
from atlas_desktop.media.playout_level import samples_of
from atlas_desktop.media.splice import CONCEAL_MS, SLACK, Concealer, cut

PEAK = 10_000


def voice(seconds: float = 1.0, pitch_hz: float = 123.0) -> Block:
    """Vowel-like: a fundamental that glides, and its partials."""
    ticks = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    turns = 2 * np.pi * (pitch_hz * ticks + 4 * ticks**2)
    mono = sum(np.sin(part * turns) / part for part in range(1, 13))
    mono = PEAK * mono / np.abs(mono).max()
    return np.repeat(np.rint(mono).astype(np.int16)[:, np.newaxis], 2, axis=1)


def step(sound: Block) -> int:
    return int(np.abs(np.diff(sound.astype(np.int32), axis=0)).max())


def click_db(sound: Block, around: int) -> float:
    """How loud 12 kHz and above are about a seam, where the voice has nothing; dB of the whole sound."""
    shaped = sound[around - 480 : around + 480, 0] * np.hanning(960)
    spectrum = np.abs(np.fft.rfft(shaped)) ** 2
    return float(10 * np.log10(spectrum[len(spectrum) // 2 :].sum() / spectrum.sum()))


def test_a_hard_stop_is_a_click() -> None:
    sound = voice()
    assert max(click_db(np.concatenate((sound[:at], silence(4_800, 2))), at) for at in (9_600, 24_000)) > -40


@pytest.mark.parametrize("cut_ms", [4.0, 15.0, 43.0])
def test_a_cut_leaves_out_about_what_it_says_and_makes_no_click(cut_ms: float) -> None:
    sound = voice()
    before, after = sound[:9_600], sound[9_600:]
    rest = cut(after, samples_of(cut_ms))
    gone = len(after) - len(rest)
    assert abs(gone - samples_of(cut_ms)) <= SLACK
    assert np.array_equal(rest[300:], after[gone + 300 :])
    joined = np.concatenate((before, rest))
    assert step(joined[9_000:10_200]) <= step(sound) * 1.3
    assert click_db(joined, 9_600) < -50


def test_a_cut_of_too_little_takes_nothing() -> None:
    block = voice(0.01)
    assert cut(block, 5_000) is block


@pytest.mark.parametrize("gap_ms", [10, 20, 40, 60])
@pytest.mark.parametrize("pitch_hz", [90.0, 123.0, 210.0, 390.0])
def test_a_bridged_gap_makes_no_click(gap_ms: int, pitch_hz: float) -> None:
    sound = voice(1.0, pitch_hz)
    concealer, at = Concealer(), 24_000
    concealer.remember(sound[:at], is_loud=True)
    parts = [sound[:at], *[concealer.more(480) for _ in range(gap_ms // 10)]]
    parts.append(concealer.resume(sound[at : at + 4_800]))
    heard = np.concatenate(parts)
    assert step(heard) <= step(sound) * 1.3
    assert click_db(heard, at) < -50
    assert click_db(heard, at + gap_ms * 48) < -50


def test_the_first_20_ms_of_a_gap_are_as_loud_as_what_was_before() -> None:
    sound = voice()
    concealer = Concealer()
    concealer.remember(sound[:24_000], is_loud=True)
    made = concealer.more(960)
    loud = np.std(sound[23_000:24_000])
    assert 0.8 * loud < np.std(made) < 1.2 * loud
    assert np.std(concealer.more(960)) < 0.9 * loud


def test_it_fades_to_silence_and_then_has_no_more() -> None:
    concealer = Concealer()
    concealer.remember(voice(0.5), is_loud=True)
    made = concealer.more(samples_of(CONCEAL_MS))
    assert (concealer.exhausted, concealer.bridging) == (True, True)
    assert np.abs(made[-1]).max() < PEAK / 100
    assert not concealer.more(480).any()
    back = concealer.resume(voice(0.02)[480:])
    assert step(np.concatenate((silence(1, 2), back))) <= step(voice(0.5)) * 1.3


def test_nothing_is_made_of_silence_or_of_what_is_forgotten() -> None:
    concealer = Concealer()
    found = [concealer.exhausted]
    assert not concealer.more(480).any()
    concealer.remember(voice(0.5), is_loud=True)
    found.append(concealer.exhausted)
    concealer.forget()
    found.append(concealer.exhausted)
    concealer.remember(voice(0.5), is_loud=True)
    concealer.remember(silence(960, 2), is_loud=False)
    found.append(concealer.exhausted)
    assert found == [True, False, True, True]


def test_after_a_hole_the_sound_comes_in_softly() -> None:
    sound = voice(0.1)[1_000:]
    back = Concealer().resume(sound, was_dry=True)
    assert abs(int(back[0, 0])) < 20
    assert np.array_equal(back[300:], sound[300:])
    assert Concealer().resume(sound) is sound


def test_noise_is_bridged_too() -> None:
    noise = np.random.default_rng(2).normal(0, 2_000, (24_000, 2)).astype(np.int16)
    concealer = Concealer()
    concealer.remember(noise, is_loud=True)
    made = concealer.more(960)
    assert np.std(made) == pytest.approx(2_000, rel=0.2)


@pytest.mark.parametrize("samples", [1, 96, 480])
def test_what_nobody_hears_is_cut_to_the_sample(samples: int) -> None:
    sound = voice(0.1)
    out = cut(sound, samples, exactly=True)
    assert len(out) == len(sound) - samples
    assert np.array_equal(out[SLACK:], sound[samples + SLACK :])
