"""Sound files whose length is said wrongly, or not at all. Each is made of sound of the true length."""

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition

from tests.unit.media.clips import Sound, encode
from tests.unit.media.stand_ins import tone, write_wav

RATE_HZ = 48_000
FLAC = ("flac",) * 3
NONE, DEFAULT = Disposition(0), Disposition.default
OddFile = Callable[[Path, Sound], Path]


def vbr_mp3_without_xing(folder: Path, sound: Sound) -> Path:
    """The first half is silence at 32 kbit/s, so that the bit rate of its beginning says much too long."""
    quiet = np.concatenate((np.zeros(len(sound) // 2, np.int16), sound[len(sound) // 2 :]))
    return encode(
        folder / "vbr.mp3", "libmp3lame", quiet, options={"write_xing": "0", "id3v2_version": "0"}, quality=9
    )


def concatenated_mp3(folder: Path, sound: Sound) -> Path:
    """Two files in one; the Xing header of the first speaks of itself alone."""
    half = len(sound) // 2
    parts = [encode(folder / f"{n}.mp3", "libmp3lame", sound[n * half :][:half]) for n in range(2)]
    path = folder / "concatenated.mp3"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def lying_xing(folder: Path, sound: Sound) -> Path:
    """Its Xing header says a quarter of the frames that there are."""
    path = encode(folder / "xing.mp3", "libmp3lame", sound)
    content = bytearray(path.read_bytes())
    place = max(content.find(b"Xing"), content.find(b"Info"))
    frames = struct.unpack_from(">I", content, place + 8)[0]
    struct.pack_into(">I", content, place + 8, frames // 4)
    path.write_bytes(content)
    return path


def adts(folder: Path, sound: Sound) -> Path:
    """No header at all: FFmpeg guesses from the bit rate of the beginning."""
    quiet = np.concatenate((np.zeros(len(sound) // 2, np.int16), sound[len(sound) // 2 :]))
    return encode(folder / "a.aac", "aac", quiet)


def wav_of_size(size: int) -> OddFile:
    """As a recorder that streamed, or was cut off, leaves it."""

    def make(folder: Path, sound: Sound) -> Path:
        path = write_wav(folder / "streamed.wav", sound)
        content = bytearray(path.read_bytes())
        content[40:44] = struct.pack("<I", size)
        content[4:8] = struct.pack("<I", size)
        path.write_bytes(content)
        return path

    return make


def wav_of_byte_rate(byte_rate: int) -> OddFile:
    """Samples are as they should be; what the header says of their bytes a second is not."""

    def make(folder: Path, sound: Sound) -> Path:
        path = write_wav(folder / "hurried.wav", sound)
        content = bytearray(path.read_bytes())
        content[28:32] = struct.pack("<I", byte_rate)
        path.write_bytes(content)
        return path

    return make


def plain(name: str, codec: str) -> OddFile:
    """Nothing is wrong with it but what FFmpeg makes of its places and packets."""
    return lambda folder, sound: encode(folder / name, codec, sound)


def truncated(name: str, codec: str, **options: str) -> OddFile:
    """The second half is missing; the header still speaks of it."""

    def make(folder: Path, sound: Sound) -> Path:
        whole = encode(folder / name, codec, np.concatenate((sound, sound)), options=options)
        content = whole.read_bytes()
        path = folder / f"half {name}"
        path.write_bytes(content[: len(content) // 2])
        return path

    return make


def chained_ogg(folder: Path, sound: Sound) -> Path:
    """Two streams one behind the other, each with times of its own."""
    half = len(sound) // 2
    parts = [encode(folder / f"{n}.ogg", "libopus", sound[n * half :][:half]) for n in range(2)]
    content = [bytearray(part.read_bytes()) for part in parts]
    path = folder / "chained.ogg"
    path.write_bytes(content[0] + content[1])
    return path


def chained_ogg_of_other(channels: int, codec: str) -> OddFile:
    """As a radio's recorder leaves it: its second half is mono or not, or of another codec."""

    def make(folder: Path, sound: Sound) -> Path:
        half = len(sound) // 2
        first = encode(folder / "0.ogg", "libopus", sound[:half])
        second = encode(folder / "1.ogg", codec, np.stack([sound[half:]] * channels, axis=1))
        path = folder / "chained.ogg"
        path.write_bytes(first.read_bytes() + second.read_bytes())
        return path

    return make


def flac_of_unknown_total(folder: Path, sound: Sound) -> Path:
    """As written to a pipe: the number of samples is 0."""
    path = encode(folder / "a.flac", "flac", sound)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    return path


def webm_of_a_browser(folder: Path, sound: Sound) -> Path:
    """No duration, no index."""
    return encode(folder / "a.webm", "libopus", sound, options={"live": "1"})


def transport_stream(folder: Path, sound: Sound) -> Path:
    return encode(folder / "a.ts", "aac", sound)


def late_start(name: str, codec: str) -> OddFile:
    """Its times begin at 100 s."""

    def make(folder: Path, sound: Sound) -> Path:
        return encode(folder / name, codec, sound, start=100 * RATE_HZ)

    return make


def edited(folder: Path, sound: Sound) -> Path:
    """An MP4 whose edit list leaves out the first second of what is stored."""
    path = folder / "edited.mp4"
    with av.open(str(path), "w", options={"use_editlist": "1"}) as file:
        stream = file.add_stream("aac", rate=RATE_HZ, layout="mono")
        assert isinstance(stream, av.AudioStream)
        whole = np.concatenate((sound[:RATE_HZ], sound))
        frame = av.AudioFrame.from_ndarray(whole.reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, -RATE_HZ, Fraction(1, RATE_HZ)
        for part in av.AudioResampler(format=stream.format, frame_size=stream.frame_size).resample(frame):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return path


def write_tracks(path: Path, *tracks: tuple[Sound, Disposition], codecs: Sequence[str] = FLAC) -> Path:
    """A file of several tracks, one behind the other in each second."""
    with av.open(str(path), "w") as file:
        streams = []
        for (_, disposition), codec in zip(tracks, codecs, strict=False):
            stream = file.add_stream(codec, rate=RATE_HZ, layout="mono")
            assert isinstance(stream, av.AudioStream)
            stream.disposition = disposition
            streams.append(stream)
        for (sound, _), stream in zip(tracks, streams, strict=True):
            frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
            resampler = av.AudioResampler(format=stream.format, frame_size=stream.frame_size)
            for part in resampler.resample(frame):
                file.mux(stream.encode(part))
            file.mux(stream.encode(None))
    return path


def without_decoder(path: Path, number: int) -> Path:
    """Gives the track of that number, in Matroska, a codec that nobody knows."""
    content = bytearray(path.read_bytes())
    place = -1
    for _ in range(number + 1):
        place = content.index(b"A_FLAC", place + 1)
    content[place : place + 6] = b"A_XXXX"
    path.write_bytes(content)
    return path


def unknown_wav(folder: Path) -> Path:
    path = write_wav(folder / "unknown.wav", tone(1.0))
    content = bytearray(path.read_bytes())
    content[20:22] = struct.pack("<H", 0x7777)
    path.write_bytes(content)
    return path


def unknown_m4a(folder: Path) -> Path:
    path = encode(folder / "unknown.m4a", "aac", tone(1.0))
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"xxxx").replace(b"esds", b"free"))
    return path


def unknown_mkv(folder: Path) -> Path:
    return without_decoder(write_tracks(folder / "unknown.mkv", (tone(1.0), NONE)), 0)


ODD_FILES: dict[str, OddFile] = {
    "VBR MP3 without Xing": vbr_mp3_without_xing,
    "MP3s in a row": concatenated_mp3,
    "MP3 with a lying Xing": lying_xing,
    "ADTS AAC": adts,
    "WAV of size 0": wav_of_size(0),
    "WAV of size 0xFFFFFFFF": wav_of_size(0xFFFFFFFF),
    "WAV of a third of its byte rate": wav_of_byte_rate(32_000),
    "WAV of byte rate 1": wav_of_byte_rate(1),
    "WAV of Microsoft's ADPCM": plain("a.wav", "adpcm_ms"),
    "WAV of IMA's ADPCM": plain("a.wav", "adpcm_ima_wav"),
    "WMA": plain("a.wma", "wmav2"),
    "WAV cut in half": truncated("w.wav", "pcm_s16le"),
    "FLAC cut in half": truncated("f.flac", "flac"),
    "MP3 cut in half": truncated("m.mp3", "libmp3lame"),
    "M4A cut in half": truncated("m.m4a", "aac", movflags="faststart"),
    "Matroska cut in half": truncated("m.mka", "libopus"),
    "Ogg cut in half": truncated("o.ogg", "libopus"),
    "Ogg, chained": chained_ogg,
    "Ogg, chained, mono and stereo": chained_ogg_of_other(2, "libopus"),
    "Ogg, chained, Opus and FLAC": chained_ogg_of_other(1, "flac"),
    "FLAC of unknown length": flac_of_unknown_total,
    "WebM of a browser": webm_of_a_browser,
    "MPEG-TS": transport_stream,
    "MPEG-TS from 100 s on": late_start("late.ts", "aac"),
    "Matroska from 100 s on": late_start("late.mka", "flac"),
    "M4A from 100 s on": late_start("late.m4a", "aac"),
    "MP4 with an edit list": edited,
}
