"""Films the avatar saying a sound file: an MP4, as fast as this computer can."""

import io
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from atlas_desktop.errors import N_, AppError
from atlas_desktop.local_atlas.stage import (
    FRAME_RATE_HZ,
    SAMPLE_RATE_HZ,
    SOUND_BLOCK_SAMPLES,
    AgentState,
    Performer,
    Picture,
    Sound,
)

LONGEST_S = 600
_BLOCKS_A_FRAME = SAMPLE_RATE_HZ // SOUND_BLOCK_SAMPLES // FRAME_RATE_HZ
_TAIL_BLOCKS = 25  # half a second: the mouth closes
_LONGEST_BLOCKS = LONGEST_S * SAMPLE_RATE_HZ // SOUND_BLOCK_SAMPLES
_VIDEO_BPS = 1_500_000
_AUDIO_BPS = 96_000
# What PyAV raises over a stream without a decoder, or one that changes as it goes.
_BROKEN = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError, MemoryError)
# Sound in its common containers, by FFmpeg's names; a playlist would open other files and addresses.
_OPENING = {
    "format_whitelist": "aac,ac3,aiff,amr,ape,asf,au,avi,caf,flac,flv,matroska,mov,mp3,mpeg,mpegts,ogg,tta,"
    "w64,wav,wv",
    "protocol_whitelist": "none",
    "max_streams": "64",
}


class RenderFailedError(AppError):
    """A job that can't be done; ``detail`` says why."""

    code = "render_failed"
    title = N_("The video could not be made: {detail}")


class Silent:
    """A stage without an audience: an avatar that is filmed tells nothing."""

    def agent_segment(self, segment_id: str, delta: str, final: bool) -> None:
        """Part of ``Stage``."""

    def user_segment(self, segment_id: str, text: str, final: bool) -> None:
        """Part of ``Stage``."""

    def agent_state(self, state: AgentState) -> None:
        """Part of ``Stage``."""


def render(audio: bytes, performer: Performer, path: Path, stop: threading.Event) -> float:
    """Writes the performer saying ``audio`` to ``path`` and returns the video's duration in seconds.

    Thread: any; it blocks, and ends early when ``stop`` is set.

    Raises:
        RenderFailedError: The audio can't be read, is empty or too long, or it was stopped.
    """
    film = _Film(path)
    blocks = 0
    try:
        for block in _with_tail(_decoded(audio)):
            if stop.is_set():
                raise RenderFailedError(detail="the local Atlas was closed")
            if blocks == _LONGEST_BLOCKS:
                raise RenderFailedError(detail=f"the audio is longer than {LONGEST_S // 60} minutes")
            performer.push_speech(block)
            film.add_sound(performer.sound(blocks), blocks)
            if blocks % _BLOCKS_A_FRAME == 0:
                film.add_picture(performer.picture(blocks // _BLOCKS_A_FRAME), blocks // _BLOCKS_A_FRAME)
            blocks += 1
    except (av.FFmpegError, *_BROKEN) as error:
        raise RenderFailedError(detail="the audio can't be read") from error
    finally:
        film.close()
    if blocks <= _TAIL_BLOCKS:
        raise RenderFailedError(detail="the audio is empty")
    return blocks * SOUND_BLOCK_SAMPLES / SAMPLE_RATE_HZ


def _with_tail(blocks: Iterator[Sound]) -> Iterator[Sound]:
    yield from blocks
    for _ in range(_TAIL_BLOCKS):
        yield np.zeros((SOUND_BLOCK_SAMPLES, 1), np.int16)


def _decoded(audio: bytes) -> Iterator[Sound]:
    """The sound as blocks of 20 ms, the last one filled up with silence."""
    resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ, frame_size=SOUND_BLOCK_SAMPLES)
    with av.open(io.BytesIO(audio), "r", options=_OPENING) as source:
        if not source.streams.audio:
            raise RenderFailedError(detail="there is no sound in it")
        for frame in source.decode(source.streams.audio[0]):
            yield from (_block(piece) for piece in resampler.resample(frame))
    yield from (_block(piece) for piece in resampler.resample(None))


def _block(frame: av.AudioFrame) -> Sound:
    samples = frame.to_ndarray().reshape(-1, 1)
    missing = SOUND_BLOCK_SAMPLES - len(samples)
    return cast(Sound, np.pad(samples, ((0, missing), (0, 0))) if missing > 0 else samples)


class _Film:
    """An MP4 being written: H264 and AAC, which every player knows."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._sound = self._container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
        self._sound.bit_rate = _AUDIO_BPS
        self._video = self._container.add_stream("libx264", rate=FRAME_RATE_HZ)
        self._video.pix_fmt = "yuv420p"
        self._video.bit_rate = _VIDEO_BPS
        self._video.options = {"preset": "veryfast"}
        self._sized = False

    def add_picture(self, picture: Picture, index: int) -> None:
        if not self._sized:
            self._video.height, self._video.width = picture.shape[0] * 2 // 3, picture.shape[1]
            self._sized = True
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE_HZ)
        self._container.mux(self._video.encode(frame))

    def add_sound(self, block: Sound, index: int) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.reshape(1, -1)), "s16", "mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts, frame.time_base = index * SOUND_BLOCK_SAMPLES, Fraction(1, SAMPLE_RATE_HZ)
        self._container.mux(self._sound.encode(frame))

    def close(self) -> None:
        if self._sized:
            self._container.mux(self._sound.encode(None))
            self._container.mux(self._video.encode(None))
        self._container.close()
