import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_desktop.errors import BugError, FileSilentError, MissingFileError
from atlas_desktop.files import FileThreads, FileWriter, open_regular, probe_path
from tests.desk.slow_disk import SlowDisk, slow_disk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the slow disk is a file system of Linux")

A = Path("a.wav")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SlowDisk]:
    with slow_disk(tmp_path / "disk", **{"a.wav": b"x" * 500_000}) as disk:
        yield disk


async def test_what_a_call_returns_or_raises_comes_back() -> None:
    files = FileThreads("test")
    nothing: object = None
    assert await files.call(A, lambda: nothing) is None
    assert await files.call(A, lambda: threading.current_thread().daemon)
    with pytest.raises(MissingFileError):
        await files.call(A, lambda: open_regular(Path("/nowhere")))
    with pytest.raises(IsADirectoryError):
        await files.call(A, lambda: Path("/").write_bytes(b""))


@pytest.mark.logs("test failed")
async def test_a_fault_of_ours_is_said_to_be_one() -> None:
    with pytest.raises(BugError):
        await FileThreads("test").call(A, lambda: 1 // 0)


async def test_a_disk_that_never_answers_is_given_up(disk: SlowDisk) -> None:
    disk.lookup_s = 1000.0
    path = disk.path("a.wav")
    with pytest.raises(FileSilentError, match=r"a\.wav doesn't answer"):
        await FileThreads("test", silence_limit_s=0.2).call(path, lambda: probe_path(path))


async def test_a_slow_disk_is_waited_for_as_long_as_it_answers(disk: SlowDisk) -> None:
    disk.lookup_s, disk.read_s = 0.4, 0.4
    path = disk.path("a.wav")

    def read() -> int:
        with open_regular(path) as file:
            return len(file.read())

    # Five answers of 0.4 s each: longer in all than it may be silent.
    files = FileThreads("test", silence_limit_s=1.5)
    assert await files.call(path, read) == 500_000


async def test_many_that_are_stuck_hold_up_no_other() -> None:
    files, release = FileThreads("test", silence_limit_s=60.0), threading.Event()
    stuck = [asyncio.ensure_future(files.call(A, release.wait)) for _ in range(30)]
    assert await files.call(A, lambda: "free") == "free"
    release.set()
    assert await asyncio.gather(*stuck) == [True] * 30


async def test_more_stuck_threads_than_can_be_borne_are_refused_at_once() -> None:
    files, release = FileThreads("test", silence_limit_s=0.0), threading.Event()
    refused = 0
    while not refused:
        started_s = time.monotonic()
        outcomes = await asyncio.gather(
            *(files.call(A, release.wait) for _ in range(40)), return_exceptions=True
        )
        assert all(isinstance(outcome, FileSilentError) for outcome in outcomes)
        refused = time.monotonic() - started_s < 0.4
    release.set()
    async with asyncio.timeout(10):
        while sum(thread.name == "files-test" for thread in threading.enumerate()) > 20:
            await asyncio.sleep(0.01)
    assert await files.call(A, lambda: "free again") == "free again"


def test_a_stuck_thread_holds_up_no_exit() -> None:
    code = (
        "import asyncio, threading; from pathlib import Path; from atlas_desktop.files import FileThreads\n"
        "async def main():\n"
        "    try: await FileThreads('x', 0.1).call(Path('a'), threading.Event().wait)\n"
        "    except Exception as error: print(error)\n"
        "asyncio.run(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout.startswith("a doesn't answer")


async def test_what_is_written_is_written_in_order() -> None:
    writer, written = FileWriter("test"), list[int]()
    assert await writer.flush(1.0)
    for number in range(100):
        assert writer.write(lambda number=number: written.append(number))  # type: ignore[misc]
    assert await writer.flush(5.0)
    assert written == list(range(100))


async def test_a_stuck_writer_holds_nobody_up_and_says_so() -> None:
    writer, release, written = FileWriter("test"), threading.Event(), list[str]()
    writer.write(lambda: release.wait() and None, wait_s=0.01)
    began_s = time.monotonic()
    writer.write(lambda: written.append("later"), wait_s=60.0)
    assert time.monotonic() - began_s < 30
    assert not await writer.flush(0.05)
    release.set()
    assert await writer.flush(5.0)
    assert written == ["later"]


def test_on_a_healthy_disk_it_is_written_when_the_call_returns(tmp_path: Path) -> None:
    FileWriter("test").write((tmp_path / "a").touch, wait_s=30.0)
    assert (tmp_path / "a").exists()


@pytest.mark.logs("test failed")
async def test_a_writer_survives_a_fault() -> None:
    writer, written = FileWriter("test"), list[str]()
    writer.write(lambda: 1 // 0 and None)
    writer.write(lambda: written.append("next"))
    assert await writer.flush(5.0)
    assert written == ["next"]
