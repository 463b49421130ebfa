"""Encoders of a room: every frame and audio block is encoded once, whatever the number of subscribers.

aiortc would encode for each client, in its own threads, open a new encoder whenever the client's bandwidth
estimate changes, and force stereo. Here the settings are ours and the audio stays mono.
"""

from fractions import Fraction
from typing import Any, TypeAlias, cast

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from atlas_desktop.local_atlas.interfaces import (
    AUDIO_BLOCK_SAMPLES,
    SAMPLE_RATE_HZ,
    SERVICE_FORMAT,
    I420Frame,
    MediaFormat,
    Pcm,
)

EncodedPacket: TypeAlias = "av.Packet[Any]"

VIDEO_CLOCK_HZ = 90_000
_VIDEO_TIME_BASE = Fraction(1, VIDEO_CLOCK_HZ)
_AUDIO_TIME_BASE = Fraction(1, SAMPLE_RATE_HZ)
_AUDIO_BPS = 64_000
# Subscribers request key frames (PLI) themselves; this one bounds the damage of a lost request to 10 s.
_KEY_FRAME_INTERVAL = 250

_VP8_OPTIONS = {
    "deadline": "realtime",
    "cpu-used": "-6",
    "lag-in-frames": "0",
    "static-thresh": "100",
    "error-resilient": "default",
    "undershoot-pct": "95",
}
_H264_OPTIONS = {"preset": "superfast", "tune": "zerolatency", "level": "31", "profile": "baseline"}


class VideoEncoder:
    """Encodes I420 frames as VP8 or H264. Thread: any, one at a time."""

    def __init__(self, codec: str, media_format: MediaFormat = SERVICE_FORMAT) -> None:
        self._name = "libx264" if codec.upper() == "H264" else "libvpx"
        self._format = media_format
        self._codec: VideoCodecContext | None = None

    def encode(self, i420: I420Frame, index: int, key: bool) -> list[EncodedPacket]:
        """Return the packets of frame ``index``; ``key`` forces a key frame."""
        height, width = i420.shape[0] * 2 // 3, i420.shape[1]
        codec = self._codec
        if codec is None or (codec.width, codec.height) != (width, height):
            codec = self._codec = self._open(width, height)
        frame = av.VideoFrame.from_ndarray(i420, format="yuv420p")
        frame.pts = index * VIDEO_CLOCK_HZ // self._format.frame_rate_hz
        frame.time_base = _VIDEO_TIME_BASE
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return codec.encode(frame)

    def close(self) -> None:
        """Release the encoder's memory (5 MB), even while this object is still referenced."""
        self._codec = None

    def _open(self, width: int, height: int) -> VideoCodecContext:
        codec = cast(VideoCodecContext, av.CodecContext.create(self._name, "w"))
        codec.width, codec.height = width, height
        codec.pix_fmt = "yuv420p"
        codec.bit_rate = self._format.video_bps
        codec.framerate = Fraction(self._format.frame_rate_hz)
        codec.time_base = _VIDEO_TIME_BASE
        codec.gop_size = _KEY_FRAME_INTERVAL
        codec.thread_count = 1
        codec.options = dict(_H264_OPTIONS) if self._name == "libx264" else _vp8_options(codec.bit_rate)
        return codec


def _vp8_options(bps: int) -> dict[str, str]:
    rates = {"minrate": bps // 4, "maxrate": bps, "bufsize": bps // 2}
    return _VP8_OPTIONS | {name: str(rate) for name, rate in rates.items()}


class AudioEncoder:
    """Encodes 20 ms blocks of mono audio as Opus. Thread: any, one at a time."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        codec.bit_rate = _AUDIO_BPS
        codec.format = av.AudioFormat("s16")
        codec.layout = av.AudioLayout("mono")
        codec.sample_rate = SAMPLE_RATE_HZ
        codec.time_base = _AUDIO_TIME_BASE
        # "audio" keeps the full band: "voip" cuts below 80 Hz and shapes for telephones.
        codec.options = {"application": "audio", "frame_duration": "20"}
        self._codec = codec

    def encode(self, block: Pcm, index: int) -> list[EncodedPacket]:
        """Return the packets of block ``index``: int16, (960, 1)."""
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = index * AUDIO_BLOCK_SAMPLES
        frame.time_base = _AUDIO_TIME_BASE
        packets = self._codec.encode(frame)
        for packet in packets:
            # libopus counts its look-ahead as negative time, which RTP can't carry.
            packet.pts, packet.time_base = index * AUDIO_BLOCK_SAMPLES, _AUDIO_TIME_BASE
        return packets
