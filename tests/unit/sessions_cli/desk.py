"""The command, a profile with a journal, and a local Atlas that the journal describes."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import httpx
import pytest
from filelock import FileLock

from atlas_desktop import proxies
from atlas_desktop.__main__ import main
from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.proxies import ProxySetting
from atlas_desktop.redaction import known
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.profile import Profile
from tests.e2e.program import LocalAtlas

STRANGER = "ses_" + "0" * 20


@dataclass(frozen=True)
class Done:
    """What a run of the command gave."""

    status: int
    out: str
    complaints: str

    @property
    def answer(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Desk:
    """A profile with a journal, and the service that it tells of."""

    atlas: LocalAtlas
    profile: Profile

    @property
    def journal(self) -> BillingJournal:
        return BillingJournal(self.profile.billing_journal)

    def only(self) -> BillingEntry:
        [entry] = self.journal.entries()
        return entry

    def make(self, guard: str = "dead", key: str | None = None, ago_s: float = 0, **address: str) -> str:
        """A session on the server, and what a guard would have written about it."""
        answer = httpx.post(
            f"{self.atlas.base}/v1/realtime/session", headers=self.headers, json={"mode": "conversation"}
        )
        answer.raise_for_status()
        session_id: str = answer.json()["session_id"]
        self.ask(guard, key, ago_s, session_id, **address)
        return session_id

    def ask(
        self,
        guard: str = "dead",
        key: str | None = None,
        ago_s: float = 0,
        session_id: str = "",
        *,
        base: str = "",
        kind: str = "atlas",
    ) -> str:
        """What a guard writes; returns the entry's name."""
        at = datetime.now(UTC) - timedelta(seconds=ago_s)
        secret = self.atlas.key if key is None else key
        ask = records.asked(guard, kind, base or self.atlas.base, secret, Mode.CONVERSATION, at)
        self.journal.append(ask)
        if session_id:
            grant = SessionGrant(session_id, "wss://x", "t", max_duration_s=14400, price_per_hour_usd=10.0)
            self.journal.append(records.granted(ask["key"], grant, at))
        return str(ask["key"])

    def guard(self, name: str) -> FileLock:
        """Held like this, a guard lives."""
        self.profile.guards_folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.profile.guards_folder / f"{name}.lock")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.atlas.key}"}

    def run(self, *words: str, **env: str) -> Done:
        """Run the command in this process, with the key at hand unless ``env`` says otherwise."""
        return run(self._words(words), self._env(env))

    def run_process(self, *words: str) -> Done:
        """Run the command in a process of its own."""
        return run_process(self._words(words), self._env({}))

    def _words(self, words: Sequence[str]) -> list[str]:
        return ["sessions", "--profile", str(self.profile.folder), *words]

    def _env(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"ATLAS_API_KEY": self.atlas.key, "ATLAS_API_BASE": self.atlas.base, **more}


def run(words: list[str], env: Mapping[str, str]) -> Done:
    """Call the command with the state of a new process, and restore that of this one afterwards."""
    root, out, complaints = logging.getLogger(), StringIO(), StringIO()
    handlers, root.handlers[:] = root.handlers[:], []
    known.clear()
    try:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(complaints):
            for name in os.environ.keys() - _bare().keys():
                patch.delenv(name)
            for name, value in env.items():
                patch.setenv(name, value)
            status = main(words)
    finally:
        root.handlers[:] = handlers
        proxies.set_provider(ProxySetting)
    return Done(status, out.getvalue(), complaints.getvalue())


def run_process(words: list[str], env: Mapping[str, str]) -> Done:
    done = subprocess.run(
        [sys.executable, "-m", "atlas_desktop", *words],
        env={**_bare(), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ATLAS_")}


_LOOK = """
import sys
from atlas_desktop.__main__ import main
try:
    status = main(sys.argv[1].split())
except SystemExit as stop:
    status = stop.code
heavy = sorted({name.split(".")[0] for name in sys.modules} & {%s})
print(f"{status} {heavy}", file=sys.stderr)
"""


def look(words: str, heavy: str, **env: str) -> str:
    """The exit status, and which of the modules ``heavy`` were imported."""
    done = subprocess.run(
        [sys.executable, "-c", _LOOK % heavy, words],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip()
