"""Renders the avatar speaking an audio file to an MP4, as fast as this computer can."""

import io
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from atlas_desktop.errors import N_, AppError
from atlas_desktop.local_atlas.interfaces import (
    AUDIO_BLOCK_SAMPLES,
    FRAME_RATE_HZ,
    SAMPLE_RATE_HZ,
    AvatarRenderer,
    I420Frame,
    Pcm,
)

MAX_DURATION_S = 600  # a job holds the one render thread
_BLOCKS_PER_FRAME = SAMPLE_RATE_HZ // AUDIO_BLOCK_SAMPLES // FRAME_RATE_HZ
_TAIL_BLOCKS = 25  # half a second: the mouth closes
_MAX_BLOCKS = MAX_DURATION_S * SAMPLE_RATE_HZ // AUDIO_BLOCK_SAMPLES
_VIDEO_BPS = 1_500_000
_AUDIO_BPS = 96_000
# Raised by PyAV over a stream without a decoder, or whose parameters change.
_DECODER_BUGS = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError, MemoryError)
# Audio in the common containers, by FFmpeg's names; a playlist would open other files and URLs.
_OPEN_OPTIONS = {
    "format_whitelist": "aac,ac3,aiff,amr,ape,asf,au,avi,caf,flac,flv,matroska,mov,mp3,mpeg,mpegts,ogg,tta,"
    "w64,wav,wv",
    "protocol_whitelist": "none",
    "max_streams": "64",
}


class RenderFailedError(AppError):
    """A job that failed; ``detail`` is the reason."""

    code = "render_failed"
    title = N_("The video could not be made: {detail}")


def render(audio: bytes, renderer: AvatarRenderer, path: Path, stop: threading.Event) -> float:
    """Render ``audio`` to the video ``path`` and return its duration in seconds.

    Thread: any; blocks, and aborts when ``stop`` is set.

    Raises:
        RenderFailedError: The audio can't be read, is empty or too long, or rendering was stopped.
    """
    video = _VideoFile(path)
    blocks = 0
    try:
        for block in _with_tail(_decode(audio)):
            if stop.is_set():
                raise RenderFailedError(detail="the local Atlas was closed")
            if blocks == _MAX_BLOCKS:
                raise RenderFailedError(detail=f"the audio is longer than {MAX_DURATION_S // 60} minutes")
            renderer.push_audio(block)
            video.add_audio(renderer.audio_block(blocks), blocks)
            if blocks % _BLOCKS_PER_FRAME == 0:
                frame = blocks // _BLOCKS_PER_FRAME
                video.add_frame(renderer.video_frame(frame), frame)
            blocks += 1
    except (av.FFmpegError, *_DECODER_BUGS) as error:
        raise RenderFailedError(detail="the audio can't be read") from error
    finally:
        video.close()
    if blocks <= _TAIL_BLOCKS:
        raise RenderFailedError(detail="the audio is empty")
    return blocks * AUDIO_BLOCK_SAMPLES / SAMPLE_RATE_HZ


def _with_tail(blocks: Iterator[Pcm]) -> Iterator[Pcm]:
    yield from blocks
    for _ in range(_TAIL_BLOCKS):
        yield np.zeros((AUDIO_BLOCK_SAMPLES, 1), np.int16)


def _decode(audio: bytes) -> Iterator[Pcm]:
    """Yield the audio in blocks of 20 ms, the last one padded with silence."""
    resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ, frame_size=AUDIO_BLOCK_SAMPLES)
    with av.open(io.BytesIO(audio), "r", options=_OPEN_OPTIONS) as source:
        if not source.streams.audio:
            raise RenderFailedError(detail="there is no sound in it")
        for frame in source.decode(source.streams.audio[0]):
            yield from (_block(piece) for piece in resampler.resample(frame))
    yield from (_block(piece) for piece in resampler.resample(None))


def _block(frame: av.AudioFrame) -> Pcm:
    samples = frame.to_ndarray().reshape(-1, 1)
    missing = AUDIO_BLOCK_SAMPLES - len(samples)
    return cast(Pcm, np.pad(samples, ((0, missing), (0, 0))) if missing > 0 else samples)


class _VideoFile:
    """An MP4 being written: H264 and AAC, which every player supports."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._audio = self._container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
        self._audio.bit_rate = _AUDIO_BPS
        self._video = self._container.add_stream("libx264", rate=FRAME_RATE_HZ)
        self._video.pix_fmt = "yuv420p"
        self._video.bit_rate = _VIDEO_BPS
        self._video.options = {"preset": "veryfast"}
        self._sized = False

    def add_frame(self, i420: I420Frame, index: int) -> None:
        if not self._sized:
            self._video.height, self._video.width = i420.shape[0] * 2 // 3, i420.shape[1]
            self._sized = True
        frame = av.VideoFrame.from_ndarray(i420, format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE_HZ)
        self._container.mux(self._video.encode(frame))

    def add_audio(self, block: Pcm, index: int) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.reshape(1, -1)), "s16", "mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts, frame.time_base = index * AUDIO_BLOCK_SAMPLES, Fraction(1, SAMPLE_RATE_HZ)
        self._container.mux(self._audio.encode(frame))

    def close(self) -> None:
        if self._sized:
            self._container.mux(self._audio.encode(None))
            self._container.mux(self._video.encode(None))
        self._container.close()
