"""Runs parts of the measuring as processes of their own; what they log is shown only when one fails."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.desk.process import running

LIMIT_S = 180.0


class RunFailedError(RuntimeError):
    """A process of the measuring failed; the text has what it said."""


def output(env: Mapping[str, str], *words: str, limit_s: float = LIMIT_S, allowed: int = 0) -> str:
    """Runs ``python -m WORDS…`` to its end; returns what it printed.

    Args:
        allowed: An exit status, besides 0, that is no failure.
    """
    done = subprocess.run(
        [sys.executable, "-m", *words],
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode not in (0, allowed):
        raise RunFailedError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}")
    return done.stdout


@contextmanager
def open_program(env: Mapping[str, str], *words: str) -> Iterator[int]:
    """Runs the program on a profile of its own during the block; gives its process id."""
    with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-m", "atlas_desktop", "--profile", folder, *words]
        with running(command, env, Path(folder) / "stderr") as process:
            yield process.pid
