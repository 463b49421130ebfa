"""The fallback of the tap: the SDK's public streams, on a loop in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeVar, cast

import numpy as np
from livekit import rtc

from atlas_desktop.clock import monotonic_us
from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import BLOCK_MS, SAMPLE_RATE_HZ
from atlas_desktop.media.feeds import RING_MS, AudioFeed, VideoFeed
from atlas_desktop.media.frames import I420Frame
from atlas_desktop.media.loop_thread import LoopThread

Event = TypeVar("Event")
Event_co = TypeVar("Event_co", covariant=True)

_CHANNELS = 2
_QUEUED_BLOCKS = RING_MS // BLOCK_MS
_CLOSE_S = 2.0


class _Source(Protocol[Event_co]):
    """What ``rtc.VideoStream`` and ``rtc.AudioStream`` have in common."""

    def __aiter__(self) -> AsyncIterator[Event_co]: ...

    async def aclose(self) -> None: ...


class PublicStream:
    """One public stream, read by a task on the media loop."""

    def __init__(self) -> None:
        self.failed = False
        self._closed = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def close(self) -> None:
        """Cancels the reading: ``rtc.VideoStream`` never ends by itself (livekit 1.2.1)."""
        self._closed.set()
        loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    async def read(self, open_source: Callable[[], _Source[Event]], offer: Callable[[Event], None]) -> None:
        """Offers every event of the source until closed. Thread: the media loop's."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        if self._closed.is_set():
            return
        source = open_source()
        try:
            async for event in source:
                if self._closed.is_set():
                    return
                offer(event)
        finally:
            self.failed = not self._closed.is_set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await source.aclose()


class PublicStreams:
    """Takes frames by ``rtc.VideoStream`` and ``rtc.AudioStream``. Thread: the room's loop."""

    label = "public"

    def __init__(self) -> None:
        self._thread = LoopThread("media-streams", self._on_error)
        self._streams: list[PublicStream] = []

    def open_video(self, track: rtc.RemoteVideoTrack, feed: VideoFeed) -> PublicStream:
        """Sends the track's pictures to ``feed``; the SDK copies each once."""

        def offer(event: rtc.VideoFrameEvent) -> None:
            feed.offer(
                I420Frame(
                    np.frombuffer(event.frame.data, np.uint8),
                    event.frame.width,
                    event.frame.height,
                    timestamp_us=event.timestamp_us,
                    rotation_deg=90 * cast(int, event.rotation),
                    received_us=monotonic_us(),
                    matrix=feed.matrix,
                )
            )

        stream = self._new_stream()
        self._thread.spawn(
            lambda: stream.read(
                lambda: rtc.VideoStream(track, capacity=1, format=rtc.VideoBufferType.I420), offer
            ),
            "video",
        )
        return stream

    def open_audio(self, track: rtc.RemoteAudioTrack, feed: AudioFeed) -> PublicStream:
        """Sends the track's sound to ``feed``, 48 kHz stereo in blocks of 10 ms."""

        def offer(event: rtc.AudioFrameEvent) -> None:
            block = np.frombuffer(event.frame.data, np.int16).reshape(-1, event.frame.num_channels)
            feed.offer(block, monotonic_us())

        stream = self._new_stream()
        self._thread.spawn(
            lambda: stream.read(
                lambda: rtc.AudioStream(
                    track,
                    capacity=_QUEUED_BLOCKS,
                    sample_rate=SAMPLE_RATE_HZ,
                    num_channels=_CHANNELS,
                    frame_size_ms=BLOCK_MS,
                ),
                offer,
            ),
            "audio",
        )
        return stream

    def close(self) -> None:
        """Closes every stream and joins the thread."""
        for stream in self._streams:
            stream.close()
        self._streams.clear()
        self._thread.close()

    def _new_stream(self) -> PublicStream:
        stream = PublicStream()
        self._streams = [*(known for known in self._streams if not known.failed), stream]
        return stream

    def _on_error(self, error: AppError) -> None:
        """The task's stream has its own flag; the scope has logged the error."""
