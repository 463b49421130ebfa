"""The media clock, the encoders and the encoded tracks, without any connection."""

import asyncio
import threading
import time
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_desktop.local_atlas.interfaces import MediaFormat
from atlas_desktop.local_atlas.rooms.encoders import AudioEncoder, EncodedPacket, VideoEncoder
from atlas_desktop.local_atlas.rooms.media_loop import MediaLoop
from atlas_desktop.local_atlas.rooms.packet_track import EncodedTrack
from tests.attempts import timing_sensitive

from .stand_ins import ToyRenderer, eventually, tone


@pytest.mark.parametrize(("codec", "decoder"), [("VP8", "vp8"), ("H264", "h264")])
def test_pictures_survive_encoding(codec: str, decoder: str) -> None:
    encoder, performer = VideoEncoder(codec), ToyRenderer(hums=False)
    reader = av.CodecContext.create(decoder, "r")
    assert isinstance(reader, av.VideoCodecContext)
    shown: list[NDArray[Any]] = []
    keys = []
    for index in range(6):
        packets = encoder.encode(performer.video_frame(index), index, index == 4)
        keys.append(packets[0].is_keyframe)
        shown += [frame.to_ndarray() for packet in packets for frame in reader.decode(packet)]
    assert keys == [True, False, False, False, True, False]
    error = np.abs(shown[-1].astype(int) - performer.video_frame(5)[: shown[-1].shape[0]].astype(int)).mean()
    assert error < 4


def test_sound_survives_encoding_in_mono_and_at_full_level() -> None:
    encoder = AudioEncoder()
    reader = av.CodecContext.create("opus", "r")
    assert isinstance(reader, av.AudioCodecContext)
    stamps, peak = [], 0.0
    for index in range(20):
        for packet in encoder.encode(tone(index * 960, 960), index):
            stamps.append(packet.pts)
            frames = reader.decode(packet)
            peak = max([peak, *(float(np.abs(frame.to_ndarray()).max()) for frame in frames)])
    assert stamps == [index * 960 for index in range(20)]
    assert peak == pytest.approx(8000 / 32768, rel=0.1)


class Arrivals:
    """Records packets: how many of each kind, their timestamps, and when they came."""

    def __init__(self) -> None:
        self.counts = {"audio": 0, "video": 0}
        self._stamps: dict[str, list[int]] = {"audio": [], "video": []}
        self._times_s: dict[str, list[float]] = {"audio": [], "video": []}

    def deliver(self, kind: str, packets: list[EncodedPacket]) -> None:
        self.counts[kind] += len(packets)
        for packet in packets:
            self._stamps[kind].append(packet.pts or 0)
            self._times_s[kind].append(time.monotonic())

    def step(self, kind: str) -> int:
        """The smallest step from one to the next: a busy machine may have skipped some."""
        return int(np.diff(self._stamps[kind]).min())

    def pace(self, kind: str, rate_hz: int) -> float:
        """Media time by wall-clock time: 1 where they keep up."""
        stamps, times_s = self._stamps[kind], self._times_s[kind]
        return (stamps[-1] - stamps[0]) / rate_hz / (times_s[-1] - times_s[0])


@timing_sensitive
async def test_the_clock_keeps_25_pictures_and_50_blocks_a_second_and_freezes() -> None:
    arrivals = Arrivals()
    counts = arrivals.counts
    loop = MediaLoop(ToyRenderer(hums=True), "VP8", arrivals.deliver)
    loop.start()
    await asyncio.sleep(2.0)
    await eventually(lambda: counts["video"] > 12 and counts["audio"] > 25, "too little comes")
    assert (arrivals.step("video"), arrivals.step("audio")) == (90_000 // 25, 48_000 // 50)
    assert arrivals.pace("video", 90_000) == pytest.approx(1.0, abs=0.15)
    assert arrivals.pace("audio", 48_000) == pytest.approx(1.0, abs=0.15)
    loop.freeze(None)
    await asyncio.sleep(0.1)
    frozen = dict(counts)
    await asyncio.sleep(0.1)
    assert counts == frozen
    loop.freeze(0)
    await eventually(lambda: counts["video"] > frozen["video"], "it stays frozen")
    await loop.aclose()
    stopped = dict(counts)
    await asyncio.sleep(0.1)
    assert counts == stopped


@timing_sensitive
async def test_a_renderer_may_have_a_format_of_its_own() -> None:
    arrivals = Arrivals()
    media_format = MediaFormat(frame_rate_hz=40, audio_ppm=200_000)
    loop = MediaLoop(ToyRenderer(hums=True), "VP8", arrivals.deliver, media_format)
    loop.start()
    await asyncio.sleep(2.0)
    await eventually(lambda: arrivals.counts["video"] > 12 and arrivals.counts["audio"] > 25, "too little")
    await loop.aclose()
    assert arrivals.step("video") == 90_000 // 40
    assert arrivals.pace("video", 90_000) == pytest.approx(1.0, abs=0.15)
    # Its clock runs fast by a fifth.
    assert arrivals.pace("audio", 48_000) == pytest.approx(1.2, abs=0.15)


async def test_an_encoded_track_begins_at_a_key_frame_and_again_after_an_overflow() -> None:
    encoder, performer, seen = VideoEncoder("VP8"), ToyRenderer(hums=False), asyncio.Event()
    track = EncodedTrack("video", seen)

    def packet(index: int, key: bool) -> EncodedPacket:
        return encoder.encode(performer.video_frame(index), index, key)[0]

    first = packet(0, True)
    track.push(first)
    wanted_before = track.wants_key
    receiving = asyncio.ensure_future(track.recv())
    await asyncio.sleep(0)
    assert (wanted_before, track.wants_key) == (False, True)
    track.push(packet(1, False))
    await asyncio.sleep(0)
    assert not receiving.done()
    key = packet(2, True)
    track.push(key)
    assert await receiving is key
    assert seen.is_set()
    for index in range(3, 12):
        track.push(packet(index, False))
    assert track.wants_key
    # A frame that came as it overflowed would refer to frames that were dropped.
    next_key = packet(12, True)
    track.push(next_key)
    assert await track.recv() is next_key


def test_a_clock_that_nobody_closed_ends_with_its_loop() -> None:
    async def begin() -> None:
        loop = MediaLoop(ToyRenderer(hums=False), "VP8", lambda kind, packets: None)
        loop.paused = True
        loop.start()
        await asyncio.sleep(0.05)

    asyncio.run(begin())
    clocks = [thread for thread in threading.enumerate() if thread.name.startswith("media")]
    for clock in clocks:
        clock.join(2.0)
    assert clocks
    assert not any(clock.is_alive() for clock in clocks)
