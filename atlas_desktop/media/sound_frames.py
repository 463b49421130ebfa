"""The decoded frames of a file's sound in order, with a mark where some are missing."""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeAlias

import av
from av.container import InputContainer

from atlas_desktop.media.container import FAULTS
from atlas_desktop.media.graphs import frame_like, gives_array
from atlas_desktop.media.sound_bytes import SoundBytes

log = logging.getLogger(__name__)

SoundPacket: TypeAlias = "av.Packet[av.AudioStream]"

# One packet gives one frame, and nothing is kept for later: a packet's duration is what it adds.
_STEADY_CODECS = frozenset(
    {"aac", "ac3", "eac3", "flac", "mp1float", "mp2float", "mp3float", "libopus", "opus"}
)
# The durations of their packets are wrong: an hour of them would be counted a minute too short.
_UNSURE_CODECS = frozenset({"wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice"})
_STEADY_SAMPLES = 64
# A packet of Monkey's Audio may claim in a few bytes to be hours of silence. The largest of a real encoder
# has a seventh of this.
_MOST_APE_SAMPLES, _APE_HEAD_BYTES = 1 << 23, 4
_LONGEST_PAD_S = 5.0  # an MP4's edit list may leave out more than an encoder puts before
# A broken file may keep a decoder or an index busy for ever and yield next to nothing: what takes half as
# long to be decoded as to be heard is ten times slower than the slowest real file.
_DRY_CPU_S, _CPU_S_PER_SOUND_S = 1.5, 0.5
_MOST_STREAMS = 1_000
# What an MP4's edit list may have rounded down: it counts in 1/600 s or finer.
_END_SLACK_S = 0.002
_READS_PER_CHECK = 16  # asking for the time takes as long as reading a packet
LONGEST_S = 1_000_000.0
"""Eleven days: what claims to be longer is a broken file that loops."""


class SoundFrames:
    """Decoder of one track of an open container, from its current place on. One thread at a time.

    Attributes:
        broken: Number of packets that could not be decoded.
        start_s: Timestamp of the first sample; ``None`` before that was decoded.
    """

    def __init__(
        self,
        source: SoundBytes,
        container: InputContainer,
        stream: av.AudioStream,
        before: SoundFrames | None = None,
        open_next: Callable[[int], tuple[InputContainer, av.AudioStream] | None] = lambda _place: None,
    ) -> None:
        """Start at the beginning of the file.

        Args:
            source: What the container reads.
            container: The open container of ``stream``.
            stream: The track.
            before: Another one of the same file, whose findings are kept.
            open_next: Called at the end with the place of the last packet; what it returns follows.
        """
        self.broken: int = before.broken if before else 0
        self.start_s: float | None = before.start_s if before else None
        self._pad_s: float = before._pad_s if before else 0.0  # encoder delay: decoded, but left out
        self._source = source
        self._open_next = open_next
        self._end = _EndTrim(container, stream)
        self._is_unsure = stream.codec_context.name in _UNSURE_CODECS
        self._take(container, stream)
        self._at_start = before is None
        self._first_packet_s: float | None = None
        self._hurt = False
        self._reads = 0
        self._last_packet_at = 0
        self._streams_left = _MOST_STREAMS
        self._waiting: deque[av.AudioFrame | None] = deque()
        self._left_cpu_s = _DRY_CPU_S

    def _take(self, container: InputContainer, stream: av.AudioStream) -> None:
        self._container = container
        self._stream = stream
        self._tick_s = float(stream.time_base or 0)
        self._rate_hz = stream.codec_context.sample_rate
        self._is_ape = stream.codec_context.name == "ape"
        self._is_steady = stream.codec_context.name in _STEADY_CODECS and self._rate_hz > 0
        self._packets: Iterator[SoundPacket] = container.demux(stream)

    def moved(self) -> None:
        """Go on after a seek of the container."""
        self._at_start = self._hurt = False
        self._waiting.clear()
        self._packets = self._container.demux(self._stream)
        self._left_cpu_s = _DRY_CPU_S

    def first(self) -> av.AudioFrame | None:
        """Return the next frame without consuming it; ``None`` at the end."""
        while True:
            frame = next((frame for frame in self._waiting if frame is not None), None)
            if frame is not None or not self._decode_more():
                return frame

    def all(self) -> Iterator[av.AudioFrame | None]:
        """Yield the frames from here on; ``None`` stands for a gap between two of them."""
        self._left_cpu_s = _DRY_CPU_S
        while self._waiting or self._decode_more():
            while self._waiting:
                yield self._waiting.popleft()

    def walk_to(self, position_s: float) -> float:
        """Skip, undecoded, the packets before ``position_s``; return where the next frame begins.

        From the file's start only. Packet durations are added up: broken timestamps do not matter.
        """
        if position_s <= 0.0:
            return 0.0
        at_s = -self._pad_s
        self._source.limit(None)  # each packet brings it nearer
        while (packet := self._read()) is not None:
            lasts_s = self._lasts_s(packet)
            if lasts_s == 0.0 or at_s + lasts_s > position_s:
                self._packets = itertools.chain((packet,), self._packets)
                return at_s + self._late_s(packet)
            at_s += lasts_s
        return at_s

    def count_s(self, *, decoding: bool) -> float:
        """Read to the end and return how long all of it sounds.

        Args:
            decoding: Count what can be decoded, not what packets claim to last.
        """
        if decoding or self._is_unsure:
            return self.rest_s()
        total_s = -self._pad_s
        self._source.limit(None)
        while (packet := self._read()) is not None and total_s < LONGEST_S:
            lasts_s = self._lasts_s(packet) or self._seconds(packet.duration) or 0.0
            if lasts_s <= 0.0:
                frames = self._decode(packet) or []
                lasts_s = sum(frame.samples / frame.sample_rate for frame in frames if frame.sample_rate)
            total_s += lasts_s
        return max(0.0, total_s)

    def rest_s(self) -> float:
        """Decode to the end and return how long that sounds."""
        total_s = 0.0
        for frame in self.all():
            if frame is not None and frame.sample_rate and total_s < LONGEST_S:
                total_s += frame.samples / frame.sample_rate
        return total_s

    def place_s(self) -> float | None:
        """Return the timestamp of the next frame."""
        frame = self.first()
        return None if frame is None else frame.time

    def _lasts_s(self, packet: SoundPacket) -> float:
        """Return how long a packet sounds; 0 if that is known by decoding only."""
        said_s = self._seconds(packet.duration)
        if not said_s or not self._is_steady:
            return 0.0
        # Coarse clocks round: 0.8 s in an hour of AC3.
        samples = said_s * self._rate_hz
        nearest = round(samples / _STEADY_SAMPLES) * _STEADY_SAMPLES
        return (nearest if abs(nearest - samples) <= self._rate_hz / 1000 else samples) / self._rate_hz

    def _late_s(self, packet: SoundPacket) -> float:
        """Return how much later than ``packet`` its sound begins: decoders may need another one first."""
        packet_s = self._seconds(packet.pts)
        frame = self.first()
        if frame is None or frame.time is None or packet_s is None:
            return 0.0
        late_s = frame.time - packet_s
        return late_s if 0.0 <= late_s < _LONGEST_PAD_S else 0.0

    def _decode_more(self) -> bool:
        """Decode one packet; return False at the end. The time between calls does not count."""
        began_s = time.thread_time()
        until_s = began_s + self._left_cpu_s
        self._source.limit_at(until_s)
        packet = self._read()
        if packet is None:
            was_hurt, self._hurt = self._hurt, False
            if was_hurt:
                self._waiting.append(None)
            return was_hurt
        frames = self._decode(packet)
        if frames is None:
            self._hurt = True
        elif frames and self._hurt:
            # The first frame after a fault is built on what was lost: in MP3 and AAC it is noise.
            self._waiting.append(None)
            self._hurt = False
        else:
            self._waiting.extend(frames)
            for frame in frames:
                if frame.sample_rate:
                    until_s += frame.samples / frame.sample_rate * _CPU_S_PER_SOUND_S
        self._left_cpu_s = min(_DRY_CPU_S, until_s - time.thread_time())
        return True

    def _read(self) -> SoundPacket | None:
        self._reads += 1
        if self._source.stopped or (self._reads % _READS_PER_CHECK == 0 and self._source.is_over()):
            return None
        packet, failure = self._next_packet()
        while packet is None and self._streams_left and (following := self._open_next(self._last_packet_at)):
            self._streams_left -= 1
            self._last_packet_at = 0
            self._take(*following)
            self._source.limit(_DRY_CPU_S)
            packet, failure = self._next_packet()
        if packet is not None:
            self._last_packet_at = max(self._last_packet_at, packet.pos or 0)
        elif failure is not None:
            # A drive that was pulled, a wrong index: what came so far is kept.
            self._broke_off(failure)
        return packet

    def _next_packet(self) -> tuple[SoundPacket | None, Exception | None]:
        try:
            return next(self._packets, None), None
        except FAULTS as error:
            return None, error

    def _decode(self, packet: SoundPacket) -> list[av.AudioFrame] | None:
        """Return the frames of a packet; ``None`` if it is broken."""
        began_s, lasts_s = self._seconds(packet.pts), self._seconds(packet.duration)  # decoding takes it away
        if packet.has_sidedata("encryption_info") or self._is_too_much(packet):
            # Without its key it is noise, which a decoder sometimes turns into sound.
            self.broken += 1
            return None
        try:
            frames = [self._end.cut(frame, lasts_s) for frame in packet.decode()]
        except FAULTS as error:
            self._broke_off(error)
            return None
        if self._at_start:
            self._learn(began_s, frames)
        return frames

    def _is_too_much(self, packet: SoundPacket) -> bool:
        """Return whether it claims to hold more than any encoder writes: it would be decoded at once."""
        if not self._is_ape or packet.size < _APE_HEAD_BYTES:
            return False
        return int.from_bytes(memoryview(packet)[:_APE_HEAD_BYTES], "little") > _MOST_APE_SAMPLES

    def _learn(self, began_s: float | None, frames: list[av.AudioFrame]) -> None:
        """Note the timestamp of the first sample."""
        if self._first_packet_s is None:
            self._first_packet_s = began_s
        if frames:
            self._at_start = False
            self.start_s = frames[0].time
            if self.start_s is not None and self._first_packet_s is not None:
                pad_s = self.start_s - self._first_packet_s
                self._pad_s = pad_s if 0.0 <= pad_s < _LONGEST_PAD_S else 0.0

    def _broke_off(self, error: Exception) -> None:
        self.broken += 1
        if self.broken == 1:
            log.info("a sound file is broken inside: %s", type(error).__name__)

    def _seconds(self, ticks: int | None) -> float | None:
        return None if ticks is None or not self._tick_s else ticks * self._tick_s


class _EndTrim:
    """Trims the last frame of an MP4: its last packet is longer than the sound, padded by the encoder.

    Ogg, WebM, MP3 and FLAC are trimmed by FFmpeg itself; bare AAC and Matroska do not say where they end.
    """

    def __init__(self, container: InputContainer, stream: av.AudioStream) -> None:
        self._end_s: float | None = None
        if "mp4" in container.format.name.split(",") and stream.duration and stream.time_base:
            self._end_s = float(((stream.start_time or 0) + stream.duration) * stream.time_base)

    def cut(self, frame: av.AudioFrame, packet_s: float | None) -> av.AudioFrame:
        """Return the part of ``frame`` that belongs to the sound.

        Args:
            frame: The next one.
            packet_s: How long its packet says to last: exact to the sample where it is shorter.
        """
        if self._end_s is None or frame.time is None or not frame.sample_rate:
            return frame
        left_s = self._end_s - frame.time
        lasts_s = frame.samples / frame.sample_rate
        if not 0.0 < left_s < lasts_s:
            return frame
        kept_s = packet_s if packet_s and packet_s < lasts_s else left_s + _END_SLACK_S
        kept = round(kept_s * frame.sample_rate)
        if kept >= frame.samples or not gives_array(frame):
            return frame
        width = 1 if frame.format.is_planar else frame.layout.nb_channels
        trimmed = frame_like(frame, frame.to_ndarray()[:, : kept * width].copy())
        trimmed.pts = frame.pts
        return trimmed
