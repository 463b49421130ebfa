"""One desk for the run; what was seen and logged is kept when a test fails."""

import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.ears import Ears
from tests.e2e.program import LocalAtlas
from tests.e2e.stage import Stage, stage

_FIGURES = pytest.StashKey[dict[str, list[float]]]()
_KEPT_BELOW = "ATLAS_E2E_OUT"


@pytest.fixture(scope="session")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("e2e"), request.config.getoption("--locale")) as desk:
        request.config.stash[_FIGURES] = desk.figures_ms
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    figures = config.stash.get(_FIGURES, {})
    if figures:
        terminalreporter.section("measured, ms")
    for what, values_ms in figures.items():
        terminalreporter.line(f"{what}: {', '.join(f'{value:.0f}' for value in values_ms)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    desk = getattr(item, "funcargs", {}).get("desk")
    if report.failed and isinstance(desk, Stage):
        name = re.sub(r"\W+", "-", f"{item.name}-{report.when}")
        out = Path(os.environ.get(_KEPT_BELOW, "out/e2e")).absolute()
        report.sections.append(("what was seen", desk.evidence(out / name)))
    return report
