"""Seeking to the sample, clips without a gap, and files that are not as they should be."""

import struct
import time
from pathlib import Path

import av
import numpy as np
import pytest

from atlas_desktop.media.blocks import Samples, no_samples
from atlas_desktop.media.clip_reader import ClipReader
from atlas_desktop.media.line import ClipLine
from atlas_desktop.media.sound_file import SoundFile
from tests.unit.media.clips import Sound, encode, noise, probed, read_all
from tests.unit.media.stand_ins import tone, until, write_wav

RATE_HZ = 48_000
FULL_SCALE = 32_767
FORMATS = [
    ("a.wav", "pcm_s16le", {}),
    ("a.flac", "flac", {}),
    ("a.mp3", "libmp3lame", {}),
    ("bare.mp3", "libmp3lame", {"write_xing": "0", "id3v2_version": "0"}),
    ("a.m4a", "aac", {}),
    ("a.aac", "aac", {}),
    ("a.ogg", "libopus", {}),
    ("a.mka", "libopus", {}),
    ("a.ts", "aac", {}),
    ("a.wma", "wmav2", {}),
]


def rest_of(file: SoundFile, most: int = 1 << 40) -> Samples:
    parts, count = [no_samples()], 0
    for part in file.samples():
        parts.append(part)
        count += len(part)
        if count >= most:
            break
    return np.concatenate(parts)[:most]


def offset_of(piece: Samples, whole: Samples, about: int) -> int:
    """Where ``piece`` lies in ``whole``, in samples from ``about``."""
    first = max(0, about - 3000)
    return (
        int(np.argmax(np.correlate(whole[first : about + 3000 + len(piece)], piece, "valid"))) + first - about
    )


@pytest.mark.parametrize(("name", "codec", "options"), FORMATS, ids=[name for name, _, _ in FORMATS])
def test_seek_is_exact_to_a_block_in_any_format(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    path = encode(tmp_path / name, codec, noise(8 * RATE_HZ), options=options)
    with SoundFile(path) as file:
        whole = rest_of(file)
        for position_s in (3.217, 0.05, 7.5, 0.0, 1.0):
            file.seek_exactly(position_s)
            piece = rest_of(file, 6000)
            assert abs(offset_of(piece, whole, round(position_s * RATE_HZ))) < 480
        file.seek_exactly(100.0)
        assert len(rest_of(file)) == 0


@pytest.mark.parametrize(
    ("name", "codec", "channels"),
    [("a.m4a", "aac", 1), ("a.mov", "aac", 2), ("a.mp4", "alac", 2), ("a.mp3", "libmp3lame", 1)],
)
@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_nothing_follows_the_last_sample(
    tmp_path: Path, name: str, codec: str, channels: int, rate_hz: int
) -> None:
    sound = np.repeat(noise(rate_hz + 500)[:, None], channels, axis=1)
    with SoundFile(encode(tmp_path / name, codec, sound, rate_hz)) as file:
        expected = round(len(sound) * RATE_HZ / rate_hz)
        assert abs(len(rest_of(file)) - expected) <= 1
        file.seek_exactly(0.5)
        assert abs(len(rest_of(file)) - (expected - RATE_HZ // 2)) <= 1


def test_sound_that_begins_after_its_picture_has_no_hole(tmp_path: Path) -> None:
    sound, late_by = noise(RATE_HZ + 500), RATE_HZ // 2
    path = encode(tmp_path / "late.mp4", "aac", sound, with_picture=True, start=late_by)
    with av.open(str(path)) as plain:
        held = sum(frame.samples for frame in plain.decode(audio=0))
    with SoundFile(path) as file:
        assert len(rest_of(file)) == held


def test_where_only_the_edit_list_tells_the_end_it_ends_there(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.m4a", "aac", noise(RATE_HZ + 500))
    whole = path.read_bytes()
    # As other encoders write it: every packet is said to be full.
    assert whole.count(struct.pack(">II", 1, 372)) == 1
    path.write_bytes(whole.replace(struct.pack(">II", 1, 372), struct.pack(">II", 1, 1024)))
    with SoundFile(path) as file:
        assert RATE_HZ + 480 <= len(rest_of(file)) <= RATE_HZ + 600


def test_seek_does_not_believe_a_broken_duration(tmp_path: Path) -> None:
    sound = noise(5 * RATE_HZ)
    whole = bytearray(write_wav(tmp_path / "a.wav", sound).read_bytes())
    whole[40:44] = struct.pack("<I", 0xFFFFFFFF)  # as a recorder that was cut off leaves it
    (tmp_path / "a.wav").write_bytes(whole)
    reader = ClipReader(tmp_path / "a.wav", match_loudness=False)
    reader.seek(2.5)
    assert np.array_equal(read_all(reader), sound[120_000:])


def next_block(reader: ClipReader) -> Sound:
    blocks: list[Sound] = []

    def came() -> bool:
        block = reader.read()
        if block is not None:
            blocks.append(block.ravel())
        return block is not None

    until(came)
    return blocks[0]


def test_a_reader_seeks_anywhere_at_any_time(tmp_path: Path) -> None:
    sound = noise(4 * RATE_HZ)
    reader = ClipReader(write_wav(tmp_path / "a.wav", sound), match_loudness=False)
    until(lambda: reader.read() is not None)
    for position_s in (3.9, 0.0, 1.5, 1.25):
        reader.seek(position_s)
        assert reader.position_s == position_s
        place = round(position_s * RATE_HZ)
        assert np.array_equal(next_block(reader), sound[place : place + 480])
    reader.seek(9.0)
    until(lambda: reader.finished)
    reader.seek(3.0)
    assert not reader.finished
    assert np.array_equal(read_all(reader), sound[144_000:])


def test_seek_of_an_hour_of_mp3_is_soon_done(tmp_path: Path) -> None:
    part = encode(tmp_path / "a.mp3", "libmp3lame", noise(20 * RATE_HZ), options={"write_xing": "0"})
    long = tmp_path / "long.mp3"
    long.write_bytes(part.read_bytes() * 180)
    with SoundFile(long) as file:
        began_s = time.thread_time()
        file.seek_exactly(3500.0)
        assert len(rest_of(file, 480)) == 480
    assert time.thread_time() - began_s < 4.0


@pytest.mark.parametrize(
    ("name", "codec", "error"),
    [
        ("wav", "pcm_s16le", 1),
        ("flac", "flac", 1),
        ("mp3", "libmp3lame", 2500),
        ("ogg", "libopus", 4000),
    ],
)
def test_two_halves_of_a_tone_leave_as_one_tone(tmp_path: Path, name: str, codec: str, error: int) -> None:
    sound, cut = tone(3.0), 65_101
    first = encode(tmp_path / f"1.{name}", codec, sound[:cut])
    second = encode(tmp_path / f"2.{name}", codec, sound[cut:])
    line = ClipLine()
    line.play(ClipReader(first, match_loudness=False))
    line.follow_with(ClipReader(second, match_loudness=False))
    parts: list[Sound] = []

    def all_taken() -> bool:
        parts.append(line.take(4800, 0, flush=sum(map(len, parts)) > 164_000).ravel())
        return sum(map(len, parts)) >= 144_000

    until(all_taken, 5.0)
    line.stop()
    joined = np.concatenate(parts)
    assert not joined[144_000:].any()
    difference = np.abs(joined[:144_000].astype(int) - sound)
    # No sample more or less: else the second half would be out of phase. At the cut codecs are at a loss.
    assert difference[500:64_000].max() <= error
    assert difference[66_200:164_000].max() <= error
    assert difference[64_000:66_200].max() <= FULL_SCALE * (0.25 if error > 1 else 0) + 1


@pytest.mark.parametrize("codec", ["libmp3lame", "libopus"])
def test_what_an_encoder_put_before_and_behind_is_left_out(tmp_path: Path, codec: str) -> None:
    suffix = {"libmp3lame": "mp3", "libopus": "ogg"}[codec]
    path = encode(tmp_path / f"a.{suffix}", codec, noise(50_001))
    assert len(read_all(ClipReader(path))) == 50_001
    assert probed(path).duration_s == 50_001 / RATE_HZ


def write_float_wav(path: Path, samples: Samples) -> Path:
    body = samples.astype("<f4").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, RATE_HZ, RATE_HZ * 4, 4, 32)
    data = struct.pack("<4sI", b"data", len(body)) + body
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data)
    return path


@pytest.mark.parametrize("fault", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("match_loudness", [False, True])
def test_broken_numbers_are_silence_with_soft_edges(
    tmp_path: Path, fault: float, match_loudness: bool
) -> None:
    sound: Samples = tone(2.0, level=0.3).astype(np.float32) / np.float32(FULL_SCALE)
    hurt = sound.copy()
    hurt[30_000:30_100] = fault
    hurt[47_998] = fault  # where pieces meet
    reader = ClipReader(write_float_wav(tmp_path / "a.wav", hurt), match_loudness=match_loudness)
    out = read_all(reader).astype(int)
    assert len(out) == 96_000
    assert np.abs(out).max() <= (0.3 if not match_loudness else 0.8) * FULL_SCALE + 1
    assert not out[30_000:30_100].any()
    assert np.abs(np.diff(out)).max() < 0.06 * np.abs(out).max() + 200
    if not match_loudness:
        assert np.abs(out[31_000:47_000] - sound[31_000:47_000] * 32_768).max() <= 1


def test_float_over_full_scale_is_cut_off_and_not_wrapped(tmp_path: Path) -> None:
    loud: Samples = tone(1.0, level=0.9).astype(np.float32) * np.float32(3 / FULL_SCALE)
    path = write_float_wav(tmp_path / "a.wav", loud)
    out = read_all(ClipReader(path, match_loudness=False))
    assert (out.min(), out.max()) == (-32_768, 32_767)
    assert np.array_equal(np.sign(out[1:-1]), np.sign(loud[1:-1]))
    assert np.abs(read_all(ClipReader(path)).astype(int)).max() < 0.8 * FULL_SCALE


def test_a_loud_stereo_file_does_not_clip_when_it_is_mixed_down(tmp_path: Path) -> None:
    both = np.repeat(tone(1.0, level=0.9).reshape(-1, 1), 2, axis=1)
    out = read_all(ClipReader(encode(tmp_path / "a.mp3", "libmp3lame", both), match_loudness=False))
    assert np.abs(out.astype(int)).max() == pytest.approx(0.9 * FULL_SCALE, rel=0.05)


def hurt_in_the_middle(path: Path, bytes_count: int, seed: int) -> Path:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + bytes_count] = np.random.default_rng(seed).bytes(bytes_count)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp3", "libmp3lame"), ("a.aac", "aac"), ("a.ogg", "libopus"), ("a.flac", "flac"), ("a.m4a", "aac")],
)
def test_garbage_inside_is_never_loud(tmp_path: Path, name: str, codec: str) -> None:
    for seed in range(6):
        path = encode(tmp_path / name, codec, tone(3.0, level=0.2))
        reader = ClipReader(hurt_in_the_middle(path, 1500, seed), match_loudness=False)
        out = read_all(reader).astype(int)
        assert reader.error is None
        assert len(out) > 1.2 * RATE_HZ
        assert np.abs(out).max() < 0.9 * FULL_SCALE


def write_jumping(path: Path, sound: Sound, jump_s: float) -> Path:
    """A Matroska file whose times leap by ``jump_s`` in the middle."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        assert isinstance(stream, av.AudioStream)
        for number, part in enumerate(np.split(sound, 50)):
            frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), "s16", "mono")
            frame.sample_rate = RATE_HZ
            frame.pts = number * len(part) + (round(jump_s * RATE_HZ) if number >= 25 else 0)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("jump_s", [20.0, 0.5])
def test_times_that_jump_neither_stop_the_sound_nor_hold_it(tmp_path: Path, jump_s: float) -> None:
    sound = noise(2 * RATE_HZ)
    reader = ClipReader(write_jumping(tmp_path / "a.mkv", sound, jump_s), match_loudness=False)
    assert np.array_equal(read_all(reader), sound)


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 8])
def test_any_rate_and_any_number_of_channels(tmp_path: Path, rate_hz: int, channels: int) -> None:
    sound = np.repeat(tone(0.5, rate_hz).reshape(-1, 1), channels, axis=1)
    reader = ClipReader(write_wav(tmp_path / "a.wav", sound, rate_hz), match_loudness=False)
    out = read_all(reader)
    assert len(out) == pytest.approx(24_000, abs=2)
    assert 5000 < np.abs(out.astype(int)).max() < 0.53 * FULL_SCALE


def test_a_huge_cover_is_not_in_the_way(tmp_path: Path) -> None:
    sound = encode(tmp_path / "a.mp3", "libmp3lame", tone(1.0))
    picture = b"\x89PNG\r\n\x1a\n" + b"\0" * 12_000_000
    frame = b"\0image/png\0\x03\0" + picture
    size = len(frame) + 10
    synchsafe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    tag = b"ID3\x03\0\0" + synchsafe + b"APIC" + struct.pack(">IH", len(frame), 0) + frame
    path = tmp_path / "cover.mp3"
    path.write_bytes(tag + sound.read_bytes())
    began = time.monotonic()
    out = read_all(ClipReader(path, match_loudness=False))
    assert time.monotonic() - began < 1.5
    assert len(out) == pytest.approx(RATE_HZ, abs=2400)
