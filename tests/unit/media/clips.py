"""Sound files of every kind, made on the spot, and what is read of them."""

import time
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.blocks import Samples, no_samples
from atlas_desktop.media.clip_reader import ClipReader
from atlas_desktop.media.graphs import MonoGraph
from atlas_desktop.media.probe import ClipInfo, probe

Sound = NDArray[np.int16]
_PLANES = {"s16": np.int16, "flt": np.float32}


def read_all(reader: ClipReader, timeout_s: float = 5.0) -> Sound:
    parts = [np.zeros((0, 1), np.int16)]
    end = time.monotonic() + timeout_s
    while not reader.finished:
        assert time.monotonic() < end
        block = reader.read()
        if block is None:
            time.sleep(0.001)
        else:
            assert block.shape[1] == 1
            parts.append(block)
    assert all(len(part) == 480 for part in parts[1:-1])
    reader.close()
    assert reader.join(1)
    return np.concatenate(parts).ravel()


def probed(path: Path, *, exactly: bool = False) -> ClipInfo:
    """What is found out of a clip at first, or in the end."""
    with closing(probe(path)) as infos:
        info = next(infos)
        for later in infos if exactly else ():
            info = later
    return info


def encode(
    path: Path,
    codec: str,
    sound: NDArray[Any],
    rate_hz: int = 48_000,
    *,
    with_picture: bool = False,
    options: dict[str, str] | None = None,
    start: int = 0,
    quality: int | None = None,
) -> Path:
    """Writes a file.

    Args:
        path: Its name says the container.
        codec: FFmpeg's name of it.
        sound: int16 or float32, (n,) or (n, channels).
        rate_hz: Of the sound.
        with_picture: Puts five pictures beside it.
        options: The container's.
        start: How many samples after the file's beginning the sound begins.
        quality: A variable bit rate; the higher the less it takes. ``None``: a constant one.
    """
    channels = 1 if sound.ndim == 1 else sound.shape[1]
    layout = {1: "mono", 2: "stereo", 8: "7.1"}[channels]
    kind = "flt" if sound.dtype == np.float32 else "s16"
    with av.open(str(path), "w", options=options or {}) as file:
        picture = file.add_stream("mpeg4", rate=25) if with_picture else None
        stream = file.add_stream(codec, rate=rate_hz, layout=layout)
        assert isinstance(stream, av.AudioStream)
        if quality is None:
            stream.bit_rate = 128_000
        else:
            stream.options = {"q": str(quality), "compression_level": "9"}
            stream.codec_context.qscale = True
            stream.codec_context.global_quality = quality
        if isinstance(picture, av.VideoStream):
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
            for _ in range(5):
                file.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
            file.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound).reshape(1, -1), kind, layout)
        # Without a time the file would not say what the encoder put before the first sample.
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        for part in av.AudioResampler(format=stream.format, frame_size=stream.frame_size).resample(frame):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return path


def noise(samples: int, level: float = 0.3, seed: int = 1) -> Sound:
    """Soft noise, (n,): each place in it is like no other."""
    rough = np.random.default_rng(seed).normal(0, 1, samples)
    soft = np.convolve(rough, np.ones(8) / 8, "same")
    sound: Sound = (soft / np.abs(soft).max() * level * 32_767).astype(np.int16)
    return sound


def loudness(sound: Sound) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBTP of int16 (n,), 48 kHz, by FFmpeg's ``ebur128``."""
    graph = MonoGraph(("ebur128", "metadata=1:peak=true:framelog=quiet"))
    samples: Samples = np.concatenate((no_samples(), sound / np.float32(32_768)))
    metadata = [frame.metadata for frame in graph.push(samples)][-1]
    peak = float(metadata["lavfi.r128.true_peak"])
    return float(metadata["lavfi.r128.I"]), 20 * np.log10(max(peak, 1e-9))
