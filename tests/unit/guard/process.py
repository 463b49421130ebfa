"""The real guard as a process, spoken to in frames over its pipes."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atlas_desktop.api.guard_protocol import Frame, decode_message, encode_message
from atlas_desktop.local_atlas.rest.accounts import SessionRecord
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.profile import Profile
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread

SESSION = "/v1/realtime/session"
ANSWER_LIMIT_S = 20.0
LIMITS = {"session_usd": 5.0, "session_s": 3600.0, "day_usd": 20.0, "idle_s": 600.0, "hang_s": 30.0}


def command(profile: Path) -> list[str]:
    return [sys.executable, "-m", "atlas_desktop", "guard", "--child", "--profile", str(profile)]


class GuardProcess:
    """One guard that runs. Events that come between answers are kept."""

    def __init__(self, process: "subprocess.Popen[bytes]", profile: Path) -> None:
        self.process = process
        self.profile = profile
        self.events: list[Frame] = []
        self._left = b""
        self._number = 0
        self.first_line = self.read()

    def send(self, frame: Frame, content: bytes = b"") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(encode_message(frame, content))
        self.process.stdin.flush()

    def ask(self, op: str, content: bytes = b"", **fields: Any) -> Frame:
        """Sends an order and returns the whole frame of its answer."""
        return self.answer(self.order(op, content, **fields))

    def order(self, op: str, content: bytes = b"", **fields: Any) -> int:
        self._number += 1
        self.send({"op": op, "n": self._number, **fields}, content)
        return self._number

    def answer(self, number: int) -> Frame:
        while (frame := self.read()).get("n") != number:
            self.events.append(frame)
        return frame

    def event(self, name: str) -> Frame:
        """The next event of that name, also of those that came before an answer."""
        while True:
            for frame in self.events:
                if frame.get("event") == name:
                    self.events.remove(frame)
                    return frame
            self.events.append(self.read())

    def read(self) -> Frame:
        assert self.process.stdout is not None
        deadline_s = time.monotonic() + ANSWER_LIMIT_S
        while b"\n" not in self._left:
            ready = select.select([self.process.stdout], [], [], deadline_s - time.monotonic())[0]
            assert ready, "the guard said nothing"
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, f"the guard is gone: {self.log()}"
            self._left += data
        line, _, self._left = self._left.partition(b"\n")
        return decode_message(line)

    def open(self, atlas: LocalAtlasThread, name: str = "atlas", key: str | None = None) -> None:
        opened = self.ask("open", source=name, kind="atlas", address=atlas.base, secret=key or atlas.key)
        assert opened["ok"] == {}

    def create(self, **fields: Any) -> Frame:
        return self.answer(self.order_create(**fields))

    def order_create(self, **fields: Any) -> int:
        given = {"source": "atlas", "mode": "conversation", "limits": LIMITS, "face": None, **fields}
        return self.order("create", **given)

    def hang_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def entries(self) -> list[BillingEntry]:
        return BillingJournal(Profile.at(self.profile).billing_journal).entries()

    def log(self) -> str:
        file = self.profile / "log" / "guard.log"
        return file.read_text() if file.exists() else "(no log)"


@contextmanager
def guard(profile: Path, **env: str) -> Iterator[GuardProcess]:
    with subprocess.Popen(
        command(profile),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **env},
        start_new_session=True,
        bufsize=0,
    ) as process:
        try:
            yield GuardProcess(process, profile)
        finally:
            process.kill()


def wait_until(true: Callable[[], object], limit_s: float = 15.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline_s, "it did not come about"
        time.sleep(0.02)


def first_line_of(process: "subprocess.Popen[bytes]") -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def only(atlas: LocalAtlasThread) -> SessionRecord:
    (entry,) = atlas.accounts.sessions.values()
    return entry


def spoil(atlas: LocalAtlasThread, **fault: object) -> None:
    atlas.inject(path=f"{SESSION}*", **fault)


def gone(process: GuardProcess, limit_s: float = 15.0) -> int:
    return process.process.wait(limit_s)
