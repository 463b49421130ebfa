"""The contract with the SDK's private parts: what breaks here needs another tap."""

import asyncio
import inspect
import threading

import pytest
from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, FfiHandle, FfiQueue
from livekit.rtc._proto import audio_frame_pb2, ffi_pb2, video_frame_pb2

from atlas_desktop.media.tap import FfiTap

pytestmark = pytest.mark.contract


def test_this_release_has_what_the_tap_needs() -> None:
    assert list(inspect.signature(FfiQueue.subscribe).parameters) == ["self", "loop", "filter_fn"]
    assert hasattr(FfiQueue, "unsubscribe")
    assert all(hasattr(FfiHandle, name) for name in ("dispose", "disposed"))
    assert all(hasattr(FfiClient, name) for name in ("instance", "request", "queue"))
    assert {"new_video_stream", "new_audio_stream"} <= set(ffi_pb2.FfiRequest.DESCRIPTOR.fields_by_name)
    assert "normalize_stride" in video_frame_pb2.NewVideoStreamRequest.DESCRIPTOR.fields_by_name
    assert "frame_size_ms" in audio_frame_pb2.NewAudioStreamRequest.DESCRIPTOR.fields_by_name


def test_a_filter_that_says_no_gets_every_event_and_queues_none() -> None:
    events: FfiQueue[ffi_pb2.FfiEvent] = FfiQueue()
    loop = asyncio.new_event_loop()
    seen: list[ffi_pb2.FfiEvent] = []

    def keep(event: ffi_pb2.FfiEvent) -> bool:
        seen.append(event)
        return False

    waiting = events.subscribe(loop, keep)
    event = ffi_pb2.FfiEvent()
    events.put(event)
    loop.run_until_complete(asyncio.sleep(0))
    assert seen == [event]
    assert waiting.empty()
    events.unsubscribe(waiting)
    events.put(event)
    assert len(seen) == 1
    loop.close()


def test_the_messages_have_the_fields_the_tap_reads() -> None:
    picture = video_frame_pb2.VideoStreamEvent(stream_handle=1)
    picture.frame_received.timestamp_us = 5
    picture.frame_received.rotation = video_frame_pb2.VideoRotation.VIDEO_ROTATION_270
    info = picture.frame_received.buffer.info
    info.width, info.height, info.data_ptr = 2, 2, 1
    info.type = video_frame_pb2.VideoBufferType.I420
    picture.frame_received.buffer.handle.id = 7
    assert 90 * int(picture.frame_received.rotation) == 270
    assert picture.WhichOneof("message") == "frame_received"
    sound = audio_frame_pb2.AudioStreamEvent(stream_handle=1)
    sound.frame_received.frame.info.samples_per_channel = 960
    sound.frame_received.frame.info.num_channels = 2
    sound.frame_received.frame.handle.id = 7
    end = video_frame_pb2.VideoStreamEvent(stream_handle=1)
    end.eos.SetInParent()
    assert end.WhichOneof("message") == "eos"


async def test_disposing_a_handle_calls_the_native_side() -> None:
    assert list(inspect.signature(FfiHandle).parameters) == ["handle"]
    source = rtc.AudioSource(48_000, 1)
    handle: FfiHandle = source._ffi_handle
    assert handle.handle > 0
    handle.dispose()
    assert handle.disposed


def test_a_tap_that_was_never_used_closes_without_a_trace() -> None:
    tap = FfiTap()
    tap.close()
    tap.close()
    assert "media-handles" not in {thread.name for thread in threading.enumerate()}
    assert FfiClient.instance is FfiClient.instance
