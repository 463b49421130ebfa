from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.guard.fakes import Desk


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
    await desk.broker.aclose(2.0)
