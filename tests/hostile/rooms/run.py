"""The campaigns of rooms: each in processes of its own, with a line for what was found and how to see it."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.hostile.tally import Tally

_SUBJECT = "tests.hostile.rooms.subject"
_PEER = "tests.hostile.rooms.peer"
_LIMIT_S = 120.0
_LONG = 5_000


class Process:
    """A process that takes lines and answers in lines of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, line: str) -> dict[str, Any] | None:
        """Sends a line and returns the answer; ``None`` when the process is gone."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any] | None:
        """The next line; ``None`` when the process is gone."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def answers(self) -> Iterator[dict[str, Any]]:
        """All lines to the end."""
        while (answer := self.answer()) is not None:
            yield answer

    def end(self) -> int:
        """Waits for the end, or makes it; the exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            status = self._process.wait(_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._process.stdout.close()
        return status


def session_events(count: int, seed: int, keep: Path) -> Tally:
    """Segments, pieces of streams, states, pictures in a session's own handlers, under a real window."""
    tally = Tally()
    again = f"python -m {_SUBJECT} session {seed} {count}"
    process = Process(_SUBJECT, "session", str(seed), str(count))
    for line in process.answers():
        _count(tally, line, again)
        if tally.outcomes.total() % 5000 < 200:
            print(f"  {tally.outcomes.total()} of {count}: {tally}", flush=True)
    status = process.end()
    if status or tally.outcomes.total() != count:
        tally.findings.append(f"ended with {status} after {tally.outcomes.total()}; again: {again}")
    return tally


def _count(tally: Tally, line: dict[str, Any], again: str) -> None:
    done = tally.outcomes.total()
    tally.outcomes.update(line["outcomes"])
    which = f"before {done + sum(line['outcomes'].values())}"
    tally.worst_s = max(tally.worst_s, (line["worst_s"], which))
    tally.worst_mb = max(tally.worst_mb, (line["mb"], which))
    tally.findings += [f"{which}: {found}; again: {again}" for found in line["found"]]


_SHARES = {
    "many_segments": 4,
    "odd_segments": 2,
    "tiny_pieces": 5,
    "open_streams": 2,
    "odd_streams": 2,
    "data_packets": 1,
    "garbage": 1,
    "participants": 1,
    "tracks": 0.5,
    "states": 1,
    "mutes": 0.46,
    "long_names": 0.04,
}


def wire_packets(count: int, seed: int, keep: Path) -> Tally:
    """Packets and updates of a LiveKit room, to a session that is live in it."""
    tally = Tally()
    peer = Process(_PEER, str(seed))
    door = peer.answer()
    assert door is not None
    subject = Process(_SUBJECT, "peer", door["base"], door["key"])
    whole = sum(_SHARES.values())
    for index, (attack, share) in enumerate(_SHARES.items()):
        number = max(1, round(count * share / whole))
        # Segments want a session without streams; in the short form the others share one.
        if index in (0, 2) or count >= _LONG:
            assert subject.ask("begin") is not None
        sent = peer.ask(f"{attack} {number}")
        line = subject.ask("report")
        if sent is None or line is None:
            tally.findings.append(f"{attack}: {'the room' if sent is None else 'the window'} is gone")
            break
        line["outcomes"] = {f"{attack}: {line['state'].lower()}": number}
        again = f"python -m tests.hostile peer --count {count} --seed {seed}"
        _count(tally, line, again)
        print(f"  {attack}, {number}: {line}", flush=True)
    for process, who in ((subject, "the window"), (peer, "the room")):
        if status := process.end():
            tally.findings.append(f"{who} ended with {status}")
    return tally
