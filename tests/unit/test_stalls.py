"""The watch itself: what it must find, and what it must not take for a stall."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from atlas_desktop.aio import guarded
from atlas_desktop.files import probe_path
from tests.desk.slow_disk import slow_disk
from tests.stalls import Stall, StallWatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the watch reads Linux's /proc")

LONG_S = 0.4


@pytest.fixture
def stalls() -> Iterator[list[Stall]]:
    found: list[Stall] = []
    watch = StallWatch(found.append)
    yield found
    watch.stop()


def compute(cpu_s: float) -> None:
    began_s = time.thread_time()
    while time.thread_time() - began_s < cpu_s:
        pass


async def called(work: Callable[[], object]) -> None:
    """Has the event loop call ``work`` as a part of the program."""
    done = asyncio.Event()

    def call() -> None:
        work()
        done.set()

    asyncio.get_running_loop().call_soon(guarded("a callback")(call))
    await done.wait()
    await asyncio.sleep(0.05)


async def test_a_disk_that_is_waited_for_is_found_with_its_stack(stalls: list[Stall], tmp_path: Path) -> None:
    with slow_disk(tmp_path / "disk", **{"a.wav": b"x"}) as disk:
        disk.lookup_s = LONG_S
        await called(lambda: probe_path(disk.path("a.wav")))
    (stall,) = stalls
    assert stall.kind == "blocked"
    assert "in probe_path" in stall.stack


async def test_a_lock_that_is_waited_for_is_found(stalls: list[Stall]) -> None:
    lock = threading.Lock()
    with lock:
        await called(lambda: lock.acquire(timeout=LONG_S))
    assert [stall.kind for stall in stalls] == ["blocked"]


async def test_computing_for_long_is_found(stalls: list[Stall]) -> None:
    # On any machine: the limit grows with how slow it is.
    await called(lambda: compute(3.0))
    assert [stall.kind for stall in stalls] == ["busy"]


async def test_waiting_for_events_is_no_stall(stalls: list[Stall]) -> None:
    await asyncio.sleep(LONG_S)
    assert stalls == []


async def test_many_short_callbacks_are_no_stall(stalls: list[Stall]) -> None:
    for _ in range(30):
        await called(lambda: time.sleep(0.02))
    assert stalls == []


async def test_a_busy_machine_is_no_stall(stalls: list[Stall]) -> None:
    over = threading.Event()

    def hog() -> None:
        while not over.is_set():
            compute(0.01)

    hogs = [threading.Thread(target=hog) for _ in range(4)]
    for thread in hogs:
        thread.start()
    try:
        for _ in range(15):
            await called(lambda: compute(0.03))
    finally:
        over.set()
        for thread in hogs:
            thread.join()
    assert stalls == []


async def test_a_process_that_is_slow_to_begin_is_the_computers_business(stalls: list[Stall]) -> None:
    def begin() -> None:
        late = lambda: time.sleep(LONG_S)  # noqa: E731
        process = subprocess.Popen(["true"], preexec_fn=late)  # noqa: PLW1509 - it only sleeps
        assert process.wait(30) == 0

    await called(begin)
    assert [stall for stall in stalls if "in _execute_child" in stall.stack] == []
