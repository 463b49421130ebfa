"""One desk for the run; what was seen and logged is kept when a test fails."""

import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.conftest import MEASURED
from tests.e2e.ears import Ears
from tests.e2e.program import LocalAtlas
from tests.e2e.stage import Stage, stage

_KEPT_BELOW = "ATLAS_E2E_OUT"


@pytest.fixture(scope="session")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("e2e"), request.config.getoption("--locale")) as desk:
        yield desk


@pytest.fixture(scope="module")
def ears(desk: Stage) -> Iterator[Ears]:
    """Records the speaker while a module's tests run."""
    with desk.listening() as ears:
        yield ears


@pytest.fixture(scope="module")
def served(desk: Stage) -> Iterator[LocalAtlas]:
    """A local Atlas in a process of its own."""
    with desk.serve() as served:
        yield served


@pytest.fixture
def atlas(served: LocalAtlas) -> LocalAtlas:
    """The same, its books on a new page."""
    served.turn_page()
    return served


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    desk = getattr(item, "funcargs", {}).get("desk")
    if not isinstance(desk, Stage):
        return report
    if call.when == "call":
        # A worker's report takes them to the process that prints the summary.
        report.user_properties += [(MEASURED, figure) for figure in desk.take_figures()]
    if report.failed:
        name = re.sub(r"\W+", "-", f"{item.name}-{report.when}")
        out = Path(os.environ.get(_KEPT_BELOW, "out/e2e")).absolute()
        report.sections.append(("what was seen", desk.evidence(out / name)))
    return report
