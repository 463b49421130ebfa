import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from atlas_desktop.session import AtlasSession
from tests.real_server.server import BINARY_ENV, LiveKitServer, livekit_server
from tests.unit.session.real_rooms import hasty_session


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves it out of a run that did not ask for it, where there is no server."""
    is_asked_for = any("real_server" in argument for argument in config.args)
    return None if BINARY_ENV in os.environ or is_asked_for else True


@pytest.fixture(autouse=True)
def binary() -> Path:
    found = Path(os.environ.get(BINARY_ENV, ""))
    if not found.is_file():
        pytest.fail(f"{BINARY_ENV} must name a LiveKit server: see tests/real_server/__init__.py")
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveKitServer]:
    with livekit_server(tmp_path / "server.log") as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[AtlasSession]:
    session = AtlasSession()
    yield session
    await session.aclose()


@pytest.fixture
async def hasty() -> AsyncIterator[AtlasSession]:
    session = hasty_session()
    yield session
    await session.aclose()
