"""The tap: frames taken in the SDK's own callback thread, past every queue and loop.

With ``room_inbox`` the one file with names private to livekit 1.2.1 (``_ffi_client``, ``_proto``,
``_ffi_handle``); the pin in pyproject.toml, ``tap_available`` and its contract test guard them. Half the CPU
and a third of the delay of the public streams, which cost a wake-up and a hand-over of the GIL a frame.
"""

import asyncio
import ctypes
import inspect
import logging
import threading
from collections.abc import Callable
from functools import partial

import numpy as np
from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, FfiHandle, FfiQueue
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


def tap_available() -> bool:
    """Whether this SDK has every private name the tap uses, as it expects it."""
    subscribe = getattr(FfiQueue, "subscribe", None)
    request = ffi_pb2.FfiRequest.DESCRIPTOR.fields_by_name
    return (
        subscribe is not None
        and list(inspect.signature(subscribe).parameters) == ["self", "loop", "filter_fn"]
        and hasattr(FfiQueue, "unsubscribe")
        and all(hasattr(FfiHandle, name) for name in ("dispose", "disposed"))
        and all(hasattr(FfiClient, name) for name in ("instance", "request", "queue"))
        and "new_video_stream" in request
        and "new_audio_stream" in request
        and "normalize_stride" in video_frame_pb2.NewVideoStreamRequest.DESCRIPTOR.fields_by_name
        and "frame_size_ms" in audio_frame_pb2.NewAudioStreamRequest.DESCRIPTOR.fields_by_name
    )


class _Unopened:
    """A native handle's number: the SDK's object for it is made by whoever gives it back, many at once."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def dispose(self) -> None:
        FfiHandle(self._number).dispose()


class TapStream:
    """One native stream of the tap's own."""

    def __init__(
        self, handle: FfiHandle, disposer: DeferredDisposer, offer: Callable[[StreamEvent], None]
    ) -> None:
        self.failed = False
        self._handle = handle
        self._disposer = disposer
        self._closed = False
        self._offer = guarded("media.tap", self._on_error)(offer)

    def close(self) -> None:
        """Stops the native stream; frames still in flight are given back unseen."""
        self._closed = True
        self._handle.dispose()

    def take(self, event: StreamEvent) -> None:
        """One frame. Thread: the SDK's, under its lock."""
        if self._closed or self.failed:
            self._disposer.defer(FfiHandle(_frame_handle(event)).dispose)
        else:
            self._offer(event)

    def _on_error(self, error: AppError) -> None:
        self.failed = True


class FfiTap:
    """Takes frames by a filter in the SDK's event queue. Thread: the room's loop.

    The filter runs under the SDK's lock: it never raises, never blocks, never calls the SDK, and says
    False, so that nothing is queued on any loop.
    """

    label = "tap"

    def __init__(self) -> None:
        self._disposer = DeferredDisposer()
        self._streams: dict[int, TapStream] = {}
        self._opening = False
        self._early: list[tuple[int, int]] = []
        self._all_ended = threading.Event()
        self._known_threads: set[int] = set()
        self._unsubscribe: Callable[[], None] | None = None

    def open_video(self, track: rtc.RemoteVideoTrack, feed: VideoFeed) -> TapStream:
        """Sends the track's pictures to ``feed``, without a copy."""
        request = ffi_pb2.FfiRequest()
        wanted = request.new_video_stream
        wanted.track_handle = track._ffi_handle.handle
        wanted.type = video_frame_pb2.VideoStreamType.VIDEO_STREAM_NATIVE
        wanted.normalize_stride = True
        return self._open(request, partial(_offer_picture, feed, self._disposer))

    def open_audio(self, track: rtc.RemoteAudioTrack, feed: AudioFeed) -> TapStream:
        """Sends the track's sound to ``feed``, 48 kHz stereo in blocks of 10 ms: as they are decoded."""
        request = ffi_pb2.FfiRequest()
        wanted = request.new_audio_stream
        wanted.track_handle = track._ffi_handle.handle
        wanted.type = audio_frame_pb2.AudioStreamType.AUDIO_STREAM_NATIVE
        wanted.sample_rate = SAMPLE_RATE_HZ
        wanted.num_channels = AUDIO_CHANNELS
        wanted.frame_size_ms = BLOCK_MS
        # A stall of the process must not come back as a long queue of old sound.
        wanted.queue_size_frames = _AUDIO_QUEUE_FRAMES
        return self._open(request, partial(_offer_sound, feed, self._disposer))

    def close(self) -> None:
        """Closes every stream, waits (0.25 s at most) for the last frame in flight, joins the thread."""
        for stream in tuple(self._streams.values()):
            stream.close()
        if self._streams and not self._all_ended.wait(_END_S):
            log.info("%d native streams did not say their end", len(self._streams))
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
        # In this order: an end of the others in between must not count as the end of all.
        self._streams[handle.handle] = stream
        self._all_ended.clear()
        # What came before we knew the stream's number is too little to be worth showing.
        for number, frame in tuple(self._early):
            if number == handle.handle:
                self._disposer.defer(FfiHandle(frame).dispose)
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
        """Lets Python know the SDK's thread for good.

        For each callback Python makes a state of its own for a foreign thread, and drops it afterwards: 150
        times a second a stack is mapped and unmapped, which stops every thread of the program on its core.
        One taking of the interpreter that is not given back keeps that state as long as the thread lives.
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


def _frame_handle(event: StreamEvent) -> int:
    if isinstance(event, video_frame_pb2.VideoStreamEvent):
        return event.frame_received.buffer.handle.id
    return event.frame_received.frame.handle.id


def _offer_picture(feed: VideoFeed, disposer: DeferredDisposer, event: StreamEvent) -> None:
    assert isinstance(event, video_frame_pb2.VideoStreamEvent)
    received = event.frame_received
    info = received.buffer.info
    release = partial(disposer.defer, FfiHandle(received.buffer.handle.id).dispose)
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
    disposer.defer(_Unopened(frame.handle.id).dispose)
    feed.offer(np.frombuffer(data, np.int16).reshape(-1, info.num_channels), monotonic_us())
