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
_BEFORE_OTHERS = -10


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


def start_first(words: Sequence[str], env: Mapping[str, str], **pipes: Any) -> "subprocess.Popen[Any]":
    """Starts a program that keeps time, in a session of its own, and lets it go before others.

    Raises:
        DeskError: The program is not installed.
    """
    with _installed(words[0]):
        process = subprocess.Popen(list(words), env=dict(env), start_new_session=True, **pipes)
    let_go_first(process.pid)
    return process


def run(
    words: Sequence[str], env: Mapping[str, str], *, check: bool = True, **more: Any
) -> "subprocess.CompletedProcess[Any]":
    """Runs a program of the desk to its end.

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


def let_go_first(pid: int) -> None:
    """Lets a process go before others, if we may: what is asked is what it does, not what runs beside it.

    Linux shares the processor among sessions first (sched(7), autogroup), and within one by niceness.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _BEFORE_OTHERS)
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(_BEFORE_OTHERS))


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
