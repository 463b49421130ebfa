"""Encoders of a room: each picture and sound is encoded once, whatever the number of clients.

aiortc encodes for each client, in its own threads, opens a new encoder whenever the client's bandwidth
estimate moves and forces stereo; here the settings are ours and the sound stays mono.
"""

from fractions import Fraction
from typing import Any, TypeAlias, cast

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from atlas_desktop.local_atlas.stage import (
    SAMPLE_RATE_HZ,
    SERVICE_FORM,
    SOUND_BLOCK_SAMPLES,
    MediaForm,
    Picture,
    Sound,
)

EncodedPacket: TypeAlias = "av.Packet[Any]"

VIDEO_CLOCK_HZ = 90_000
_VIDEO_BASE = Fraction(1, VIDEO_CLOCK_HZ)
_AUDIO_BASE = Fraction(1, SAMPLE_RATE_HZ)
_AUDIO_BPS = 64_000
_KEY_EVERY_FRAMES = 250

_VP8_OPTIONS = {
    "deadline": "realtime",
    "cpu-used": "-6",
    "lag-in-frames": "0",
    "static-thresh": "100",
    "error-resilient": "default",
    "undershoot-pct": "95",
}
_H264_OPTIONS = {"preset": "superfast", "tune": "zerolatency", "level": "31", "profile": "baseline"}


class PictureEncoder:
    """Encodes I420 pictures as VP8 or H264. Thread: any, one at a time."""

    def __init__(self, codec: str, form: MediaForm = SERVICE_FORM) -> None:
        self._name = "libx264" if codec.upper() == "H264" else "libvpx"
        self._form = form
        self._codec: VideoCodecContext | None = None

    def encode(self, picture: Picture, index: int, key: bool) -> list[EncodedPacket]:
        """Returns the packets of frame ``index``; ``key`` forces a key frame."""
        height, width = picture.shape[0] * 2 // 3, picture.shape[1]
        codec = self._codec
        if codec is None or (codec.width, codec.height) != (width, height):
            codec = self._codec = self._open(width, height)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = index * VIDEO_CLOCK_HZ // self._form.frame_rate_hz
        frame.time_base = _VIDEO_BASE
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return codec.encode(frame)

    def close(self) -> None:
        """Gives the encoder's memory back (5 MB), whoever still holds this object."""
        self._codec = None

    def _open(self, width: int, height: int) -> VideoCodecContext:
        codec = cast(VideoCodecContext, av.CodecContext.create(self._name, "w"))
        codec.width, codec.height = width, height
        codec.pix_fmt = "yuv420p"
        codec.bit_rate = self._form.picture_bps
        codec.framerate = Fraction(self._form.frame_rate_hz)
        codec.time_base = _VIDEO_BASE
        codec.gop_size = _KEY_EVERY_FRAMES
        codec.thread_count = 1
        codec.options = dict(_H264_OPTIONS) if self._name == "libx264" else _vp8_options(codec.bit_rate)
        return codec


def _vp8_options(bps: int) -> dict[str, str]:
    rates = {"minrate": bps // 4, "maxrate": bps, "bufsize": bps // 2}
    return _VP8_OPTIONS | {name: str(rate) for name, rate in rates.items()}


class SoundEncoder:
    """Encodes 20 ms blocks of mono sound as Opus. Thread: any, one at a time."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        codec.bit_rate = _AUDIO_BPS
        codec.format = av.AudioFormat("s16")
        codec.layout = av.AudioLayout("mono")
        codec.sample_rate = SAMPLE_RATE_HZ
        codec.time_base = _AUDIO_BASE
        # "audio" keeps voices full: "voip" cuts below 80 Hz and shapes for telephones.
        codec.options = {"application": "audio", "frame_duration": "20"}
        self._codec = codec

    def encode(self, block: Sound, index: int) -> list[EncodedPacket]:
        """Returns the packets of block ``index``: int16, (960, 1)."""
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = index * SOUND_BLOCK_SAMPLES
        frame.time_base = _AUDIO_BASE
        packets = self._codec.encode(frame)
        for packet in packets:
            # libopus counts its look-ahead as negative time, which RTP can't carry.
            packet.pts, packet.time_base = index * SOUND_BLOCK_SAMPLES, _AUDIO_BASE
        return packets
