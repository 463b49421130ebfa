"""Who paints: decided from what is known, what is wished and what the driver says. No Qt, no OpenGL."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from atlas_desktop.storage.picture_book import Finding, PictureBook
from atlas_desktop.storage.settings import PicturePath
from atlas_desktop.video.gl_driver import GlDriver, GlError, machine
from atlas_desktop.video.picture_path import Decision, decide, decide_in_thread, make_surface

CARD, MESA = GlDriver("A Card · 4.6 · A Maker"), GlDriver("llvmpipe (LLVM 15) · 4.5 · Mesa/X.org")
HERE = "this machine"
GOOD = Finding(CARD.name, HERE, use_gl=True, why="measured", raster_ms=3.0, gl_ms=0.4)
RASTER, GL = {"ATLAS_PICTURE": "raster"}, {"ATLAS_PICTURE": "gl"}
_DIES = """
import os, signal, sys
from pathlib import Path
from atlas_desktop.storage.picture_book import PictureBook
from atlas_desktop.storage.settings import PicturePath
from atlas_desktop.video.picture_path import decide

def ask():
    os.kill(os.getpid(), signal.SIGKILL)

decide(PictureBook(Path(sys.argv[1])), PicturePath.AUTO, dict([sys.argv[2:]] if sys.argv[2:] else []), ask)
"""


@pytest.fixture
def book(tmp_path: Path) -> PictureBook:
    return PictureBook(tmp_path)


def never() -> GlDriver:
    raise AssertionError("OpenGL was touched")


def broken() -> GlDriver:
    raise GlError("no OpenGL context can be made")


def decided(
    book: PictureBook,
    ask: Callable[[], GlDriver] = never,
    setting: PicturePath = PicturePath.AUTO,
    environment: dict[str, str] | None = None,
    here: str = HERE,
) -> Decision:
    return decide(book, setting, environment or {}, ask, here)


def crash(folder: Path, *environment: str) -> None:
    """A program that its driver kills while it is asked."""
    done = subprocess.run([sys.executable, "-c", _DIES, str(folder), *environment], timeout=30, check=False)
    assert done.returncode < 0


def test_at_first_the_processor_paints_and_a_measurement_is_wanted(book: PictureBook) -> None:
    assert decided(book) == Decision(measure=True)
    assert book.died() is None


def test_what_was_found_better_is_used_under_a_mark(book: PictureBook) -> None:
    book.write(GOOD)
    assert decided(book, lambda: CARD) == Decision(use_gl=True, driver=CARD.name)
    assert book.died() == CARD.name


def test_what_was_found_worse_is_not_asked_again(book: PictureBook) -> None:
    book.write(Finding(MESA.name, HERE, use_gl=False, why="measured"))
    assert decided(book) == Decision()


def test_another_machine_is_measured_again(book: PictureBook) -> None:
    book.write(Finding(MESA.name, HERE, use_gl=False, why="measured"))
    assert decided(book, here="another card") == Decision(measure=True)


def test_another_driver_is_measured_again_and_not_trusted_before(book: PictureBook) -> None:
    book.write(GOOD)
    newer = GlDriver("A Card · 4.7 · A Maker")
    assert decided(book, lambda: newer) == Decision(driver=newer.name, measure=True)
    assert book.died() is None


def test_never_on_a_software_renderer_unless_forced(book: PictureBook) -> None:
    book.write(Finding(MESA.name, HERE, use_gl=True, why="measured"))
    assert not decided(book, lambda: MESA).use_gl
    assert decided(book, lambda: MESA, PicturePath.GL).use_gl
    book.passed()
    assert decided(book, lambda: MESA, environment=GL).use_gl


@pytest.mark.parametrize("name", ["llvmpipe (LLVM)", "softpipe", "Google SwiftShader", "GDI Generic"])
def test_software_is_known_by_its_name(name: str) -> None:
    assert GlDriver(name).is_software
    assert not CARD.is_software


def test_the_environment_beats_the_setting(book: PictureBook) -> None:
    book.write(GOOD)
    assert not decided(book, setting=PicturePath.GL, environment=RASTER).use_gl
    assert not decided(book, setting=PicturePath.RASTER).use_gl
    assert decided(book, lambda: CARD, PicturePath.RASTER, GL).use_gl
    book.passed()
    assert decided(book, lambda: CARD, environment={"ATLAS_PICTURE": "what"}).use_gl


def test_without_opengl_the_processor_paints(book: PictureBook) -> None:
    assert decided(book, broken, PicturePath.GL) == Decision()
    assert book.died() is None


def test_where_no_mark_can_be_left_nothing_is_tried(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert not decided(PictureBook(tmp_path / "file"), environment=GL).use_gl


def test_a_driver_that_crashes_is_not_tried_again_and_that_is_said_once(
    book: PictureBook, tmp_path: Path
) -> None:
    book.write(GOOD)
    crash(tmp_path)
    here = machine()
    assert decided(book, here=here) == Decision(crashed=True)
    assert decided(book, here=here) == Decision()
    assert decided(book, here="another card") == Decision(measure=True)


def test_a_setting_that_crashed_the_program_no_longer_holds(book: PictureBook, tmp_path: Path) -> None:
    crash(tmp_path, "ATLAS_PICTURE", "gl")
    assert decided(book, setting=PicturePath.GL, here=machine()) == Decision(crashed=True)


def test_after_a_crash_the_environment_still_forces_it(book: PictureBook, tmp_path: Path) -> None:
    crash(tmp_path, "ATLAS_PICTURE", "gl")
    assert decided(book, lambda: CARD, environment=GL).use_gl


def test_the_hardware_is_told_by_what_the_system_says(tmp_path: Path) -> None:
    nowhere = tmp_path / "nothing"
    before = machine(tmp_path, nowhere)
    device = tmp_path / "card0" / "device"
    device.mkdir(parents=True)
    (device / "uevent").write_text("DRIVER=i915\nPCI_ID=8086:1234\nMODALIAS=x\n", "utf-8")
    assert before != machine(tmp_path, nowhere)
    assert "DRIVER=i915 · PCI_ID=8086:1234" in machine(tmp_path, nowhere)


def test_no_surface_is_made_for_the_processor() -> None:
    assert make_surface(Decision(), None) is None  # type: ignore[arg-type]


class SlowBook(PictureBook):
    """Lies on a disk that takes its time, once it is asked for what is given here."""

    def __init__(self, folder: Path, slow: str) -> None:
        super().__init__(folder)
        self.answers = threading.Event()
        self.threads: set[threading.Thread] = set()
        self.passes = 0
        self.slow = slow

    def wait(self, what: str) -> None:
        self.threads.add(threading.current_thread())
        assert what != self.slow or self.answers.wait(20)

    def died(self) -> str | None:
        self.wait("died")
        return super().died()

    def begin(self, driver: str) -> bool:
        self.wait("begin")
        return super().begin(driver)

    def passed(self) -> None:
        self.wait("passed")
        super().passed()
        self.passes += 1


@pytest.fixture(params=["died", "begin", "none"])
def slow_book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SlowBook]:
    book = SlowBook(tmp_path, request.param)
    book.write(GOOD)
    yield book
    book.answers.set()


async def decided_in_thread(
    book: PictureBook, ask: Callable[[], GlDriver], limit_s: float = 10.0
) -> Decision:
    return await decide_in_thread(book, PicturePath.GL, {}, ask, limit_s)


async def test_the_disk_is_asked_in_another_thread_and_the_driver_in_this_one(slow_book: SlowBook) -> None:
    asked: list[threading.Thread] = []

    def ask() -> GlDriver:
        asked.append(threading.current_thread())
        return CARD

    deciding = asyncio.ensure_future(decided_in_thread(slow_book, ask))
    # The loop goes on meanwhile: it is what lets the disk answer.
    await asyncio.sleep(0)
    slow_book.answers.set()
    assert await deciding == Decision(use_gl=True, driver=CARD.name)
    assert asked == [threading.main_thread()]
    assert threading.main_thread() not in slow_book.threads
    assert slow_book.died() == CARD.name


@pytest.mark.parametrize("slow_book", ["died", "begin"], indirect=True)
async def test_a_disk_that_does_not_answer_costs_opengl_and_leaves_no_mark(slow_book: SlowBook) -> None:
    assert await decided_in_thread(slow_book, never, limit_s=0.05) == Decision()
    slow_book.answers.set()
    async with asyncio.timeout(10):
        while not slow_book.passes:
            await asyncio.sleep(0.01)
    assert slow_book.died() is None


async def test_what_is_decided_too_late_is_taken_back(tmp_path: Path) -> None:
    """The disk stops between the question for the driver and the last word."""
    book = SlowBook(tmp_path, "nothing")

    def ask() -> GlDriver:
        book.slow = "begin"
        return CARD

    assert await decided_in_thread(book, ask, limit_s=0.2) == Decision()
    book.answers.set()
    async with asyncio.timeout(10):
        while not book.passes:
            await asyncio.sleep(0.01)
    assert book.died() is None
