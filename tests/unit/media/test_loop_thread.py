import asyncio
import threading

import pytest

from atlas_desktop.errors import AppError, BugError
from atlas_desktop.media.loop_thread import LoopThread
from tests.unit.media.stand_ins import until


def test_work_runs_in_the_named_thread_and_close_joins_it() -> None:
    thread = LoopThread("media-test")
    names: list[str] = []
    cancelled = threading.Event()

    async def work() -> None:
        names.append(threading.current_thread().name)
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    thread.spawn(work, "work")
    until(lambda: names == ["media-test"])
    thread.close()
    assert cancelled.is_set()
    assert "media-test" not in {known.name for known in threading.enumerate()}
    thread.close()


def test_it_starts_anew_after_close() -> None:
    thread = LoopThread("media-test")
    first = thread.loop
    thread.close()
    second = thread.loop
    assert second is not first
    assert second.is_running()
    thread.close()
    assert second.is_closed()


@pytest.mark.logs("media-test failed")
def test_a_failing_call_is_reported() -> None:
    errors: list[AppError] = []
    thread = LoopThread("media-test", errors.append)

    def fail() -> None:
        raise KeyError("x")

    thread.call(fail)
    until(lambda: len(errors) == 1)
    assert isinstance(errors[0], BugError)
    thread.close()
