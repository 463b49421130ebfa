"""A program under fault, seen from outside: its process, its guard, its session's life."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

SETTINGS = {"limits_seen": True}
_POLL_S = 0.01


class GoneError(Exception):
    """It did not get where it should: the last it said is the text."""


class Subject:
    """One running program.

    Attributes:
        profile: Its folder.
        process: The program.
        guard_pids: Every guard it has had, the newest last.
        lives: What its session went through.
        errors: Why it failed, as codes.
    """

    def __init__(self, profile: Path, env: Mapping[str, str]) -> None:
        self.profile = profile
        self.guard_pids: list[int] = []
        self.lives: list[str] = []
        self.errors: set[str] = set()
        self._complaints = (profile / "stderr.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.victim", str(profile)],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def life(self) -> str:
        """The state of its session; empty before the first."""
        return self.lives[-1] if self.lives else ""

    @property
    def journal(self) -> Path:
        return self.profile / "billing" / "sessions.jsonl"

    def tell(self, order: str) -> None:
        """Gives the program an order of ``victim``."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(order.encode() + b"\n")
            self.process.stdin.flush()

    def wait(self, reached: Callable[[], object], what: str, limit_s: float = 30.0) -> None:
        """Waits, closely, until ``reached()``.

        Raises:
            GoneError: It was not, in time.
        """
        until_s = time.monotonic() + limit_s
        while not reached():
            if time.monotonic() > until_s:
                raise GoneError(f"never {what}; it went through {self.lives}, exit {self.process.poll()}")
            time.sleep(_POLL_S)

    def signal(self, number: signal.Signals) -> None:
        """Sends the program a signal."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill_guard(self) -> None:
        """Kills its newest guard, as nothing can be caught."""
        with suppress(ProcessLookupError):
            os.kill(self.guard_pids[-1], signal.SIGKILL)

    def close(self) -> None:
        """Makes sure that nothing of it is left: program and guards."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(2)
        for pid in self.guard_pids:
            with suppress(psutil.Error):
                guard = psutil.Process(pid)
                if "guard" in guard.cmdline():
                    guard.kill()
        for pipe in (self.process.stdin, self.process.stdout, self._complaints):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def guards_left(self) -> list[int]:
        """The guards that still run."""
        return [pid for pid in self.guard_pids if _runs(pid)]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with suppress(ValueError):
                told = json.loads(line)
                if told.get("guard"):
                    self.guard_pids.append(told["guard"])
                if "life" in told:
                    self.lives.append(told["life"])
                if "error" in told:
                    self.errors.add(told["error"])


def _runs(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "guard" in process.cmdline()
    except psutil.Error:
        return False


@contextmanager
def subject(profile: Path, env: Mapping[str, str], hang_s: int, **settings: object) -> Iterator[Subject]:
    """Opens a program on ``profile``, with these settings, and waits for its guard."""
    profile.mkdir(parents=True, exist_ok=True)
    wanted = {**SETTINGS, "limit_hang_s": hang_s, **settings}
    (profile / "settings.json").write_text(json.dumps(wanted), "utf-8")
    opened = Subject(profile, env)
    try:
        opened.wait(lambda: opened.guard_pids, "with a guard")
        yield opened
    finally:
        opened.close()
