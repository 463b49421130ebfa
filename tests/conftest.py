"""For every test: what the program logs as a warning or worse, and no test expects, fails the test."""

import logging
import os
import signal
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from atlas_desktop.redaction import known

if TYPE_CHECKING:
    from xdist.remote import Producer

    from tests.scheduling import DeskScheduling

# How long an example takes says how busy the machine is, not whether it is right.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# A shell that starts the tests in the background ignores Ctrl-C for them, and the programs that they start
# would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LOCALE_OPTION = "--locale"
MEASURED = "measured, ms"
"""The name of a report's property that holds a figure: what it is, and its value."""
_WATCHED = ("atlas_desktop", "asyncio")


def pytest_addoption(parser: pytest.Parser) -> None:
    # With a decimal comma: what goes wrong with numbers goes wrong there.
    words = "the locale of the desk on which the end-to-end tests open the program"
    parser.addoption(LOCALE_OPTION, default="de_DE.UTF-8", help=words)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Return the workers of ``-n auto``: two per processor, as most tests wait."""
    is_chosen = "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ
    return None if is_chosen else 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "DeskScheduling | None":
    if config.getoption("dist") != "load":
        return None
    from tests.scheduling import DeskScheduling

    return DeskScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A log may hold a file's name that is no UTF-8: as it is, a worker could not send its report."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections
    ]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures: dict[str, list[float]] = {}
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, value in report.user_properties:
            if name == MEASURED:
                what, took_ms = value
                figures.setdefault(what, []).append(took_ms)
    if figures:
        terminalreporter.section(MEASURED)
    for what, values_ms in figures.items():
        terminalreporter.line(f"{what}: {', '.join(f'{value:.0f}' for value in values_ms)}")


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] in _WATCHED:
            self.said.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def no_secrets_of_others() -> Iterator[None]:
    """What one test has registered as a secret is an ordinary word in the next."""
    known.clear()
    yield
    known.clear()


@pytest.fixture(autouse=True)
def quiet_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test over what the log complains of; ``@pytest.mark.logs("text", …)`` names what it may."""
    marker = request.node.get_closest_marker("logs")
    expected = marker.args if marker is not None else ()
    complaints, root = _Complaints(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.addHandler(complaints)
    yield
    # What the program set up in a test would write to a terminal that is no more.
    root.handlers[:] = handlers
    root.setLevel(level)
    unexpected = [said for said in complaints.said if not any(text in said for text in expected)]
    assert not unexpected, "unexpected in the log:\n" + "\n".join(unexpected)
    missing = [text for text in expected if not any(text in said for said in complaints.said)]
    assert not missing, f"expected in the log, and not said: {missing}"
