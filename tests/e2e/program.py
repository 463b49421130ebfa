"""The real program in its own process, and the books of the local Atlas that it talks to."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.e2e import watched
from tests.e2e.accessibility import Accessibility, Control, Screen, poll


def start(
    words: Sequence[str], env: Mapping[str, str], log: Path, module: str = "atlas_desktop", **pipes: Any
) -> subprocess.Popen[bytes]:
    """Starts a role of the program in a session of its own, so that it can be ended by id."""
    with log.open("ab") as stderr:
        return subprocess.Popen(
            [sys.executable, "-X", "dev", "-m", module, *words]
            if env.get("ATLAS_TEST_DEV")
            else [sys.executable, "-m", module, *words],
            env=dict(env),
            stderr=stderr,
            start_new_session=True,
            **{"stdin": subprocess.DEVNULL, **pipes},
        )


def end(process: subprocess.Popen[bytes], timeout_s: float = 10.0) -> int:
    """Asks the program to end (SIGTERM), then makes it; returns its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


@dataclass
class LocalAtlas:
    """A separately started ``atlas-desktop local``: to the program it is the real, billed service."""

    base: str
    key: str
    process: subprocess.Popen[bytes] = field(repr=False)
    _known: set[str] = field(default_factory=set)

    def turn_page(self) -> None:
        """Forgets faults that were ordered; sessions so far are another test's business."""
        httpx.delete(f"{self.base}/local/faults", headers=self._headers()).raise_for_status()
        self._known = {row["session_id"] for row in self.books()["sessions"]}

    def sessions(self) -> list[dict[str, Any]]:
        """The sessions since the page was turned, the oldest first."""
        return [row for row in self.books()["sessions"] if row["session_id"] not in self._known]

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def books(self) -> dict[str, Any]:
        answer = httpx.get(f"{self.base}/local/books", headers=self._headers())
        answer.raise_for_status()
        books: dict[str, Any] = answer.json()
        return books

    def order(self, fault: Mapping[str, Any]) -> None:
        """Orders a fault at the fault desk."""
        httpx.post(f"{self.base}/local/faults", headers=self._headers(), json=fault).raise_for_status()

    def open_sessions(self) -> list[str]:
        return [row["session_id"] for row in self.sessions() if row["ended_at"] is None]

    def wait_all_ended(self, timeout_s: float = 15.0) -> None:
        still_open = poll(lambda: not self.open_sessions(), timeout_s, every_s=0.2)
        assert still_open, f"left billing: {self.open_sessions()}"


@contextmanager
def local_atlas(env: Mapping[str, str], log: Path, *words: str) -> Iterator[LocalAtlas]:
    process = start(["local", *words], env, log, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text()
        first = json.loads(line)
        yield LocalAtlas(first["base"], first["key"], process)
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()


@dataclass
class Window:
    """The running program, seen through the accessibility bus.

    Attributes:
        screen: What can be found in the window.
        profile: Its settings, log and transcripts.
        log: The log file in its profile.
        complaints: What it writes to stderr.
        started_s: CLOCK_MONOTONIC at the launch.
    """

    process: subprocess.Popen[bytes]
    screen: Screen
    profile: Path
    log: Path
    complaints: Path
    started_s: float

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_state(self, state: str, timeout_s: float = 30.0) -> None:
        self.screen.wait("label", f"Session state: {state}", timeout_s)

    def wait_notice(self, pattern: str, timeout_s: float = 20.0) -> str:
        """Waits for a notice whose text contains ``pattern`` (a regular expression); returns it."""
        return self.screen.wait("label", f"(?s)Notice: .*{pattern}.*", timeout_s).name

    def wait_words(self, words: str, timeout_s: float = 20.0) -> None:
        """Waits until these words stand anywhere in the window."""
        self.screen.wait("label", f"(?s).*{re.escape(words)}.*", timeout_s)

    def back_to_start(self) -> None:
        """From the end of a session to the start page."""
        if self.screen.find("push button", "Back to start") is not None:
            self.screen.press("Back to start")
        self.screen.wait("push button", "Rehearse")

    def end_session(self) -> None:
        """Ends the session once it is live."""
        self.wait_state("Live")
        self.screen.press("End session")
        self.wait_state("Ended")

    def rehearse_once(self) -> None:
        """Whatever went wrong before: a rehearsal still works, from click to end."""
        self.screen.press("Rehearse")
        self.end_session()

    def transcript(self) -> list[str]:
        return self.screen.names_in("Transcript messages")

    def wait_transcript(self, pattern: str, timeout_s: float = 20.0) -> str:
        def matching() -> str | None:
            return next((row for row in self.transcript() if re.search(pattern, row)), None)

        found: str | None = poll(matching, timeout_s, every_s=0.1)
        assert found, f"nothing like {pattern!r} in {self.transcript()}"
        return found

    def cue_items(self) -> list[Control]:
        listing = self.screen.find("list", "Cue strip")
        return listing.children if listing else []

    def cues(self) -> list[str]:
        return self.screen.names_in("Cue strip")

    def wait_cue(self, pattern: str, timeout_s: float = 20.0) -> str:
        def matching() -> str | None:
            return next((row for row in self.cues() if re.search(pattern, row)), None)

        found: str | None = poll(matching, timeout_s, every_s=0.05)
        assert found, f"no cue like {pattern!r} in {self.cues()}"
        return found


def give_settings(profile: Path, **values: object) -> None:
    """Writes settings of a profile that was never used; of another one they stay as they are."""
    file = profile / "settings.json"
    if not profile.exists():
        profile.mkdir(parents=True)
        file.write_text(json.dumps(values), "utf-8")


@contextmanager
def window(env: Mapping[str, str], folder: Path, *words: str) -> Iterator[Window]:
    """Opens the program's window with the arguments ``words`` on a profile below ``folder``.

    A new profile's user knows the limits of paid sessions already: *Start* starts at once.
    """
    profile = folder / "profile"
    give_settings(profile, limits_seen=True)
    bus = Accessibility(Accessibility.address_for(env))
    started_s = time.monotonic()
    complaints, log = folder / "stderr.log", profile / "log" / "atlas-desktop.log"
    stalls = folder / "stalls.log"
    stalls.write_text("")
    process = start(
        ["--profile", str(profile), *words], {**env, watched.FILE: str(stalls)}, complaints, watched.__name__
    )
    opened = Window(process, Screen(bus, process.pid), profile, log, complaints, started_s)
    try:
        if not poll(lambda: process.poll() is not None or opened.screen.controls(), 20.0):
            raise AssertionError("the window did not open")
        yield opened
    finally:
        end(process)
        bus.close()
    assert not stalls.read_text(), f"the window waited:\n{stalls.read_text()}"
