"""A process that makes calls as the guard does, and reports what became of each.

``python -m tests.hostile.answers.subject PORT``: orders come in on standard input, a line of JSON each; JSON
goes out. Whatever an answer brings goes the way that it goes in the program, too: through the guard's frames,
into the journal, onto the lists of the command line and the history.
"""

import asyncio
import json
import logging
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from atlas_desktop.api import exchange, http_source
from atlas_desktop.api.guard_protocol import (
    decode_error,
    decode_message,
    encode_error,
    encode_message,
    grant_frame,
    grant_of_frame,
)
from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.source import Face, Mode, SessionGrant
from atlas_desktop.errors import AppError, BugError
from atlas_desktop.guard.session_creator import create_definitely_failed
from atlas_desktop.logs import terminal_text
from atlas_desktop.sessions_cli.listing import ListedSession, as_objects, as_table, unfinished
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.history import to_csv
from tests.hostile.answers.shapes import SESSION_ID

TAKEN, NAMED, BUG = "taken", "named", "bug"
LIMIT_S: Final = 1.0
BODY_LIMIT_S: Final = 0.3
_LONGEST_WORDS: Final = 1_000
_KEY: Final = "ak_hostile_0123456789"
_FACE: Final = Face("a.png", b"\x89PNG" + bytes(1_000))
_ADDRESS_SPACE_BYTES: Final = 4 << 30


class Subject:
    """Makes the calls.

    Args:
        port: Where the answers come from.
        folder: For the journal.
    """

    def __init__(self, port: int, folder: Path) -> None:
        self._port = port
        self._folder = folder
        self._ids: list[str] = []

    async def take(self, call: str) -> tuple[str, str]:
        """What became of one call, and the words for it."""
        self._ids.clear()
        source = AtlasSource(_KEY, f"http://127.0.0.1:{self._port}", own_ids=[SESSION_ID])
        try:
            return TAKEN, self._pass_on(await self._call(source, call))
        except AppError as error:
            if isinstance(error, BugError):
                raise
            return NAMED, self._name(error, call)
        finally:
            await source.aclose()

    @property
    def session_id(self) -> str:
        """The id that the last create gave."""
        return self._ids[0] if self._ids else ""

    async def _call(self, source: AtlasSource, call: str) -> Any:
        match call:
            case "create":
                return await source.create(Mode.PASSTHROUGH, None, self._ids.append)
            case "end":
                return await source.end(SESSION_ID)
            case "status":
                return await source.status(SESSION_ID)
            case "viewer":
                return await source.viewer(SESSION_ID)
        return await source.patch_face(SESSION_ID, _FACE)

    def _pass_on(self, answer: Any) -> str:
        if not isinstance(answer, SessionGrant):
            return repr(answer)
        frame = decode_message(encode_message(grant_frame(answer)))
        assert grant_of_frame(frame) == answer
        self._write(answer.session_id, records.granted("key", answer, datetime.now(UTC), _KEY))
        return repr(answer)

    def _name(self, error: AppError, call: str) -> str:
        words = str(error)
        assert len(words) < _LONGEST_WORDS, f"{len(words)} characters of words"
        assert words.isprintable(), f"words that can't be shown: {words!r}"
        assert str(decode_error(decode_message(encode_message(encode_error(error))))) == words
        named = error.params.get("session_id", "")
        if call == "create":
            assert named == self.session_id, f"the error names {named!r}, not {self.session_id!r}"
            assert not (named and create_definitely_failed(error)), "it was made, and none was"
        if named:
            self._write(named, records.found("key", named, datetime.now(UTC), _KEY))
        return f"{error.code}: {words}"

    def _write(self, session_id: str, record: dict[str, Any]) -> None:
        """A session as the journal keeps it and everybody shows it."""
        journal = BillingJournal(self._folder / "sessions.jsonl")
        journal.file.unlink(missing_ok=True)
        journal.append(record)
        (entry,) = unfinished(journal.entries())
        # As it stands there, or sealed: what looks like a token that the service gave is not written.
        assert entry.id_for(_KEY) == session_id
        now, left = datetime.now(UTC), [ListedSession(entry, in_use=False, key_at_hand=True)]
        shown = terminal_text(as_table(left, now)) + json.dumps(as_objects(left, now))
        shown.encode()
        to_csv([entry]).encode("utf-8", "replace")


def held_mb() -> tuple[float, float]:
    """The memory that is held, and the most that was since the last call (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = {name: int(value.split()[0]) / 1024 for name, _, value in _fields(status)}
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return found["VmRSS"], found["VmHWM"]


def _fields(status: str) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in status.splitlines() if line.startswith(("VmRSS", "VmHWM"))]


def main() -> None:
    """Makes calls until standard input ends."""
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    for name in ("CREATE", "PATCH", "END", "VIEWER", "READ"):
        setattr(http_source, f"{name}_LIMIT_S", LIMIT_S)
    exchange.BODY_LIMIT_S = BODY_LIMIT_S
    print(json.dumps({"ready": os.getpid()}), flush=True)
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder, asyncio.Runner() as runner:
        subject = Subject(int(sys.argv[1]), Path(folder))
        for line in sys.stdin:
            print(json.dumps(_report(runner, subject, json.loads(line))), flush=True)


def _report(runner: asyncio.Runner, subject: Subject, call: str) -> dict[str, Any]:
    before_mb, _ = held_mb()
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    try:
        outcome, words = runner.run(subject.take(call))
    except Exception as error:  # noqa: BLE001 - whatever comes up here is what is looked for
        outcome, words = BUG, f"{type(error).__name__}: {error!s:.300} ({error.__cause__!r:.200})"
    wall_s, cpu_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
    return {
        "outcome": outcome,
        "words": words[:600],
        "session_id": subject.session_id,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "took_mb": max(0.0, held_mb()[1] - before_mb),
    }


if __name__ == "__main__":
    main()
