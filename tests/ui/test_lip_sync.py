"""The picture view when pictures wait for their sound."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.media.frames import I420Frame, i420_size
from atlas_desktop.media.lipsync import HALF_BLOCK_MS, LEAD_MS, LipSync
from atlas_desktop.video.picture_view import PictureView
from tests.attempts import timing_sensitive

HOLD_MS = 120.0
# Other programs may take the machine for a moment.
LATE_MS = 60.0


def frame(stamp_us: int | None = None, width: int = 64, height: int = 64) -> I420Frame:
    now_us = monotonic_us()
    grey = np.full(i420_size(width, height), 128, np.uint8)
    return I420Frame(grey, width, height, now_us if stamp_us is None else stamp_us, 0, now_us)


@pytest.fixture
def sync() -> LipSync:
    """One that has settled."""
    sync = LipSync()
    for second in range(6):
        sync.measure((second + 1) * 1_000_000, HOLD_MS - 10 - HALF_BLOCK_MS + LEAD_MS, 10.0)
    assert sync.hold_us == HOLD_MS * 1000
    return sync


@pytest.fixture
def feed() -> VideoFeed:
    return VideoFeed()


@pytest.fixture
def view(qtbot: QtBot, feed: VideoFeed, sync: LipSync) -> Iterator[PictureView]:
    view = PictureView(feed, sync)
    qtbot.addWidget(view)
    view.resize(200, 200)
    view.show()
    qtbot.waitExposed(view)
    yield view
    view.detach()


def begin_anew(view: PictureView, feed: VideoFeed) -> None:
    """An attempt before this one may have left frames and counters."""
    feed.clear()
    view.clear()


def shown_after_ms(qtbot: QtBot, view: PictureView, stamp_us: int, count: int = 1) -> float:
    qtbot.waitUntil(lambda: view.counters.painted >= count, timeout=2_000)
    assert view.counters.last_painted_us is not None
    return (view.counters.last_painted_us - stamp_us) / 1000


@timing_sensitive
def test_a_frame_waits_for_its_sound(qtbot: QtBot, view: PictureView, feed: VideoFeed) -> None:
    begin_anew(view, feed)
    offered = frame()
    feed.offer(offered)
    assert HOLD_MS - 10 <= shown_after_ms(qtbot, view, offered.timestamp_us) < HOLD_MS + LATE_MS


@timing_sensitive
def test_every_frame_of_a_stream_is_shown_in_its_turn(
    qtbot: QtBot, view: PictureView, feed: VideoFeed
) -> None:
    begin_anew(view, feed)
    for _ in range(10):
        feed.offer(frame())
        qtbot.wait(40)
    qtbot.waitUntil(lambda: view.counters.painted + feed.dropped == 10, timeout=2_000)
    assert view.counters.painted >= 8


@timing_sensitive
def test_a_late_frame_is_shown_at_once(qtbot: QtBot, view: PictureView, feed: VideoFeed) -> None:
    begin_anew(view, feed)
    feed.offer(frame(monotonic_us() - 400_000))
    before_us = monotonic_us()
    assert shown_after_ms(qtbot, view, before_us) < LATE_MS


@pytest.mark.parametrize("stamp_us", [0, -1, 2**60])
@timing_sensitive
def test_a_timestamp_without_sense_holds_nothing_up(
    qtbot: QtBot, view: PictureView, feed: VideoFeed, stamp_us: int
) -> None:
    begin_anew(view, feed)
    before_us = monotonic_us()
    feed.offer(frame(stamp_us))
    assert shown_after_ms(qtbot, view, before_us) < HOLD_MS + LATE_MS


@timing_sensitive
def test_the_lowest_delay_is_taken_up_while_frames_wait(
    qtbot: QtBot, view: PictureView, feed: VideoFeed, sync: LipSync
) -> None:
    begin_anew(view, feed)
    sync.enabled = True
    feed.offer(frame())
    qtbot.wait(5)
    sync.enabled = False
    qtbot.waitUntil(lambda: view.counters.painted == 1, timeout=2_000)
    before_us = monotonic_us()
    feed.offer(frame())
    assert shown_after_ms(qtbot, view, before_us, 2) < LATE_MS


def test_a_hidden_view_holds_no_frames_back(qtbot: QtBot, view: PictureView, feed: VideoFeed) -> None:
    view.hide()
    for _ in range(3):
        feed.offer(frame())
        qtbot.wait(20)
    assert (view.counters.painted, view.counters.unseen) == (0, 3)
    view.show()
    qtbot.waitExposed(view)
    qtbot.wait(20)
    feed.offer(frame())
    qtbot.waitUntil(lambda: view.counters.painted == 1, timeout=2_000)


def test_frames_that_wait_are_forgotten_with_their_session(
    qtbot: QtBot, view: PictureView, feed: VideoFeed
) -> None:
    feed.offer(frame())
    qtbot.wait(5)
    feed.clear()
    view.clear()
    qtbot.wait(round(HOLD_MS) + 40)
    assert view.counters.painted == 0
    feed.offer(frame())
    qtbot.waitUntil(lambda: view.counters.painted == 1, timeout=2_000)


def test_sizes_and_turns_may_change_while_frames_wait(
    qtbot: QtBot, view: PictureView, feed: VideoFeed
) -> None:
    shapes = [(64, 64), (1, 1), (33, 17), (640, 360), (2, 2), (360, 641)]
    for number, (width, height) in enumerate(shapes):
        offered = frame(width=width, height=height)
        offered.rotation_deg = 90 * (number % 4)
        feed.offer(offered)
        qtbot.wait(30)
    qtbot.waitUntil(lambda: view.counters.painted == 4, timeout=2_000)
    assert view.picture_rect.width() == 200


@timing_sensitive
def test_one_wake_up_a_frame(qtbot: QtBot, view: PictureView, feed: VideoFeed) -> None:
    begin_anew(view, feed)
    arrivals: list[float] = []
    view.arrived.connect(lambda: arrivals.append(time.monotonic()))
    for _ in range(20):
        feed.offer(frame())
        qtbot.wait(30)
    qtbot.waitUntil(lambda: view.counters.painted + feed.dropped == 20, timeout=2_000)
    # While frames wait the alarm wakes the view; their arrival does not.
    assert len(arrivals) <= 6


@timing_sensitive
def test_what_was_shown_is_told(qtbot: QtBot, view: PictureView, feed: VideoFeed, sync: LipSync) -> None:
    begin_anew(view, feed)
    for _ in range(10):
        feed.offer(frame())
        qtbot.wait(40)
    figures = sync.figures
    assert figures.sound_ms == HOLD_MS + LEAD_MS
    assert figures.skew_ms is not None
    assert abs(figures.skew_ms) < LATE_MS
