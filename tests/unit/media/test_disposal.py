import threading

import pytest

from atlas_desktop.media.disposal import DeferredDisposer
from tests.unit.media.stand_ins import until


class Handle:
    def __init__(self) -> None:
        self.disposed_in: list[str] = []

    def dispose(self) -> None:
        self.disposed_in.append(threading.current_thread().name)


class BrokenHandle(Handle):
    def dispose(self) -> None:
        super().dispose()
        raise AssertionError("unknown handle")


def test_handles_are_disposed_once_in_the_thread_of_the_disposer() -> None:
    disposer = DeferredDisposer()
    disposer.start()
    handles = [Handle() for _ in range(20)]
    for handle in handles:
        disposer.defer(handle.dispose)
    until(lambda: all(handle.disposed_in for handle in handles))
    assert {tuple(handle.disposed_in) for handle in handles} == {("media-disposal",)}
    disposer.close()
    assert "media-disposal" not in {thread.name for thread in threading.enumerate()}


def test_nothing_is_left_after_close_and_later_ones_go_at_once() -> None:
    disposer = DeferredDisposer()
    disposer.start()
    early, late = Handle(), Handle()
    disposer.defer(early.dispose)
    disposer.close()
    assert len(early.disposed_in) == 1
    disposer.defer(late.dispose)
    assert late.disposed_in == [threading.current_thread().name]


@pytest.mark.logs("media.disposal failed")
def test_one_bad_handle_does_not_stop_the_others() -> None:
    disposer = DeferredDisposer()
    disposer.start()
    bad, good = BrokenHandle(), Handle()
    disposer.defer(bad.dispose)
    disposer.defer(good.dispose)
    disposer.close()
    assert len(good.disposed_in) == 1
