"""Sound files as people have them, made here: WAV, MP3, M4A, OGG, long ones and broken ones."""

import os
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tests.desk.process import run

RATE_HZ = 48_000
_CODECS = {".mp3": "libmp3lame", ".m4a": "aac", ".ogg": "libopus", ".wav": "pcm_s16le"}
_FORMATS = {".mp3": "s16p", ".m4a": "fltp", ".ogg": "fltp", ".wav": "s16"}
_RATES_HZ = {".mp3": 44_100}


def tone(frequency_hz: float, seconds: float, rate_hz: int = RATE_HZ) -> NDArray[np.int16]:
    """A tone that is loud from its first sample on: int16, (samples,)."""
    angle = 2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz
    return (12_000 * np.cos(angle)).astype(np.int16)


def make_tone(path: Path, frequency_hz: float, seconds: float) -> Path:
    """Writes a tone in the format that the ending of ``path`` names."""
    rate_hz = _RATES_HZ.get(path.suffix, RATE_HZ)
    samples = tone(frequency_hz, seconds, rate_hz)
    with av.open(str(path), "w") as file:
        stream = file.add_stream(_CODECS[path.suffix], rate=rate_hz, layout="mono")
        assert isinstance(stream, av.AudioStream)
        resampler = av.AudioResampler(
            _FORMATS[path.suffix], "mono", rate_hz, frame_size=stream.codec_context.frame_size or 1024
        )
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", "mono")
        frame.rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    return path


def make_long(path: Path, hours: float) -> Path:
    """Writes a WAV file of many hours that is loud from its first sample on, without holding it."""
    second = tone(500, 1.0, 16_000).tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        minute = second * 60
        for _ in range(round(hours * 60)):
            file.writeframesraw(minute)
    return path


def make_speech(path: Path, words: str) -> Path:
    """Has the system's voice say ``words`` into a WAV file."""
    run(["espeak-ng", "-w", str(path), "-s", "150", words], os.environ, timeout=20)
    return path


def make_wide(path: Path, seconds: float) -> Path:
    """Writes a WAV file of 8 channels at 192 kHz."""
    one = tone(500, seconds, 192_000)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(8)
        file.setsampwidth(2)
        file.setframerate(192_000)
        file.writeframes(np.repeat(one[:, np.newaxis], 8, axis=1).tobytes())
    return path
