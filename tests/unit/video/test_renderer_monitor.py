import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Idle, Requesting
from atlas_desktop.storage.driver_crash_mark import DriverCrashMark
from atlas_desktop.video.gl_driver import graphics_card
from atlas_desktop.video.renderer import RendererChoice
from atlas_desktop.video.renderer_monitor import RendererMonitor

REQUESTED = replace(SessionSnapshot(), state=Requesting())
OVER = replace(SessionSnapshot(), state=Idle())


class Bench:
    def __init__(self, folder: Path, *, use_gl: bool = True) -> None:
        self.mark = DriverCrashMark(folder)
        self.painted = 0
        self.monitor = RendererMonitor(self.mark, RendererChoice(use_gl=use_gl))

    async def follow(self, snapshot: SessionSnapshot) -> bool:
        """Hand a snapshot over; return whether the mark is set then."""
        self.monitor.follow(snapshot, self.painted)
        assert await self.monitor.flush()
        return self.mark.is_set()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_the_mark_is_set_until_frames_were_shown(bench: Bench) -> None:
    assert await bench.follow(REQUESTED)
    bench.painted = 3
    assert await bench.follow(REQUESTED)
    bench.painted = 10
    assert not await bench.follow(REQUESTED)
    # Proven: no file is written in a later session.
    bench.painted = 0
    assert not await bench.follow(OVER)
    assert not await bench.follow(REQUESTED)


async def test_a_session_without_frames_proves_nothing(bench: Bench) -> None:
    assert await bench.follow(REQUESTED)
    assert not await bench.follow(OVER)
    assert await bench.follow(REQUESTED)


async def test_an_orderly_end_clears_the_mark(bench: Bench) -> None:
    assert await bench.follow(REQUESTED)
    await bench.monitor.aclose()
    assert not bench.mark.is_set()


async def test_opengl_that_gave_up_is_not_used_next_time(bench: Bench) -> None:
    assert await bench.follow(REQUESTED)
    bench.monitor.exclude_driver()
    assert await bench.monitor.flush()
    assert not bench.mark.is_set()
    assert bench.mark.is_excluded(graphics_card())


async def test_the_processor_is_not_on_trial(tmp_path: Path) -> None:
    bench = Bench(tmp_path, use_gl=False)
    assert not await bench.follow(REQUESTED)
    await bench.monitor.watch_start()
    await bench.monitor.aclose()
    assert list(tmp_path.iterdir()) == []


async def test_a_disk_that_does_not_answer_holds_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(DriverCrashMark, "set", lambda _mark: answers.wait(30))
    began_s = time.monotonic()
    bench.monitor.follow(REQUESTED, 0)
    assert time.monotonic() - began_s < 5
    answers.set()
    await bench.monitor.aclose()
