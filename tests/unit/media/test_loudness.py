"""How loud what goes out is, whatever came in: EBU R128, measured on the blocks."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_desktop.media import clip_reader
from atlas_desktop.media.blocks import Samples
from atlas_desktop.media.clip_reader import ClipReader
from atlas_desktop.media.loudness import (
    MOST_GAIN_DB,
    PEAK_DBFS,
    TARGET_LUFS,
    Leveller,
    LoudnessMeter,
    gain_db,
)
from atlas_desktop.media.probe import ClipInfo
from atlas_desktop.media.sound_file import SoundFile
from tests.unit.media.clips import Sound, loudness, probed, read_all
from tests.unit.media.stand_ins import tone, until, write_wav

RATE_HZ = 48_000
SPEECH_LIKE, MUSIC_LIKE, PEAKY = "speech", "music", "peaky"
TOLERANCE_LU = {SPEECH_LIKE: 1.0, MUSIC_LIKE: 0.2}
"""The limiter takes some of what has high peaks; R128 allows 0.5, and 1.0 for what is live.

0.6 was measured, 0.82 where others left the measurement little of the processor before the first block.
"""


def make(kind: str, seconds: float, seed: int = 7) -> NDArray[np.float64]:
    """Syllables with pauses, a chord with beats, or clicks over speech: full scale at 1.0."""
    chance = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    at_s = np.arange(count) / RATE_HZ
    if kind == SPEECH_LIKE:
        voice = sum(np.sin(2 * np.pi * 140 * n * at_s + n) / n for n in range(1, 25))
        syllables = (
            np.clip(np.sin(2 * np.pi * 3.7 * at_s), 0, 1)
            * (0.3 + chance.random(count // 12_000 + 1)).repeat(12_000)[:count]
        )
        return np.asarray(voice * syllables * (np.sin(2 * np.pi * 0.21 * at_s) > -0.6))
    if kind == MUSIC_LIKE:
        chord = sum(np.sin(2 * np.pi * hz * at_s) for hz in (110, 220.5, 277.2, 329.6, 1318))
        return np.asarray(chord * (0.4 + 0.6 * np.exp(-6 * (at_s % 0.5))))
    clicks = np.zeros(count)
    for place in range(2000, count - 2000, 19_000):
        clicks[place : place + 48] = chance.normal(0, 0.5, 48)
    return clicks + make(SPEECH_LIKE, seconds) * 0.1


def at_lufs(sound: NDArray[np.float64], lufs: float) -> Sound:
    """``sound`` at a loudness; what does not fit into int16 is cut, as a hot master has it."""
    quiet = (sound / np.abs(sound).max() * 8000).astype(np.int16)
    factor = 10 ** ((lufs - loudness(quiet)[0]) / 20)
    loud: Sound = np.clip(quiet * factor, -32_768, 32_767).astype(np.int16)
    return loud


def spoken(path: Path, *, lufs: float | None = None) -> Sound:
    """All of it. Who plays in real time leaves it time to measure ahead; so does this."""
    reader = ClipReader(path, ClipInfo(loudness_lufs=lufs))
    until(lambda: reader.info.is_exact, 10)
    return read_all(reader, timeout_s=20)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", [SPEECH_LIKE, MUSIC_LIKE])
@pytest.mark.parametrize("lufs", [-30.0, -23.0, -9.0])
def test_what_goes_out_is_at_minus_16_lufs(tmp_path: Path, lufs: float, kind: str, channels: int) -> None:
    sound = at_lufs(make(kind, 10), lufs)
    if channels == 2:
        sound = np.repeat(sound.reshape(-1, 1), 2, axis=1)
    out = spoken(write_wav(tmp_path / "a.wav", sound))
    measured, peak = loudness(out)
    assert len(out) == len(sound)
    assert measured == pytest.approx(TARGET_LUFS, abs=TOLERANCE_LU[kind])
    assert peak <= -1.0


def test_clicks_are_held_under_the_limit_and_the_rest_is_as_loud_as_it_shall_be(tmp_path: Path) -> None:
    sound = at_lufs(make(PEAKY, 10), -26)
    out = spoken(write_wav(tmp_path / "a.wav", sound))
    measured, _ = loudness(out)
    loudest = 20 * np.log10(np.abs(out.astype(int)).max() / 32_768)
    assert 20 * np.log10(np.abs(sound.astype(int)).max() / 32_768) + 10 > PEAK_DBFS + 6
    assert loudest == pytest.approx(PEAK_DBFS, abs=0.01)
    assert measured == pytest.approx(TARGET_LUFS, abs=3.0)  # clicks count as sound until they are held


def test_what_was_found_before_is_used_at_once(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", at_lufs(make(SPEECH_LIKE, 10), -30))
    known = probed(path).loudness_lufs
    assert known == pytest.approx(-30, abs=0.2)
    measured, _ = loudness(spoken(path, lufs=known))
    assert measured == pytest.approx(TARGET_LUFS, abs=0.8)


class HeldUpFile(SoundFile):
    """Its first pieces come late, as from a drive that wakes up."""

    def samples(self) -> Iterator[Samples]:
        for number, piece in enumerate(super().samples()):
            time.sleep(0.045 if number < 3 else 0.0)
            yield piece


def test_a_measurement_that_is_held_up_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_reader, "SoundFile", HeldUpFile)
    path = write_wav(tmp_path / "a.wav", at_lufs(make(MUSIC_LIKE, 10), -34))
    out = read_all(ClipReader(path), timeout_s=20)
    assert loudness(out[: 2 * RATE_HZ])[0] == pytest.approx(TARGET_LUFS, abs=1.0)


def test_a_quiet_beginning_of_a_loud_file_is_not_blown_up(tmp_path: Path) -> None:
    quiet, loud = at_lufs(make(SPEECH_LIKE, 3), -40), at_lufs(make(SPEECH_LIKE, 8), -14)
    path = write_wav(tmp_path / "a.wav", np.concatenate((quiet, loud)))
    out = spoken(path, lufs=probed(path).loudness_lufs)
    assert loudness(out[: 3 * RATE_HZ])[0] < -38
    assert loudness(out)[0] == pytest.approx(TARGET_LUFS, abs=0.5)


@pytest.mark.parametrize("level", [0.0, 0.0003])
def test_silence_stays_silent(tmp_path: Path, level: float) -> None:
    hum = np.random.default_rng(1).normal(0, level, 5 * RATE_HZ)
    sound = (hum * 32_767).astype(np.int16)
    out = spoken(write_wav(tmp_path / "a.wav", sound))
    assert np.abs(out).max() <= np.abs(sound).max() * 10 ** (MOST_GAIN_DB / 20) + 1
    assert len(out) == len(sound)


def test_a_clip_shorter_than_the_window_is_matched_too(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(0.15, level=0.03))
    assert probed(path).loudness_lufs == pytest.approx(-33, abs=1.5)
    assert np.abs(spoken(path)).max() == pytest.approx(0.03 * 32_767 * 10 ** (17.5 / 20), rel=0.15)


def test_off_leaves_every_sample_as_it_is(tmp_path: Path) -> None:
    sound = at_lufs(make(MUSIC_LIKE, 2), -9)
    reader = ClipReader(write_wav(tmp_path / "a.wav", sound), match_loudness=False)
    assert np.array_equal(read_all(reader), sound)
    assert reader.info.loudness_lufs is None


def test_the_meter_agrees_with_the_standards_own_tone() -> None:
    """A 997 Hz sine at full scale in one channel is −3.01 LUFS. Source: ITU-R BS.1770-4, annex 1."""
    meter = LoudnessMeter()
    sine: Samples = np.sin(2 * np.pi * 997 * np.arange(5 * RATE_HZ) / RATE_HZ).astype(np.float32)
    for part in np.split(sine, 50):
        meter.add(part)
    assert meter.finish() == pytest.approx(-3.01, abs=0.05)


def test_gain_has_bounds() -> None:
    assert [gain_db(lufs) for lufs in (None, -16.0, -9.0, -60.0)] == [0.0, 0.0, -7.0, MOST_GAIN_DB]


def test_the_gain_moves_slowly_once_something_was_heard() -> None:
    leveller = Leveller()
    sound: Samples = tone(1.0, level=0.05).astype(np.float32) / np.float32(32_768)
    leveller.level(sound, 10.0)
    assert leveller.gain_db == 10.0
    leveller.level(sound, 20.0)
    assert leveller.gain_db == pytest.approx(11.0)
    leveller.level(sound, 0.0)
    assert leveller.gain_db == pytest.approx(8.0)


def test_before_anything_is_heard_the_gain_is_set_at_once() -> None:
    leveller = Leveller()
    for aim_db in (0.0, 12.0):
        leveller.level(np.zeros(4800, np.float32), aim_db)
    assert leveller.gain_db == 12.0


def test_the_limiter_touches_nothing_that_is_below_it() -> None:
    leveller = Leveller()
    sound: Samples = tone(1.0, level=0.7).astype(np.float32) / np.float32(32_768)
    out = np.concatenate((*(leveller.level(part, 0.0) for part in np.split(sound, 100)), leveller.flush()))
    assert np.array_equal(out, sound)
    loud = np.concatenate((leveller.level(sound * 3, 0.0), leveller.flush()))
    assert 20 * np.log10(np.abs(loud).max()) == pytest.approx(PEAK_DBFS, abs=0.01)
