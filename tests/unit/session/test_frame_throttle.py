import asyncio

import pytest

from atlas_desktop.session.frame_throttle import FRAME_S, FrameThrottle
from tests.unit.session.fakes import settle


async def test_the_first_request_is_met_at_once_and_all_of_a_frame_by_one_more() -> None:
    done: list[float] = []
    loop = asyncio.get_running_loop()
    throttle = FrameThrottle(lambda: done.append(loop.time()))
    for _ in range(1000):
        throttle.request()
    assert len(done) == 1
    await settle(lambda: len(done) == 2)
    await asyncio.sleep(3 * FRAME_S)
    assert len(done) == 2
    assert done[1] - done[0] >= FRAME_S * 0.9
    throttle.request()
    assert len(done) == 3


async def test_work_that_asks_for_more_of_itself_leaves_a_frame_between() -> None:
    done: list[float] = []
    loop = asyncio.get_running_loop()

    def work() -> None:
        done.append(loop.time())
        if len(done) < 3:
            throttle.request()

    throttle = FrameThrottle(work)
    throttle.request()
    assert len(done) == 1
    await settle(lambda: len(done) == 3)
    assert done[2] - done[0] >= 2 * FRAME_S * 0.9


async def test_what_is_cancelled_is_not_done() -> None:
    done: list[bool] = []
    throttle = FrameThrottle(lambda: done.append(True))
    throttle.request()
    throttle.request()
    throttle.cancel()
    await asyncio.sleep(3 * FRAME_S)
    assert done == [True]
    throttle.request()
    assert done == [True, True]


def test_without_a_loop_nothing_is_put_off() -> None:
    done: list[bool] = []
    throttle = FrameThrottle(lambda: done.append(True))
    for _ in range(5):
        throttle.request()
    assert len(done) == 5


async def test_work_that_fails_is_not_the_last() -> None:
    tries: list[bool] = []

    def work() -> None:
        tries.append(True)
        if len(tries) == 1:
            raise ValueError

    throttle = FrameThrottle(work)
    with pytest.raises(ValueError):  # noqa: PT011 - its own
        throttle.request()
    throttle.request()
    await settle(lambda: len(tries) == 2)
