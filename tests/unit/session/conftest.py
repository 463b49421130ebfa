from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from atlas_desktop.errors import AppError
from atlas_desktop.guard.termination import RetryPolicy
from atlas_desktop.session import AtlasSession, guard_supervisor
from atlas_desktop.session.server_session import Timeouts
from tests.unit.session.fake_guard import Guards, Watched
from tests.unit.session.fakes import Bench, FakeSource

QUICK = Timeouts(
    first_frame_s=0.3,
    late_create_s=0.05,
    end_s=0.1,
    leave_s=0.05,
    end_retry=RetryPolicy((0.04, 0.04, 0.04, 5.0), (0.01,), max_attempts=4),
)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
async def session(bench: Bench) -> AsyncIterator[AtlasSession]:
    session = AtlasSession(dependencies=bench.dependencies(), timeouts=QUICK)
    yield session
    await session.aclose(1.0)


@pytest.fixture
def notices(session: AtlasSession) -> list[AppError]:
    told: list[AppError] = []
    session.on_notice(told.append)
    return told


@pytest.fixture
def guards() -> Guards:
    return Guards()


@pytest.fixture
async def guard(guards: Guards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr(guard_supervisor, "START_PAUSES_S", (0.0, 0.01, 0.02, 0.03))
    monkeypatch.setattr(guard_supervisor, "BEAT_S", 0.02)
    guard = Watched(tmp_path, guards)
    yield guard
    await guard.aclose()
