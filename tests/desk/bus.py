"""A session bus of its own, with the accessibility bus on it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory

from tests.desk.process import DeskError, running

_LAUNCHERS = ("/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher")


@contextmanager
def session_bus(env: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Runs a session bus; gives ``env`` with its address and an ``XDG_RUNTIME_DIR`` of its own."""
    with TemporaryDirectory(prefix="desk-bus-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        on_bus = {**env, "XDG_RUNTIME_DIR": folder}
        words = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"]
        with running(words, on_bus, log, stdout=PIPE) as process:
            assert process.stdout is not None
            address = process.stdout.readline().decode().strip()
            if not address:
                raise DeskError(f"dbus-daemon did not come up:\n{log.read_text()[-2000:]}")
            yield {**on_bus, "DBUS_SESSION_BUS_ADDRESS": address}


@contextmanager
def accessibility(env: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Runs the accessibility bus on the session bus of ``env``; Qt is told to use it always."""
    launcher = next((path for path in _LAUNCHERS if Path(path).exists()), None)
    if launcher is None:
        raise DeskError("at-spi2-core is missing: run packaging/setup.sh run desk test")
    with (
        TemporaryDirectory(prefix="desk-a11y-", ignore_cleanup_errors=True) as folder,
        running([launcher, "--launch-immediately"], env, Path(folder) / "log"),
    ):
        yield {**env, "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1", "QT_ACCESSIBILITY": "1"}
