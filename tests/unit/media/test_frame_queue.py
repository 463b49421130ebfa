from itertools import pairwise

import numpy as np
import pytest

from atlas_desktop.media.frame_queue import MOST_BYTES, MOST_FRAMES, FrameQueue, RenderClock
from atlas_desktop.media.frames import I420Frame, i420_size

HOLD_US = 50_000
START_US = 7_000_000


class Reader:
    """Looks when it is told to, as the painter does, on a clock of the test's own."""

    def __init__(self, queue: FrameQueue, hold_us: int = HOLD_US) -> None:
        self.queue = queue
        self.hold_us = hold_us
        self.shown: list[tuple[int, int]] = []
        self.wakes = 0
        self.alarm_us: int | None = None

    def look(self, now_us: int) -> None:
        self.wakes += 1
        due = self.queue.due(now_us, self.hold_us)
        if due.frame is not None:
            self.shown.append((due.frame.timestamp_us, now_us))
        self.alarm_us = due.again_us

    def arrive(self, frame: I420Frame) -> None:
        self.ring(frame.received_us)
        if self.queue.put(frame):
            self.look(frame.received_us)

    def ring(self, until_us: int) -> None:
        for _ in range(1000):
            if self.alarm_us is None or self.alarm_us > until_us:
                return
            self.look(self.alarm_us)
        pytest.fail("the alarm goes off without end")

    @property
    def late_us(self) -> list[int]:
        return [at_us - stamp_us - self.hold_us for stamp_us, at_us in self.shown]


def picture(stamp_us: int, received_us: int | None = None, width: int = 4, height: int = 2) -> I420Frame:
    received_us = stamp_us - 9_000 if received_us is None else received_us
    return I420Frame(np.zeros(0, np.uint8), width, height, stamp_us, 0, received_us)


def stream(count: int, interval_us: int, jitter_us: int = 0) -> list[I420Frame]:
    rng = np.random.default_rng(3)
    stamps = [START_US + number * interval_us for number in range(count)]
    return [picture(stamp, stamp - 9_000 - int(rng.integers(0, jitter_us + 1))) for stamp in stamps]


def asked(queue: FrameQueue) -> None:
    """The reader has asked for what is due: from now on the queue keeps more than the newest."""
    queue.due(0, HOLD_US)


@pytest.mark.parametrize(
    ("rate_hz", "hold_us"), [(25, 50_000), (25, 20_000), (30, 70_000), (60, 120_000), (24, 0)]
)
def test_every_frame_is_shown_when_it_is_due_with_one_wake_up_a_frame(rate_hz: int, hold_us: int) -> None:
    reader = Reader(FrameQueue(), hold_us)
    reader.look(0)
    frames = stream(200, 1_000_000 // rate_hz, jitter_us=3_000)
    for frame in frames:
        reader.arrive(frame)
    reader.ring(frames[-1].timestamp_us + hold_us)
    assert [stamp for stamp, _ in reader.shown] == [frame.timestamp_us for frame in frames]
    assert all(-1_000 <= late <= 1_000 for late in reader.late_us)
    assert reader.wakes <= 200 * 1.05 + 5
    assert reader.queue.dropped == 0


def test_one_frame_a_second_is_shown_when_it_is_due() -> None:
    reader = Reader(FrameQueue())
    reader.look(0)
    frames = stream(20, 1_000_000)
    for frame in frames:
        reader.arrive(frame)
    reader.ring(frames[-1].timestamp_us + HOLD_US)
    assert reader.late_us == [0] * 20


def test_of_240_frames_a_second_half_are_shown_evenly() -> None:
    reader = Reader(FrameQueue())
    reader.look(0)
    for frame in stream(480, 1_000_000 // 240):
        reader.arrive(frame)
    times_us = [at_us for _, at_us in reader.shown]
    assert 200 <= len(times_us) <= 260
    assert max(after - before for before, after in pairwise(times_us)) < 14_000
    assert max(reader.late_us) <= 1_000


def test_after_a_stall_of_the_reader_the_newest_due_frame_is_shown_at_once() -> None:
    queue = FrameQueue()
    asked(queue)
    frames = stream(30, 40_000)
    for frame in frames:
        queue.put(frame)
    due = queue.due(frames[-1].timestamp_us, HOLD_US)
    assert due.frame is not None
    assert frames[-1].timestamp_us - due.frame.timestamp_us <= 80_000
    assert due.again_us is not None
    assert due.again_us > frames[-1].timestamp_us


def test_a_reader_that_never_comes_costs_no_memory() -> None:
    queue = FrameQueue()
    asked(queue)
    for frame in stream(1_000, 4_000):
        queue.put(frame)
    assert 1_000 - queue.dropped <= MOST_FRAMES


def test_before_anybody_asks_for_what_is_due_only_the_newest_is_kept() -> None:
    queue = FrameQueue()
    wakes = [queue.put(frame) for frame in stream(5, 40_000)]
    assert wakes == [True, False, False, False, False]
    assert queue.dropped == 4
    assert queue.newest().base_us == START_US + 4 * 40_000
    assert queue.newest().frame is None


def test_large_pictures_are_bounded_by_their_bytes() -> None:
    queue = FrameQueue()
    asked(queue)
    for number in range(10):
        queue.put(picture(START_US + number * 40_000, width=7680, height=4320))
    room = max(1, MOST_BYTES // i420_size(7680, 4320))
    assert 10 - queue.dropped == room


def test_the_lowest_delay_gives_the_newest_at_once_whatever_its_time() -> None:
    queue = FrameQueue()
    asked(queue)
    for frame in stream(4, 40_000):
        queue.put(frame)
    due = queue.newest()
    assert due.frame is not None
    assert due.frame.timestamp_us == START_US + 3 * 40_000
    assert queue.dropped == 3
    assert queue.put(picture(START_US + 200_000))


def test_what_came_out_of_order_is_not_waited_for() -> None:
    reader = Reader(FrameQueue())
    reader.look(0)
    for stamp in (0, 40_000, 20_000, 80_000):
        reader.arrive(picture(START_US + stamp))
    reader.ring(START_US + 80_000 + HOLD_US)
    assert reader.shown[-1] == (START_US + 80_000, START_US + 80_000 + HOLD_US)


@pytest.mark.parametrize("stamp", [0, -5, 2**62, 1])
def test_a_timestamp_without_sense_counts_from_the_arrival(stamp: int) -> None:
    assert RenderClock().base_us(stamp, START_US) == START_US


def test_timestamps_may_jump_and_stay_there() -> None:
    clock = RenderClock()
    bases = []
    for number in range(100):
        received_us = START_US + number * 40_000
        jump_us = 0 if number < 30 else 3_600_000_000 if number < 60 else -9_000_000
        bases.append(clock.base_us(received_us + 9_000 + jump_us, received_us) - received_us)
    # While the jump is new they count from their arrival, afterwards by their own, regular clock.
    assert set(bases[:30]) == {9_000}
    assert set(bases[30:]) <= {0, 9_000}


def test_another_epoch_keeps_the_regular_beat_of_the_sender() -> None:
    clock = RenderClock()
    rng = np.random.default_rng(1)
    bases = []
    for number in range(200):
        sent_us = number * 40_000
        received_us = START_US + sent_us + int(rng.integers(0, 8_000))
        bases.append(clock.base_us(10**15 + sent_us, received_us))
    steps = {after - before for before, after in pairwise(bases[20:])}
    assert steps == {40_000}
    assert abs(bases[-1] - (START_US + 199 * 40_000)) < 10_000


def test_a_frame_that_was_long_on_its_way_keeps_its_time() -> None:
    assert RenderClock().base_us(START_US - 500_000, START_US) == START_US - 500_000
