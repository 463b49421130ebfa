"""Receive a rehearsal without a window, by the tap and by the SDK's public streams, and print JSON."""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, cast

import numpy as np
from livekit import rtc

from atlas_desktop.api.source import Mode
from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.blocks import BLOCK_MS, SAMPLE_RATE_HZ
from atlas_desktop.media.feeds import RING_MS, AudioFeed, VideoFeed
from atlas_desktop.media.frames import I420Frame
from atlas_desktop.media.loop_thread import LoopThread
from atlas_desktop.media.tap import FfiTap
from atlas_desktop.session.rehearsal import Rehearsal

_MEASURE_S = 8.0
_ROUNDS = 2
_TRACKS_LIMIT_S = 20.0
_CLOSE_S = 2.0


class _Receiver(Protocol):
    """A way to take frames from tracks: the tap, or its peer."""

    def open_video(self, track: rtc.RemoteVideoTrack, feed: VideoFeed) -> object: ...

    def open_audio(self, track: rtc.RemoteAudioTrack, feed: AudioFeed) -> object: ...

    def close(self) -> None: ...


class _PublicStreams:
    """The tap's peer: ``rtc.VideoStream`` and ``rtc.AudioStream``, read on a loop in a thread of its own."""

    def __init__(self) -> None:
        self._thread = LoopThread("public-streams")

    def open_video(self, track: rtc.RemoteVideoTrack, feed: VideoFeed) -> None:
        self._thread.spawn(lambda: self._read_video(track, feed), "video")

    def open_audio(self, track: rtc.RemoteAudioTrack, feed: AudioFeed) -> None:
        self._thread.spawn(lambda: self._read_audio(track, feed), "audio")

    def close(self) -> None:
        self._thread.close()

    async def _read_video(self, track: rtc.RemoteVideoTrack, feed: VideoFeed) -> None:
        stream = rtc.VideoStream(track, capacity=1, format=rtc.VideoBufferType.I420)
        try:
            async for event in stream:
                frame = event.frame
                feed.offer(
                    I420Frame(
                        np.frombuffer(frame.data, np.uint8),
                        frame.width,
                        frame.height,
                        timestamp_us=event.timestamp_us,
                        rotation_deg=90 * cast(int, event.rotation),
                        received_us=monotonic_us(),
                        matrix=feed.matrix,
                    )
                )
        finally:
            await _closed(stream)

    async def _read_audio(self, track: rtc.RemoteAudioTrack, feed: AudioFeed) -> None:
        stream = rtc.AudioStream(
            track,
            capacity=RING_MS // BLOCK_MS,
            sample_rate=SAMPLE_RATE_HZ,
            num_channels=2,
            frame_size_ms=BLOCK_MS,
        )
        try:
            async for event in stream:
                block = np.frombuffer(event.frame.data, np.int16).reshape(-1, event.frame.num_channels)
                feed.offer(block, monotonic_us())
        finally:
            await _closed(stream)


async def _closed(stream: rtc.VideoStream | rtc.AudioStream) -> None:
    # A video stream of livekit 1.2.1 never ends by itself.
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            await stream.aclose()


class _Arrivals(VideoFeed):
    """Feed that records when which picture arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.received_us: dict[int, int] = {}

    def offer(self, frame: I420Frame) -> None:
        self.received_us[frame.timestamp_us] = frame.received_us
        super().offer(frame)


async def _tracks(room: rtc.Room, connect: Callable[[], Any]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    complete = asyncio.Event()

    def take(track: rtc.Track, _publication: object, _participant: object) -> None:
        found[track.kind] = track
        if len(found) == 2:
            complete.set()

    room.on("track_subscribed", take)
    await connect()
    async with asyncio.timeout(_TRACKS_LIMIT_S):
        await complete.wait()
    return found


async def _cpu_percent(seconds: float = _MEASURE_S) -> float:
    cpu_s, began_s = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (time.process_time() - cpu_s) / (time.monotonic() - began_s)


async def _by(receiver: _Receiver, tracks: dict[int, Any]) -> tuple[float, float]:
    """Return the CPU in percent of a core, and the pictures a second."""
    video, audio = VideoFeed(), AudioFeed()
    receiver.open_video(tracks[rtc.TrackKind.KIND_VIDEO], video)
    receiver.open_audio(tracks[rtc.TrackKind.KIND_AUDIO], audio)
    await asyncio.sleep(1)
    before = video.received
    percent = await _cpu_percent()
    rate_hz = (video.received - before) / _MEASURE_S
    await asyncio.to_thread(receiver.close)
    return percent, rate_hz


async def _behind_ms(tracks: dict[int, Any]) -> list[float]:
    """Return how much later each picture arrives by the public stream, both open at once."""
    tap, public = FfiTap(), _PublicStreams()
    by_tap, by_public = _Arrivals(), _Arrivals()
    tap.open_video(tracks[rtc.TrackKind.KIND_VIDEO], by_tap)
    public.open_video(tracks[rtc.TrackKind.KIND_VIDEO], by_public)
    await asyncio.sleep(_MEASURE_S)
    tap.close()
    await asyncio.to_thread(public.close)
    both = by_tap.received_us.keys() & by_public.received_us.keys()
    return sorted((by_public.received_us[key] - by_tap.received_us[key]) / 1000 for key in both)


async def measure() -> dict[str, Any]:
    """Receive one way after the other."""
    rehearsal = Rehearsal()
    source = await rehearsal.source()
    grant = await source.create(Mode.CONVERSATION, None)
    room = rtc.Room()
    tracks = await _tracks(room, lambda: room.connect(grant.livekit_url, grant.token))
    alone = await _cpu_percent()
    tap, public = list[tuple[float, float]](), list[tuple[float, float]]()
    for _ in range(_ROUNDS):
        tap.append(await _by(FfiTap(), tracks))
        public.append(await _by(_PublicStreams(), tracks))
    behind_ms = await _behind_ms(tracks)
    await source.end(grant.session_id)
    await room.disconnect()
    await rehearsal.aclose()
    return {
        "alone_percent": alone,
        "tap_percent": statistics.mean(percent for percent, _ in tap),
        "public_percent": statistics.mean(percent for percent, _ in public),
        "slowest_hz": min(rate_hz for _, rate_hz in (*tap, *public)),
        "behind_ms": statistics.median(behind_ms) if behind_ms else None,
        "behind_worst_ms": behind_ms[-1] if behind_ms else None,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())), flush=True)
