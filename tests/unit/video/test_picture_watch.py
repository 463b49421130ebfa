import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Idle, Requesting
from atlas_desktop.storage.picture_book import Finding, PictureBook
from atlas_desktop.video.picture_path import Decision
from atlas_desktop.video.picture_watch import PictureWatch, finding_of

CARD = "A Card · 4.6 · A Maker"
REQUESTED = replace(SessionSnapshot(), state=Requesting())
OVER = replace(SessionSnapshot(), state=Idle())


class Bench:
    def __init__(self, folder: Path) -> None:
        self.book = PictureBook(folder)
        self.painted = 0
        self.watch = PictureWatch(self.book, Decision(use_gl=True, driver=CARD), lambda: self.painted)

    async def tell(self, snapshot: SessionSnapshot) -> bool:
        """Tells it; whether a mark lies there then."""
        self.watch.follow(snapshot)
        assert await self.watch.written()
        return self.book.died() is not None


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_mark_lies_there_until_frames_were_shown(bench: Bench) -> None:
    assert await bench.tell(REQUESTED)
    bench.painted = 3
    assert await bench.tell(REQUESTED)
    bench.painted = 10
    assert not await bench.tell(REQUESTED)
    # Proven: no file is written in a later session.
    bench.painted = 0
    assert not await bench.tell(OVER)
    assert not await bench.tell(REQUESTED)


async def test_a_session_without_frames_proves_nothing(bench: Bench) -> None:
    assert await bench.tell(REQUESTED)
    assert not await bench.tell(OVER)
    assert await bench.tell(REQUESTED)


async def test_an_orderly_end_takes_the_mark_away(bench: Bench) -> None:
    assert await bench.tell(REQUESTED)
    await bench.watch.aclose()
    assert bench.book.died() is None


async def test_opengl_that_gave_up_is_not_used_next_time(bench: Bench) -> None:
    assert await bench.tell(REQUESTED)
    bench.watch.take_failure()
    assert await bench.watch.written()
    assert bench.book.died() is None
    known = bench.book.read()
    assert known is not None
    assert (known.driver, known.use_gl) == (CARD, False)


async def test_a_disk_that_does_not_answer_holds_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(PictureBook, "begin", lambda _book, _driver: answers.wait(30))
    began_s = time.monotonic()
    bench.watch.follow(REQUESTED)
    assert time.monotonic() - began_s < 5
    answers.set()
    await bench.watch.aclose()


@pytest.mark.parametrize(
    ("answer", "use_gl", "why"),
    [
        ({"driver": CARD, "is_software": False, "raster_ms": 2.0, "gl_ms": 0.5}, True, "measured"),
        ({"driver": CARD, "is_software": False, "raster_ms": 2.0, "gl_ms": 1.9}, False, "measured"),
        ({"driver": "llvmpipe", "is_software": True}, False, "the processor is the graphics card"),
        ({"driver": "", "error": "no context"}, False, "no context"),
        ({}, False, "not measured"),
    ],
)
def test_opengl_must_be_clearly_cheaper(answer: dict[str, object], use_gl: bool, why: str) -> None:
    finding = finding_of(answer, "here")
    assert (finding.use_gl, finding.why, finding.machine) == (use_gl, why, "here")


async def test_it_is_measured_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    book = PictureBook(tmp_path)
    watch = PictureWatch(book, Decision(measure=True), lambda: 0)
    await watch.measure()
    known = book.read()
    assert known == Finding(
        "", known.machine if known else "", use_gl=False, why="no OpenGL context can be made"
    )


async def test_a_trial_that_dies_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Qt aborts where there is no such platform, as a broken driver might.
    monkeypatch.setenv("QT_QPA_PLATFORM", "nowhere")
    book = PictureBook(tmp_path)
    await PictureWatch(book, Decision(measure=True), lambda: 0).measure()
    known = book.read()
    assert known is not None
    assert not known.use_gl


async def test_what_crashed_once_is_not_tried_again_for_being_fast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    book = PictureBook(tmp_path)
    book.write(Finding("", "another machine", use_gl=False, why="it crashed", crashed=True))
    await PictureWatch(book, Decision(measure=True), lambda: 0).measure()
    known = book.read()
    assert known is not None
    assert known.crashed
    assert known.machine != "another machine"
