import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_desktop.storage.profile import Profile
from tests.e2e.program import LocalAtlas, local_atlas
from tests.unit.sessions_cli.desk import Desk


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAtlas]:
    with local_atlas(os.environ, tmp_path_factory.mktemp("local") / "log") as served:
        yield served


@pytest.fixture
def desk(served: LocalAtlas, tmp_path: Path) -> Desk:
    served.turn_page()
    return Desk(served, Profile.at(tmp_path / "profile"))
