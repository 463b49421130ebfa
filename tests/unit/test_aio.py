import asyncio
import logging
import threading
import time

import pytest

from atlas_desktop.aio import DaemonExecutor, TaskScope, guarded, wait_full
from atlas_desktop.errors import AppError, BugError, NoCreditError


async def test_a_known_error_is_reported_as_it_is() -> None:
    reported: list[AppError] = []
    scope = TaskScope("test", reported.append)

    async def work() -> None:
        raise NoCreditError(status=402)

    scope.start(work(), "pay")
    await scope.join()
    assert [type(error) for error in reported] == [NoCreditError]


@pytest.mark.logs("test.divide failed")
async def test_an_unknown_error_becomes_a_bug_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    reported: list[AppError] = []
    scope = TaskScope("test", reported.append)

    async def work() -> None:
        raise ZeroDivisionError("by zero")

    with caplog.at_level(logging.ERROR):
        scope.start(work(), "divide")
        await scope.join()
    assert isinstance(reported[0], BugError)
    assert isinstance(reported[0].__cause__, ZeroDivisionError)
    assert reported[0].params["where"] == "test.divide"
    assert "by zero" in caplog.text


async def test_closing_cancels_silently_and_takes_no_more() -> None:
    reported: list[AppError] = []
    scope = TaskScope("test", reported.append)
    scope.start(asyncio.sleep(60), "sleep")
    await scope.aclose()
    assert len(scope) == 0
    assert reported == []
    with pytest.raises(RuntimeError):
        scope.start(asyncio.sleep(0), "late")


async def test_a_task_may_close_its_own_scope() -> None:
    scope = TaskScope("test")
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await scope.join()
        finally:
            ended.set()

    scope.start(work(), "self")
    await asyncio.wait_for(ended.wait(), 1)


def test_guarded_reports_and_does_not_raise(caplog: pytest.LogCaptureFixture) -> None:
    reported: list[AppError] = []

    @guarded("the callback", reported.append)
    def callback(number: int) -> float:
        return 1 / number

    assert callback(2) == 0.5
    with caplog.at_level(logging.CRITICAL):
        assert callback(0) is None
    assert isinstance(reported[0], BugError)


async def test_a_wait_is_never_shorter_than_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = asyncio.sleep

    async def early(seconds: float) -> None:
        await sleep(seconds * 0.9)

    monkeypatch.setattr(asyncio, "sleep", early)
    began_s = time.monotonic()
    await wait_full(0.1)
    assert time.monotonic() - began_s >= 0.1


def test_a_call_that_hangs_holds_up_neither_others_nor_the_end() -> None:
    release, executor = threading.Event(), DaemonExecutor()
    hanging = [executor.submit(release.wait) for _ in range(50)]
    assert executor.submit(int, "7").result(10) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        executor.submit(int, "seven").result(10)
    executor.shutdown()
    assert not any(future.done() for future in hanging)
    release.set()
    assert [future.result(10) for future in hanging] == [True] * 50
