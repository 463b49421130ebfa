"""For every test: what the program logs as a warning or worse, and no test expects, fails the test."""

import logging
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from atlas_desktop.redaction import known

# How long an example takes says how busy the machine is, not whether it is right.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# A shell that starts the tests in the background ignores Ctrl-C for them, and the programs that they start
# would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LOCALE_OPTION = "--locale"
_WATCHED = ("atlas_desktop", "asyncio")


def pytest_addoption(parser: pytest.Parser) -> None:
    # With a decimal comma: what goes wrong with numbers goes wrong there.
    words = "the locale of the desk on which the end-to-end tests open the program"
    parser.addoption(LOCALE_OPTION, default="de_DE.UTF-8", help=words)


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
