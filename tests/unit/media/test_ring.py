import threading
import time

import numpy as np

from atlas_desktop.media.ring import PcmRing
from tests.unit.media.stand_ins import count_up


def test_what_is_written_comes_back_in_order_across_the_edge() -> None:
    ring = PcmRing(10, channels=1)
    sent = count_up(2000).reshape(-1, 1)
    got = []
    for start in range(0, 2000, 400):
        ring.write(sent[start : start + 400])
        got += [ring.read(150), ring.read(250)]
    assert np.array_equal(np.concatenate(got), sent)
    assert ring.overruns == 0


def test_a_full_ring_drops_the_oldest_and_says_so() -> None:
    ring = PcmRing(10, channels=1)
    ring.write(count_up(400).reshape(-1, 1))
    ring.write(count_up(200, start=401).reshape(-1, 1))
    assert ring.level_samples == 480
    assert ring.read(480).ravel().tolist() == count_up(480, start=121).tolist()
    assert (ring.overruns, ring.dropped_samples) == (1, 120)


def test_a_block_larger_than_the_ring_keeps_its_end() -> None:
    ring = PcmRing(10, channels=1)
    ring.write(count_up(1000).reshape(-1, 1))
    assert ring.read(9999).ravel().tolist() == count_up(480, start=521).tolist()


def test_mono_into_stereo_is_doubled() -> None:
    ring = PcmRing(10, channels=2)
    ring.write(np.full((3, 1), 7, np.int16))
    assert ring.read(10).tolist() == [[7, 7]] * 3


def test_reading_an_empty_ring_gives_no_samples_in_the_right_shape() -> None:
    assert PcmRing(10, channels=2).read(480).shape == (0, 2)


def test_skip_and_clear_are_no_overruns() -> None:
    ring = PcmRing(10, channels=1)
    ring.write(count_up(300).reshape(-1, 1))
    assert ring.skip(100) == 100
    assert ring.read(1)[0, 0] == 102
    ring.clear()
    assert ring.level_samples == 0
    assert ring.capacity_samples - ring.level_samples == 480
    assert ring.overruns == 0


def test_a_waiting_reader_is_woken_by_the_writer() -> None:
    ring = PcmRing(100, channels=1)
    woken: list[bool] = []
    reader = threading.Thread(target=lambda: woken.append(ring.wait(480, 2.0)))
    reader.start()
    ring.write(np.ones((480, 1), np.int16))
    reader.join(2.0)
    assert woken == [True]
    assert not ring.wait(481, 0.01)


def test_what_came_as_the_time_ran_out_is_no_sign_for_the_next_wait() -> None:
    ring = PcmRing(100, channels=1)
    for _ in range(200):
        writer = threading.Thread(target=ring.write, args=(np.ones((1, 1), np.int16),))
        writer.start()
        ring.wait(1, 0.0001)
        writer.join()
        assert ring.wait(1, 1.0)
        ring.clear()
        began_s = time.monotonic()
        assert not ring.wait(1, 0.002)
        assert time.monotonic() - began_s >= 0.002


def test_a_reader_may_be_woken_for_nothing() -> None:
    ring = PcmRing(10, channels=1)
    waiting = threading.Thread(target=lambda: ring.wait(1, 60.0))
    waiting.start()
    ring.wake()
    waiting.join(10.0)
    assert not waiting.is_alive()
    # Once only.
    assert not ring.wait(1, 0.01)
