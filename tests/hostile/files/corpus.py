"""What is mutated: a short file of every format that FFmpeg and Pillow can write here."""

import io
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.format import ContainerFormat
from numpy.typing import NDArray
from PIL import Image, ImageCms

from atlas_desktop.media.formats import sound_endings

RATE_HZ = 48_000
_SECONDS = 0.6
# Containers with other codecs than their own, as cameras, phones and editors write them.
_COMBINATIONS = """
    wav:pcm_u8 wav:pcm_s24le wav:pcm_f32le wav:pcm_f64le wav:pcm_alaw wav:pcm_mulaw wav:adpcm_ms
    wav:adpcm_ima_wav wav:adpcm_yamaha wav:libmp3lame wav:g726 w64:pcm_s16le aiff:pcm_s24be caf:alac
    caf:pcm_f32be au:pcm_mulaw mp4:aac mp4:alac mp4:ac3 mp4:eac3 mp4:flac mp4:libopus mp4:libmp3lame
    mov:pcm_s24le mov:pcm_s16be mov:alac ipod:aac matroska:flac matroska:libopus matroska:libvorbis
    matroska:alac matroska:pcm_f32le matroska:aac matroska:ac3 matroska:tta matroska:wavpack matroska:dca
    matroska:truehd matroska:mp2 webm:libvorbis ogg:libvorbis ogg:libopus ogg:flac ogg:libspeex
    avi:libmp3lame avi:pcm_s16le avi:ac3 avi:adpcm_ms mpegts:aac mpegts:mp2 mpegts:ac3 mpegts:libopus
    mpegts:libmp3lame mpegts:s302m mpeg:mp2 vob:ac3 flv:libmp3lame flv:aac flv:nellymoser flv:adpcm_swf
    asf:wmav1 asf:wmav2 asf:libmp3lame nut:pcm_s16le nut:flac rm:real_144 tta:tta wv:wavpack dts:dca
    mlp:mlp truehd:truehd gxf:pcm_s16le mxf:pcm_s16le
"""
# Long enough to be sought in; MP4 with its index before the sound, behind it, and in pieces.
_LONGER_S = 4.0
_LONGER = """
    ipod:aac:faststart ipod:aac: mp4:aac:dash+global_sidx mp4:aac:empty_moov+default_base_moof
    mp4:alac:faststart mp4:flac:faststart mov:pcm_s16le:faststart wav:pcm_s16le: flac:flac: ogg:libopus:
    ogg:libvorbis: ogg:flac: matroska:aac: webm:libopus: mp3:libmp3lame: adts:aac: asf:wmav2: mpegts:aac:
    avi:libmp3lame: caf:alac: aiff:pcm_s16be: ac3:ac3: amr:libopencore_amrnb: w64:pcm_s16le: wv:wavpack:
    tta:tta:
"""


@cache
def sound_seeds() -> tuple[tuple[str, bytes], ...]:
    """Files by their ending; what this build can't write is left out."""
    wanted = [(name, "", _SECONDS, "") for name in sorted(av.formats_available) if _may_hold_sound(name)]
    pairs = (pair.split(":") for pair in _COMBINATIONS.split())
    wanted += [(name, codec, _SECONDS, "") for name, codec in pairs]
    longer = (triple.split(":") for triple in _LONGER.split())
    wanted += [(name, codec, _LONGER_S, flags) for name, codec, flags in longer]
    made: list[tuple[str, bytes]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (form, codec, seconds, flags) in enumerate(wanted):
            ending = _ending_of(form)
            path = Path(folder) / f"{number}.{ending}"
            if _write_sound(path, form, codec, seconds, flags) and 0 < path.stat().st_size < 400_000:
                made.append((ending, path.read_bytes()))
    return (*made, *_tagged(made))


@cache
def picture_seeds() -> tuple[tuple[str, bytes], ...]:
    """Files by their ending."""
    return tuple(_pictures())


def _may_hold_sound(name: str) -> bool:
    form = ContainerFormat(name)
    reaches = (
        "hls",
        "dash",
        "segment",
        "rtp",
        "rtsp",
        "sap",
        "hds",
        "smooth",
        "tee",
        "fifo",
        "webm_chunk",
        "whip",
    )
    if not form.is_output or name.startswith(reaches):
        return False
    return f".{_ending_of(name)}" in sound_endings()


def _ending_of(form: str) -> str:
    endings = sorted(ContainerFormat(form).extensions)
    return form if form in endings or not endings else endings[0]


def _tone(seconds: float) -> NDArray[np.int16]:
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    sound: NDArray[np.int16] = (9000 * np.sin(2 * np.pi * (300 + 400 * at_s) * at_s)).astype(np.int16)
    return sound


def _write_sound(path: Path, form: str, codec: str, seconds: float, flags: str) -> bool:
    """Writes a file; False where this build has no encoder, or the container does not take it."""
    try:
        options = {"movflags": flags, "frag_duration": "500000"} if flags else {}
        with av.open(str(path), "w", format=form, options=options) as file:
            stream = _sound_stream(file, codec or file.default_audio_codec)
            frame = av.AudioFrame.from_ndarray(_tone(seconds).reshape(1, -1), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
            resampler = av.AudioResampler(
                stream.format, stream.layout, stream.rate, frame_size=stream.frame_size or None
            )
            for part in (*resampler.resample(frame), *resampler.resample(None)):
                file.mux(stream.encode(part))
            file.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError, KeyError, TypeError, OSError, AttributeError):
        return False
    return path.exists()


def _sound_stream(file: Any, codec: str) -> av.AudioStream:
    about = av.Codec(codec, "w")
    rates, forms = about.audio_rates or [RATE_HZ], about.audio_formats or []
    rate = RATE_HZ if RATE_HZ in rates else rates[0]
    if codec in ("nellymoser", "adpcm_swf"):
        rate = 22_050
    if codec in ("real_144", "g726", "libspeex"):
        rate = 8000
    stream = file.add_stream(codec, rate=rate, layout="stereo" if codec == "s302m" else "mono")
    assert isinstance(stream, av.AudioStream)
    if forms:
        stream.format = forms[0]
    stream.codec_context.options = {"strict": "-2"}
    return stream


def _tagged(made: list[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """The same with what people's programs put before and behind."""
    by_ending = dict(made)
    if "mp3" in by_ending:
        picture = b"\0image/png\0\x03\0\x89PNG" + bytes(300)
        tag = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
        size = bytes((len(tag) >> shift) & 0x7F for shift in (21, 14, 7, 0))
        yield "mp3", b"ID3\x03\0\0" + size + tag + by_ending["mp3"] + b"TAG" + bytes(125)
    if "ogg" in by_ending:
        yield "ogg", by_ending["ogg"] * 2
    yield "m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    yield "wav", b"ffconcat version 1.0\nfile /etc/passwd\n"


def _pictures() -> Iterator[tuple[str, bytes]]:
    down, across = np.mgrid[0:90, 0:110] * 2
    colours = np.stack([across, down, (across + down) // 2], axis=-1).astype(np.uint8)
    plain = Image.fromarray(colours)
    clear = Image.fromarray(np.dstack([colours, down.astype(np.uint8)]))
    words = Image.fromarray((across * 257).astype(np.uint16))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    wanted: list[tuple[str, str, Image.Image, dict[str, Any]]] = [
        ("png", "PNG", plain, {}),
        ("png", "PNG", plain, {"icc_profile": profile}),
        ("png", "PNG", clear, {"exif": exif}),
        ("png", "PNG", words, {}),
        ("png", "PNG", plain.quantize(32), {"transparency": bytes(range(0, 256, 8))}),
        ("png", "PNG", plain.convert("1"), {}),
        ("png", "PNG", plain, {"save_all": True, "append_images": [plain.rotate(90)]}),
        ("jpg", "JPEG", plain, {}),
        ("jpg", "JPEG", plain, {"progressive": True, "icc_profile": profile, "exif": exif}),
        ("jpg", "JPEG", plain.convert("CMYK"), {}),
        ("jpg", "JPEG", plain.convert("L"), {}),
        ("jpg", "MPO", plain, {"save_all": True, "append_images": [plain]}),
        ("webp", "WEBP", plain, {}),
        ("webp", "WEBP", clear, {"lossless": True, "icc_profile": profile, "exif": exif}),
        ("webp", "WEBP", plain, {"save_all": True, "append_images": [plain.rotate(90)]}),
        ("gif", "GIF", plain.quantize(64), {"transparency": 3}),
        ("gif", "GIF", plain, {"save_all": True, "append_images": [plain.rotate(90)]}),
        ("bmp", "BMP", plain, {}),
        ("bmp", "BMP", plain.quantize(16), {}),
        ("ico", "ICO", clear.resize((64, 64)), {}),
        ("ico", "ICO", clear.resize((64, 64)), {"bitmap_format": "bmp"}),
        ("avif", "AVIF", plain, {}),
        ("avif", "AVIF", clear, {"icc_profile": profile, "exif": exif}),
    ]
    wanted += [
        ("tif", "TIFF", picture, {"compression": packing} if packing else {})
        for picture in (plain, clear, words, plain.convert("CMYK"), plain.convert("F"), plain.quantize(64))
        for packing in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits")
    ]
    wanted.append(("tif", "TIFF", plain, {"compression": "jpeg"}))
    wanted.append(("tif", "TIFF", plain.convert("1"), {"compression": "group4"}))
    for ending, kind, picture, options in wanted:
        out = io.BytesIO()
        picture.save(out, kind, **options)
        yield ending, out.getvalue()
