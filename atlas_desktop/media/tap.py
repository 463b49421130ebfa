"""The tap: frames taken in the SDK's own callback thread, past every queue and event loop.

With ``room_inbox`` the one file that uses names private to livekit 1.2.1 (``_ffi_client``, ``_proto``,
``_ffi_handle``); the exact pin in pyproject.toml and the contract test guard them. The SDK's public streams
cost a wake-up of a loop and a hand-over of the GIL for each frame. Measured by ``tests.bench media``: 0.87 ×
their CPU, 0.6 × what they cost beyond decoding.
"""

import asyncio
import ctypes
import logging
import threading
from collections.abc import Callable
from functools import partial

import numpy as np
from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, FfiHandle
from livekit.rtc._proto import audio_frame_pb2, ffi_pb2, video_frame_pb2

from atlas_desktop.aio import guarded
from atlas_desktop.clock import monotonic_us
from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import BLOCK_MS, SAMPLE_RATE_HZ
from atlas_desktop.media.disposal import DeferredDisposer
from atlas_desktop.media.feeds import RING_MS, AudioFeed, VideoFeed
from atlas_desktop.media.frames import I420Frame, NativeMemory, i420_size

log = logging.getLogger(__name__)

AUDIO_CHANNELS = 2
_AUDIO_QUEUE_FRAMES = RING_MS // BLOCK_MS
_END_S = 0.25

StreamEvent = video_frame_pb2.VideoStreamEvent | audio_frame_pb2.AudioStreamEvent


class TapStream:
    """One native stream on its way to a feed.

    Attributes:
        failed: Frames are lost by an error of ours, which is logged.
    """

    def __init__(
        self, handle: FfiHandle, disposer: DeferredDisposer, offer: Callable[[StreamEvent], None]
    ) -> None:
        self.failed = False
        self._handle = handle
        self._disposer = disposer
        self._closed = False
        self._offer = guarded("media.tap", self._on_error)(offer)

    def close(self) -> None:
        """Stop the native stream, and dispose the frames in flight. May be called twice."""
        self._closed = True
        self._handle.dispose()

    def take(self, event: StreamEvent) -> None:
        """Take one frame. Thread: the SDK's, under its lock."""
        if self._closed or self.failed:
            self._disposer.discard(partial(_dispose, _frame_handle(event)))
        else:
            self._offer(event)

    def _on_error(self, error: AppError) -> None:
        self.failed = True


class FfiTap:
    """Streams of remote tracks, by a filter in the SDK's event queue. Thread: the room's loop.

    The filter runs under the SDK's lock: it never raises, blocks or calls the SDK. It returns False, so that
    nothing is queued on any loop.
    """

    def __init__(self) -> None:
        self._disposer = DeferredDisposer()
        self._streams: dict[int, TapStream] = {}
        self._opening = False
        self._early: list[tuple[int, int]] = []
        self._all_ended = threading.Event()
        self._known_threads: set[int] = set()
        self._unsubscribe: Callable[[], None] | None = None

    def open_video(self, track: rtc.RemoteVideoTrack, feed: VideoFeed) -> TapStream:
        """Send the track's pictures to ``feed``, without a copy, until the stream is closed."""
        request = ffi_pb2.FfiRequest()
        wanted = request.new_video_stream
        wanted.track_handle = track._ffi_handle.handle
        wanted.type = video_frame_pb2.VideoStreamType.VIDEO_STREAM_NATIVE
        wanted.normalize_stride = True
        return self._open(request, partial(_offer_picture, feed, self._disposer))

    def open_audio(self, track: rtc.RemoteAudioTrack, feed: AudioFeed) -> TapStream:
        """Send the track's sound to ``feed``, 48 kHz stereo in blocks of 10 ms, as it is decoded."""
        request = ffi_pb2.FfiRequest()
        wanted = request.new_audio_stream
        wanted.track_handle = track._ffi_handle.handle
        wanted.type = audio_frame_pb2.AudioStreamType.AUDIO_STREAM_NATIVE
        wanted.sample_rate = SAMPLE_RATE_HZ
        wanted.num_channels = AUDIO_CHANNELS
        wanted.frame_size_ms = BLOCK_MS
        # After a stall of the process no more old sound than the ring takes may follow.
        wanted.queue_size_frames = _AUDIO_QUEUE_FRAMES
        return self._open(request, partial(_offer_sound, feed, self._disposer))

    def close(self) -> None:
        """Close every stream, wait at most 0.25 s for the last frame in flight, and join the thread."""
        for stream in tuple(self._streams.values()):
            stream.close()
        if self._streams and not self._all_ended.wait(_END_S):
            log.info("%d native streams did not report their end", len(self._streams))
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._streams.clear()
        self._disposer.close()

    def _open(self, request: ffi_pb2.FfiRequest, offer: Callable[[StreamEvent], None]) -> TapStream:
        self._subscribe()
        self._early.clear()
        self._opening = True
        try:
            response = FfiClient.instance.request(request)
        finally:
            self._opening = False
        which = response.WhichOneof("message")
        made = response.new_video_stream if which == "new_video_stream" else response.new_audio_stream
        handle = FfiHandle(made.stream.handle.id)
        stream = TapStream(handle, self._disposer, offer)
        # In this order: if the others end in between, that must not count as the end of all.
        self._streams[handle.handle] = stream
        self._all_ended.clear()
        # Frames that arrived before the stream's number was known: too few to be worth showing.
        for number, frame in tuple(self._early):
            if number == handle.handle:
                self._disposer.discard(partial(_dispose, frame))
        self._early.clear()
        return stream

    def _subscribe(self) -> None:
        if self._unsubscribe is None:
            self._disposer.start()
            take = guarded("media.tap")(self._on_event)
            events = FfiClient.instance.queue
            subscription = events.subscribe(asyncio.get_running_loop(), lambda event: bool(take(event)))
            self._unsubscribe = partial(events.unsubscribe, subscription)

    def _on_event(self, event: ffi_pb2.FfiEvent) -> bool:
        self._keep_thread_state()
        kind = event.WhichOneof("message")
        if kind == "video_stream_event":
            self._on_stream_event(event.video_stream_event)
        elif kind == "audio_stream_event":
            self._on_stream_event(event.audio_stream_event)
        return False

    def _keep_thread_state(self) -> None:
        """Keep Python's thread state of the SDK's thread between callbacks.

        For each callback into a foreign thread Python creates a thread state and deletes it afterwards: 150
        times a second a stack is mapped and unmapped, which interrupts every thread of the program (TLB
        shootdown). One ``PyGILState_Ensure`` without its release keeps the state as long as the thread lives.
        """
        thread = threading.get_ident()
        if thread not in self._known_threads:
            self._known_threads.add(thread)
            ctypes.pythonapi.PyGILState_Ensure()

    def _on_stream_event(self, event: StreamEvent) -> None:
        number = event.stream_handle
        stream = self._streams.get(number)
        if event.WhichOneof("message") == "frame_received":
            if stream is not None:
                stream.take(event)
            elif self._opening:
                self._early.append((number, _frame_handle(event)))
        elif stream is not None:
            del self._streams[number]
            if not self._streams:
                self._all_ended.set()


def _dispose(handle: int) -> None:
    # The SDK's object for a handle is created where it is disposed, many at a time: not in its own thread.
    FfiHandle(handle).dispose()


def _frame_handle(event: StreamEvent) -> int:
    if isinstance(event, video_frame_pb2.VideoStreamEvent):
        return event.frame_received.buffer.handle.id
    return event.frame_received.frame.handle.id


def _offer_picture(feed: VideoFeed, disposer: DeferredDisposer, event: StreamEvent) -> None:
    assert isinstance(event, video_frame_pb2.VideoStreamEvent)
    received = event.frame_received
    info = received.buffer.info
    release = partial(disposer.discard, FfiHandle(received.buffer.handle.id).dispose)
    memory = NativeMemory(info.data_ptr, i420_size(info.width, info.height), release)
    if info.type != video_frame_pb2.VideoBufferType.I420:
        raise TypeError(f"a picture of buffer type {info.type}, not I420")
    feed.offer(
        I420Frame(
            np.asarray(memory),
            info.width,
            info.height,
            timestamp_us=received.timestamp_us,
            rotation_deg=90 * int(received.rotation),
            received_us=monotonic_us(),
            matrix=feed.matrix,
        )
    )


def _offer_sound(feed: AudioFeed, disposer: DeferredDisposer, event: StreamEvent) -> None:
    assert isinstance(event, audio_frame_pb2.AudioStreamEvent)
    frame = event.frame_received.frame
    info = frame.info
    # 2 kB: a copy is cheaper than keeping the native buffer.
    data = ctypes.string_at(info.data_ptr, info.num_channels * info.samples_per_channel * 2)
    disposer.discard(partial(_dispose, frame.handle.id))
    feed.offer(np.frombuffer(data, np.int16).reshape(-1, info.num_channels), monotonic_us())
