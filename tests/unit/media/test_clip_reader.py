import os
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from atlas_desktop.errors import AppError, EmptyAudioError, MissingFileError, UnreadableAudioError
from atlas_desktop.media.clip_reader import ClipReader
from atlas_desktop.media.sound_file import SoundFile
from tests.attempts import timing_sensitive
from tests.unit.media.clips import encode, probed, read_all
from tests.unit.media.stand_ins import tone, until, write_wav


def test_a_wav_at_48_khz_comes_back_sample_by_sample(tmp_path: Path) -> None:
    sent = tone(0.7531)
    reader = ClipReader(write_wav(tmp_path / "a.wav", sent), match_loudness=False)
    assert np.array_equal(read_all(reader), sent)
    assert reader.error is None
    assert reader.info.duration_s == pytest.approx(0.7531, abs=0.001)
    assert reader.position_s == pytest.approx(0.7531, abs=0.001)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp3", "libmp3lame"),
        ("a.m4a", "aac"),
        ("a.ogg", "libopus"),
        ("a.flac", "flac"),
    ],
)
def test_usual_formats_are_read(tmp_path: Path, name: str, codec: str) -> None:
    got = read_all(ClipReader(encode(tmp_path / name, codec, tone(1.0)), match_loudness=False))
    assert len(got) == pytest.approx(48_000, abs=4000)
    assert np.abs(got[5000:40_000]).max() == pytest.approx(16_384, rel=0.15)


def test_the_sound_of_a_video_is_read(tmp_path: Path) -> None:
    film = encode(tmp_path / "film: part 1.mp4", "aac", tone(1.0), with_picture=True)
    assert len(read_all(ClipReader(film))) == pytest.approx(48_000, abs=4000)


def test_eight_channels_at_192_khz_are_mixed_down(tmp_path: Path) -> None:
    sent = np.repeat(tone(0.5, 192_000).reshape(-1, 1), 8, axis=1)
    got = read_all(ClipReader(write_wav(tmp_path / "8.wav", sent, 192_000)))
    assert len(got) == 24_000
    assert np.abs(got).max() > 5000


def test_silence_is_a_clip_like_any_other(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "quiet.wav", np.zeros(48_000, np.int16))
    reader = ClipReader(path)
    assert len(read_all(reader)) == 48_000
    assert reader.error is None
    assert set(probed(path).peaks) == {0}


def test_a_cut_off_file_plays_what_it_has(tmp_path: Path) -> None:
    whole = write_wav(tmp_path / "whole.wav", tone(1.0)).read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[:48_044])
    reader = ClipReader(tmp_path / "cut.wav")
    assert len(read_all(reader)) == 24_000
    assert reader.error is None
    assert probed(tmp_path / "cut.wav").duration_s == pytest.approx(0.5)


def test_noise_inside_a_file_does_not_end_it(tmp_path: Path) -> None:
    sound = bytearray(encode(tmp_path / "a.mp3", "libmp3lame", tone(3.0)).read_bytes())
    middle = len(sound) // 2
    sound[middle : middle + 2000] = os.urandom(2000)
    (tmp_path / "hurt.mp3").write_bytes(sound)
    reader = ClipReader(tmp_path / "hurt.mp3")
    assert len(read_all(reader)) > 2.4 * 48_000
    assert reader.error is None


def make_bad_file(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.wav"
    if kind == "text":
        path.write_text("these are words\n" * 200)
    elif kind == "bytes":
        path.write_bytes(b"")
    elif kind == "samples":
        write_wav(path, np.zeros(0, np.int16))
    elif kind == "folder":
        path.mkdir()
    elif kind == "noise":
        path.write_bytes(np.random.default_rng(1).bytes(50_000))
    return path


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("text", UnreadableAudioError),
        ("bytes", EmptyAudioError),
        ("samples", EmptyAudioError),
        ("folder", UnreadableAudioError),
        ("noise", UnreadableAudioError),
        ("missing", MissingFileError),
    ],
)
def test_what_is_no_sound_is_named(tmp_path: Path, kind: str, error: type[AppError]) -> None:
    path = make_bad_file(tmp_path, kind)
    with pytest.raises(error):
        probed(path)
    reader = ClipReader(path)
    assert len(read_all(reader)) == 0
    assert type(reader.error) is error
    assert reader.error is not None
    assert reader.error.params["name"] == f"{kind}.wav"


def test_a_playlist_does_not_reach_other_files(tmp_path: Path) -> None:
    write_wav(tmp_path / "secret.wav", tone(0.5))
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/secret.wav\n#EXT-X-ENDLIST\n")
    with pytest.raises(UnreadableAudioError):
        probed(playlist)


def write_long_wav(path: Path) -> Path:
    """Two hours, 8 kHz, 8 bit, as a hole in the file: made at once."""
    size = 7200 * 8000
    head = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = b"\x01\0\x01\0" + (8000).to_bytes(4, "little") * 2 + b"\x01\0\x08\0"
    with path.open("wb") as file:
        file.write(head + form + b"data" + size.to_bytes(4, "little"))
        file.truncate(44 + size)
    return path


@timing_sensitive
def test_a_two_hour_file_starts_at_once_and_stays_small(tmp_path: Path) -> None:
    path = write_long_wav(tmp_path / "long.wav")
    ClipReader(path).close()  # FFmpeg's own tables are made once
    tracemalloc.start()
    began = time.monotonic()
    reader = ClipReader(path)
    until(lambda: reader.read() is not None)
    first_s = time.monotonic() - began
    for _ in range(3000):  # 30 s of sound
        until(lambda: reader.read() is not None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    reader.close()
    assert reader.join(1)
    assert first_s < 0.3
    assert peak < 3_000_000
    assert reader.info.duration_s == 7200


@timing_sensitive
def test_a_two_hour_file_is_probed_by_glimpses(tmp_path: Path) -> None:
    path = write_long_wav(tmp_path / "long.wav")
    began = time.monotonic()
    info = probed(path)
    assert time.monotonic() - began < 0.5
    with SoundFile(path) as file:
        assert (info.duration_s, file.channels, file.rate_hz) == (7200, 1, 8000)
    assert len(info.peaks) == 48


def test_the_outline_follows_the_sound(tmp_path: Path) -> None:
    sound = np.concatenate((tone(1.0, level=0.2), np.zeros(48_000, np.int16), tone(1.0, level=0.8)))
    peaks = probed(write_wav(tmp_path / "a.wav", sound)).peaks
    assert len(peaks) == 48
    assert {peaks[3], peaks[24], peaks[44]} == {20, 0, 80}


def test_close_lets_the_thread_go_in_the_middle_of_a_file(tmp_path: Path) -> None:
    reader = ClipReader(write_long_wav(tmp_path / "long.wav"))
    until(lambda: reader.read() is not None)
    reader.close()
    reader.close()
    assert reader.join(1)
    assert reader.finished
    assert reader.read() is None
    assert "media-clip" not in {thread.name for thread in threading.enumerate()}
