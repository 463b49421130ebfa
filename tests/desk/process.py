"""Processes of the desk: each in a session of its own, ended by its id."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

END_LIMIT_S = 3.0
_PRIORITISED_NICENESS = -10


class DeskError(RuntimeError):
    """A part of the desk is missing or did not come up; the text says how to get it."""


@contextmanager
def running(
    words: Sequence[str], env: Mapping[str, str], log: Path, **pipes: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs a program until the block is left; its words go to ``log``."""
    process = start(words, env, log, **pipes)
    try:
        yield process
    finally:
        end(process)


def start(words: Sequence[str], env: Mapping[str, str], log: Path, **pipes: Any) -> "subprocess.Popen[bytes]":
    """Starts a program in a session of its own.

    Raises:
        DeskError: The program is not installed.
    """
    with log.open("ab") as output, _installed(words[0]):
        to = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **pipes}
        return subprocess.Popen(list(words), env=dict(env), start_new_session=True, **to)


def start_prioritised(words: Sequence[str], env: Mapping[str, str], **pipes: Any) -> "subprocess.Popen[Any]":
    """Start a program that keeps real time, in a session of its own and with raised priority.

    Raises:
        DeskError: The program is not installed.
    """
    with _installed(words[0]):
        process = subprocess.Popen(list(words), env=dict(env), start_new_session=True, **pipes)
    raise_priority(process.pid)
    return process


def run(
    words: Sequence[str], env: Mapping[str, str], *, check: bool = True, **more: Any
) -> "subprocess.CompletedProcess[Any]":
    """Run a program of the desk to its end.

    Raises:
        DeskError: The program is not installed.
    """
    with _installed(words[0]):
        return subprocess.run(list(words), env=dict(env), check=check, **more)


@contextmanager
def _installed(program: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise DeskError(f"{program} is missing: run packaging/setup.sh run desk test") from error


def raise_priority(pid: int) -> None:
    """Schedule a process before others, where that is permitted: other load is not what the tests measure.

    Linux shares processor time among sessions first (autogroup, sched(7)), and within a session by niceness.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _PRIORITISED_NICENESS)
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(_PRIORITISED_NICENESS))


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ends a started program and what it started: politely, then by force."""
    for number, limit_s in ((signal.SIGTERM, END_LIMIT_S), (signal.SIGKILL, END_LIMIT_S)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(limit_s)
            break
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def wait_until(ready: Callable[[], bool], what: str, log: Path, limit_s: float = 10.0) -> None:
    """Waits until ``ready()``.

    Raises:
        DeskError: It did not become ready; holds the last lines of ``log``.
    """
    deadline_s = time.monotonic() + limit_s
    while not ready():
        if time.monotonic() > deadline_s:
            raise DeskError(f"{what} did not come up:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)
