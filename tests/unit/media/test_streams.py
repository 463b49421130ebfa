"""Both ways of taking frames, on a real room: the local Atlas in a thread, WebRTC on loopback."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from livekit import rtc
from livekit.rtc import _ffi_client

from atlas_desktop.api.client import AtlasSource
from atlas_desktop.api.source import Mode
from atlas_desktop.local_atlas.running import LocalAtlasThread
from atlas_desktop.local_atlas.stage import Cast, Stage
from atlas_desktop.media.blocks import Block
from atlas_desktop.media.feeds import AudioFeed, VideoFeed
from atlas_desktop.media.public_streams import PublicStreams
from atlas_desktop.media.streams import StreamHandle, Streams
from atlas_desktop.media.tap import FfiTap
from tests.unit.local_atlas.stand_ins import ToyPerformer, eventually

pytestmark = pytest.mark.contract


def casting(_mode: str, _face: bytes | None, _stage: Stage) -> Cast:
    return Cast(ToyPerformer(hums=True))


@dataclass
class Seat:
    """A room that was joined, and what flows out of it."""

    streams: Streams
    video: VideoFeed = field(default_factory=VideoFeed)
    audio: AudioFeed = field(default_factory=AudioFeed)
    handles: list[StreamHandle] = field(default_factory=list)

    def take(self, track: rtc.Track, *_: object) -> None:
        if isinstance(track, rtc.RemoteVideoTrack):
            self.handles.append(self.streams.open_video(track, self.video))
        elif isinstance(track, rtc.RemoteAudioTrack):
            self.handles.append(self.streams.open_audio(track, self.audio))


@pytest.fixture(scope="module")
def atlas() -> Iterator[LocalAtlasThread]:
    with LocalAtlasThread(casting) as atlas:
        yield atlas


@pytest.fixture(params=[FfiTap, PublicStreams])
async def seat(request: pytest.FixtureRequest, atlas: LocalAtlasThread) -> AsyncIterator[Seat]:
    source = AtlasSource(atlas.key, atlas.base, billed=False)
    grant = await source.create(Mode.PASSTHROUGH, None)
    room, seat = rtc.Room(), Seat(request.param())
    room.on("track_subscribed", seat.take)
    await room.connect(grant.livekit_url, grant.token)
    yield seat
    seat.streams.close()
    await room.disconnect()
    await source.end(grant.session_id)
    await source.aclose()


def native_handles() -> int:
    gc.collect()
    return len(_ffi_client._live_handles)


async def test_pictures_and_sound_arrive_and_end_with_close(seat: Seat) -> None:
    await eventually(lambda: seat.video.received >= 5, "pictures")
    await eventually(lambda: seat.audio.blocks >= 25, "sound")
    frame, block = seat.video.latest(), seat.audio.latest()
    assert frame is not None
    assert block is not None
    assert frame.planes().shape == (768, 512)
    assert abs(frame.received_us - frame.timestamp_us) < 1_000_000
    assert block.shape == (480, 2)
    assert seat.audio.ring.level_samples > 0
    held = native_handles()
    await asyncio.sleep(0.5)
    # What a tenth of a second brings; a busy machine gives them back later.
    await eventually(lambda: native_handles() - held < 12, "handles given back")
    for handle in seat.handles:
        assert not handle.failed
        handle.close()
        handle.close()
    await asyncio.sleep(0.1)
    before = (seat.video.received, seat.audio.blocks)
    await asyncio.sleep(0.2)
    assert (seat.video.received, seat.audio.blocks) == before


async def test_nothing_is_left_of_a_closed_room(seat: Seat) -> None:
    await eventually(lambda: len(seat.handles) == 2, "both tracks")
    await eventually(lambda: seat.video.received > 0, "a picture")
    seat.streams.close()
    left = {"media-disposal", "media-streams"} & {thread.name for thread in threading.enumerate()}
    assert left == set()
    frame = seat.video.latest()
    assert frame is not None
    assert frame.planes().max() <= 255  # still readable: its memory is its own
    seat.video.clear()


@pytest.mark.logs("failed")
async def test_an_error_in_a_feed_sets_the_flag_and_the_sdk_goes_on(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_frame: object) -> None:
        raise KeyError("a bug of ours")

    monkeypatch.setattr(seat.video, "offer", fail)
    await eventually(lambda: any(handle.failed for handle in seat.handles), "the flag")
    await eventually(lambda: seat.audio.blocks > 0, "sound all the same")
    assert [handle.failed for handle in seat.handles].count(True) == 1
    await eventually(lambda: "a bug of ours" in caplog.text, "the log")


async def test_the_native_thread_is_known_from_one_frame_to_the_next(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else a state of its own is made, mapped and unmapped for every single frame.
    of_thread, counts = threading.local(), list[int]()

    def count(_block: Block, _received_us: int | None = None) -> None:
        of_thread.count = getattr(of_thread, "count", 0) + 1
        counts.append(of_thread.count)

    monkeypatch.setattr(seat.audio, "offer", count)
    await eventually(lambda: len(counts) >= 30, "sound")
    assert max(counts) >= 10
