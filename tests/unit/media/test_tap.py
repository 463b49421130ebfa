"""The contract with the SDK's private parts: what breaks here needs another tap, or the fallback."""

import asyncio
import inspect
import threading

import pytest
from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, FfiHandle, FfiQueue
from livekit.rtc._proto import audio_frame_pb2, ffi_pb2, video_frame_pb2

from atlas_desktop.media import tap
from atlas_desktop.media.public_streams import PublicStreams
from atlas_desktop.media.streams import TAP_VARIABLE, choose_streams

pytestmark = pytest.mark.contract


def test_this_release_has_what_the_tap_needs() -> None:
    assert tap.tap_available()


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


@pytest.mark.parametrize("lacking", ["subscribe", "unsubscribe"])
@pytest.mark.logs("does not fit this livekit")
def test_without_a_private_name_the_public_streams_are_chosen(
    monkeypatch: pytest.MonkeyPatch, lacking: str, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(FfiQueue, lacking)
    streams = choose_streams()
    assert isinstance(streams, PublicStreams)
    assert "does not fit" in caplog.text


def test_the_environment_forces_the_public_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TAP_VARIABLE, "0")
    assert choose_streams().label == "public"
    monkeypatch.delenv(TAP_VARIABLE)
    assert choose_streams().label == "tap"


def test_a_tap_that_was_never_used_closes_without_a_trace() -> None:
    streams = choose_streams()
    streams.close()
    streams.close()
    assert "media-disposal" not in {thread.name for thread in threading.enumerate()}
    assert FfiClient.instance is FfiClient.instance
