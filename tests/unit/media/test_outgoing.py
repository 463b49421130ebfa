import asyncio
import time
from collections.abc import Iterator

import numpy as np
import pytest

from atlas_desktop.media.blocks import ArrayReader, silence
from atlas_desktop.media.feeder import Feeder
from atlas_desktop.media.outgoing import OutgoingTrack
from atlas_desktop.media.speaker import ClipStarted
from tests.attempts import timing_sensitive
from tests.unit.media.stand_ins import Ears, until


@pytest.fixture
def feeder() -> Iterator[Feeder]:
    feeder = Feeder()
    yield feeder
    feeder.close()


@timing_sensitive
async def test_the_native_source_takes_a_clip_and_an_interrupt(feeder: Feeder) -> None:
    track = OutgoingTrack("tts-audio", feeder.loop)
    ears = Ears()
    feeder.on_event(ears)
    feeder.attach(track)
    asked_us = time.monotonic_ns() // 1000
    feeder.play(ArrayReader(np.ones(96_000, np.int16)))
    until(lambda: ears.kinds == ["ClipStarted"])
    started = ears.events[0]
    assert isinstance(started, ClipStarted)
    assert started.first_block_monotonic_us - asked_us < 50_000
    time.sleep(0.25)
    feeder.interrupt()
    feeder.play(ArrayReader(np.ones(4800, np.int16)))
    until(lambda: ears.kinds == ["ClipStarted", "ClipStarted", "ClipFinished"])
    assert track.lost_frames == 0
    feeder.detach()
    await track.aclose()


async def test_a_refused_frame_is_dropped_and_counted(feeder: Feeder) -> None:
    track = OutgoingTrack("tts-audio", feeder.loop)
    # A second hand-over while one waits for room is refused by the native source.
    waits, refused = (
        asyncio.run_coroutine_threadsafe(track.write(silence(samples)), feeder.loop)
        for samples in (24_000, 480)
    )
    await asyncio.wrap_future(refused)
    assert track.lost_frames == 1
    feeder.loop.call_soon_threadsafe(track.clear)
    await asyncio.wrap_future(waits)
    await track.aclose()
