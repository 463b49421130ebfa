from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.unit.guard.fakes import Desk
from tests.unit.guard.process import GuardProcess, guard
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread
from tests.unit.local_atlas.toys import StillAvatars


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A guard with one source open; what it holds is ended after the test."""
    desk = Desk(tmp_path)
    await desk.open()
    yield desk
    desk.journal.full = False
    desk.service.end_outcomes.clear()
    if desk.service.end_gate is not None:
        desk.service.end_gate.set()
    if desk.service.create_gate is not None:
        desk.service.create_gate.set()
    await desk.guard.aclose(2.0)


@pytest.fixture(scope="module")
def running() -> Iterator[LocalAtlasThread]:
    with LocalAtlasThread(StillAvatars().create) as atlas:
        yield atlas


@pytest.fixture
def atlas(running: LocalAtlasThread) -> Iterator[LocalAtlasThread]:
    running.call(running.accounts.sessions.clear)
    running.call(running.accounts.calls.clear)
    yield running
    running.call(running.atlas.faults.clear)


@pytest.fixture
def one(tmp_path: Path, atlas: LocalAtlasThread) -> Iterator[GuardProcess]:
    with guard(tmp_path) as process:
        process.open(atlas)
        yield process
