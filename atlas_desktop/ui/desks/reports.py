"""What a bug's notice copies: enough to mend it, nothing secret."""

import platform
import traceback

from atlas_desktop import __version__
from atlas_desktop.errors import AppError
from atlas_desktop.logs import redact
from atlas_desktop.storage.last_run import StoppedRun

_LAST_LINES = 60


def report_text(error: AppError) -> str:
    """Version, system and traceback of ``error``, redacted."""
    cause = error.__cause__ or error
    trace = "".join(traceback.format_exception(cause))
    return redact(f"{_system(__version__)}\n{error}\n\n{trace}")


def stopped_report(run: StoppedRun) -> str:
    """What a run left that stopped unexpectedly: version, times, stacks, last lines of the log; redacted."""
    times = f"began {run.began:%Y-%m-%d %H:%M:%S%z}, last seen {run.last_seen:%Y-%m-%d %H:%M:%S%z}"
    log = "\n".join(run.log.splitlines()[-_LAST_LINES:])
    stacks = run.stacks.strip() or "no stacks were written"
    return redact(f"{_system(run.version)}\nstopped unexpectedly: {times}\n\n{stacks}\n\n{log}\n")


def _system(version: str) -> str:
    return f"Atlas Desktop {version}, Python {platform.python_version()}, {platform.platform()}"
