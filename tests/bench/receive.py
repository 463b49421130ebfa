"""Receives a rehearsal without a window, by the tap and by the SDK's public streams, and prints JSON."""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from livekit import rtc

from atlas_desktop.api.source import Mode
from atlas_desktop.media.feeds import AudioFeed, VideoFeed
from atlas_desktop.media.frames import I420Frame
from atlas_desktop.media.public_streams import PublicStreams
from atlas_desktop.media.streams import Streams
from atlas_desktop.media.tap import FfiTap
from atlas_desktop.session.rehearsal import Rehearsal

_MEASURE_S = 8.0
_ROUNDS = 2
_TRACKS_LIMIT_S = 20.0


class _Arrivals(VideoFeed):
    """Notes when which picture came."""

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


async def _by(streams: Streams, tracks: dict[int, Any]) -> float:
    video, audio = VideoFeed(), AudioFeed()
    streams.open_video(tracks[rtc.TrackKind.KIND_VIDEO], video)
    streams.open_audio(tracks[rtc.TrackKind.KIND_AUDIO], audio)
    await asyncio.sleep(1)
    percent = await _cpu_percent()
    await asyncio.to_thread(streams.close)
    return percent


async def _behind_ms(tracks: dict[int, Any]) -> list[float]:
    """How much later each picture comes by the public stream, both open at once."""
    tap, public = FfiTap(), PublicStreams()
    by_tap, by_public = _Arrivals(), _Arrivals()
    tap.open_video(tracks[rtc.TrackKind.KIND_VIDEO], by_tap)
    public.open_video(tracks[rtc.TrackKind.KIND_VIDEO], by_public)
    await asyncio.sleep(_MEASURE_S)
    tap.close()
    await asyncio.to_thread(public.close)
    both = by_tap.received_us.keys() & by_public.received_us.keys()
    return sorted((by_public.received_us[key] - by_tap.received_us[key]) / 1000 for key in both)


async def measure() -> dict[str, Any]:
    """Receives, one way after the other."""
    rehearsal = Rehearsal()
    source = await rehearsal.source()
    grant = await source.create(Mode.CONVERSATION, None)
    room = rtc.Room()
    tracks = await _tracks(room, lambda: room.connect(grant.livekit_url, grant.token))
    alone = await _cpu_percent()
    tap, public = list[float](), list[float]()
    for _ in range(_ROUNDS):
        tap.append(await _by(FfiTap(), tracks))
        public.append(await _by(PublicStreams(), tracks))
    behind_ms = await _behind_ms(tracks)
    await source.end(grant.session_id)
    await room.disconnect()
    await rehearsal.aclose()
    return {
        "alone_percent": alone,
        "tap_percent": statistics.mean(tap),
        "public_percent": statistics.mean(public),
        "behind_ms": statistics.median(behind_ms) if behind_ms else None,
        "behind_worst_ms": behind_ms[-1] if behind_ms else None,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())), flush=True)
