import asyncio
import threading

import numpy as np
import pytest

from atlas_desktop.media.feeds import AudioFeed, VideoFeed
from atlas_desktop.media.frames import I420Frame, i420_size


def frame(stamp: int) -> I420Frame:
    return I420Frame(np.zeros(i420_size(4, 2), np.uint8), 4, 2, stamp, received_us=stamp)


def sound(level: int, samples: int = 960) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    return np.full((samples, 2), level, np.int16)


def test_the_painter_is_signalled_once_until_it_has_taken() -> None:
    feed = VideoFeed()
    signals: list[str] = []
    feed.on_arrival(lambda: signals.append("come"))
    feed.offer(frame(1))
    feed.offer(frame(2))
    assert signals == ["come"]
    taken = feed.due(0, None).frame
    assert taken is not None
    assert taken.timestamp_us == 2
    assert feed.due(0, None).frame is None
    feed.offer(frame(3))
    assert signals == ["come", "come"]
    assert (feed.received, feed.dropped) == (3, 1)


def test_who_is_taken_off_is_not_being_told_any_more() -> None:
    """The painter is destroyed next; a native thread that is about to tell it would end the process."""
    feed = VideoFeed()
    telling, may_end = threading.Event(), threading.Event()

    def tell() -> None:
        telling.set()
        may_end.wait(20)

    feed.on_arrival(tell)
    native = threading.Thread(target=feed.offer, args=(frame(1),))
    native.start()
    assert telling.wait(20)
    taking_off = threading.Thread(target=feed.on_arrival, args=(None,))
    taking_off.start()
    taking_off.join(0.1)
    assert taking_off.is_alive()
    may_end.set()
    taking_off.join(20)
    native.join(20)
    assert not taking_off.is_alive()


def test_latest_stays_until_replaced_and_goes_with_clear() -> None:
    feed = VideoFeed()
    feed.offer(frame(1))
    feed.due(0, None)
    assert feed.latest() is feed.latest() is not None
    feed.clear()
    assert feed.latest() is None
    assert feed.first_frame_us is None


def test_the_first_frame_is_told_again_after_clear() -> None:
    feed = VideoFeed()
    firsts: list[int | None] = []
    feed.on_first_frame(lambda: firsts.append(feed.first_frame_us))
    feed.offer(frame(5))
    feed.offer(frame(6))
    feed.clear()
    feed.offer(frame(9))
    assert firsts == [5, 9]
    assert feed.last_frame_us == 9


async def test_iterating_skips_to_the_newest_frame_and_ends_with_close() -> None:
    feed = VideoFeed()
    seen: list[int] = []

    async def look() -> None:
        async for picture in feed:
            seen.append(picture.timestamp_us)

    looking = asyncio.create_task(look())
    await asyncio.sleep(0)
    for stamp in (1, 2, 3):
        feed.offer(frame(stamp))
    await asyncio.sleep(0.01)
    feed.offer(frame(4))
    await asyncio.sleep(0.01)
    feed.close()
    await asyncio.wait_for(looking, 1)
    assert seen == [3, 4]


async def test_every_block_reaches_an_iteration_from_another_thread() -> None:
    feed = AudioFeed()
    blocks = aiter(feed)

    def offer() -> None:
        for level in range(40):
            feed.offer(sound(level))

    thread = threading.Thread(target=offer)
    thread.start()
    async with asyncio.timeout(2):
        levels = [int((await anext(blocks))[0, 0]) for _ in range(40)]
    thread.join()
    assert levels == list(range(40))


async def test_a_slow_listener_loses_the_oldest_beyond_a_second() -> None:
    feed = AudioFeed()
    blocks = aiter(feed)
    for level in range(110):
        feed.offer(sound(level))
    assert int((await anext(blocks))[0, 0]) == 10


async def test_an_iteration_that_was_left_is_forgotten() -> None:
    feed = AudioFeed()
    async with asyncio.timeout(1):
        feed_later = asyncio.get_running_loop().call_soon(feed.offer, sound(3))
        async for block in feed:
            assert block.shape == (960, 2)
            break
    assert feed_later.cancelled() is False
    feed.close()
    with pytest.raises(StopAsyncIteration):
        await anext(aiter(feed))


def test_first_sound_is_the_first_block_above_minus_50_dbfs() -> None:
    feed = AudioFeed()
    feed.offer(sound(100), 1)  # -50.3 dBFS
    feed.offer(sound(110), 2)  # -49.5 dBFS
    feed.offer(sound(0), 3)
    assert (feed.first_sound_us, feed.last_sound_us, feed.blocks) == (2, 2, 3)
    assert -52 < feed.level_dbfs < -49
    latest = feed.latest()
    assert latest is not None
    assert latest[0, 0] == 0
    feed.clear()
    assert feed.first_sound_us is None
    assert feed.ring.level_samples == 0
    assert feed.level_dbfs == -100


def test_dropped_frames_count_for_one_session() -> None:
    feed = VideoFeed()
    for stamp in range(3):
        feed.offer(frame(stamp))
    assert feed.dropped == 2
    feed.clear()
    assert feed.dropped == 0
    for stamp in range(2):
        feed.offer(frame(stamp))
    assert feed.dropped == 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6, 8])
def test_sound_of_any_number_of_channels_is_mixed_sanely(channels: int) -> None:
    feed = AudioFeed()
    feed.offer(np.full((480, channels), 10_000, np.int16))
    heard = feed.ring.read(480)
    assert heard.shape == (480, 2)
    assert np.abs(heard.astype(np.int32) - 10_000).max() <= 3_000
    loud = AudioFeed()
    loud.offer(np.full((480, channels), 32_767, np.int16))
    assert loud.ring.read(480).min() > 0


def test_a_side_stays_on_its_side() -> None:
    feed, left = AudioFeed(), np.zeros((480, 6), np.int16)
    left[:, 0] = 20_000
    feed.offer(left)
    heard = feed.ring.read(480)
    assert heard[:, 0].min() > 5_000
    assert not heard[:, 1].any()


def test_broken_floats_are_silence_or_full_scale() -> None:
    feed = AudioFeed()
    feed.offer(np.array([[np.nan], [np.inf], [-9.0], [0.5]], np.float32))
    assert feed.ring.read(4)[:, 0].tolist() == [0, 32_767, -32_768, 16_384]


def test_a_picture_larger_than_any_screen_is_left_out() -> None:
    feed = VideoFeed()
    memory = np.zeros(6, np.uint8)
    feed.offer(I420Frame(memory, 16_383, 16_383, received_us=1))
    feed.offer(I420Frame(memory, 2**31 - 1, 1, received_us=1))
    assert (feed.received, feed.latest(), feed.first_frame_us) == (0, None, None)
    feed.offer(frame(1))
    assert feed.received == 1
