"""Hostile answers through the real client, in a process that may die of them or never come back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.hostile.answers.server import HostileServer
from tests.hostile.answers.subject import BUG, LIMIT_S
from tests.hostile.answers.wire import Case, case
from tests.hostile.subject_process import SubjectProcess
from tests.hostile.tally import Tally

MOST_MB: Final = 64.0
GRACE_S: Final = 10.0
"""Beside the time-out: others may use the processor."""
MOST_CPU_S: Final = 5.0
_TOLD_EVERY: Final = 1_000


def new_subject(port: int) -> SubjectProcess:
    """A process that makes the calls, of which it takes the names as JSON."""
    return SubjectProcess("tests.hostile.answers.subject", str(port))


class Campaign:
    """Answers calls, each with a case of its own.

    Args:
        seed: With the number of a case it makes that again: ``wire.case(seed, number)``.
        keep: The folder for what was found.
    """

    def __init__(self, seed: int, keep: Path) -> None:
        self.tally = Tally()
        self._seed = seed
        self._keep = keep

    def run(self, count: int, first: int = 0) -> Iterator[int]:
        """Try ``count`` cases from the number ``first`` on; yields how many were, now and then."""
        server = HostileServer()
        subject = new_subject(server.port)
        try:
            for number in range(first, first + count):
                server.case = one = case(self._seed, number)
                report = subject.take(json.dumps(one.call))
                if report is None:
                    self._find(one, subject.end())
                    subject = new_subject(server.port)
                else:
                    self._judge(one, report)
                done = number + 1 - first
                if done % _TOLD_EVERY == 0 or done == count:
                    yield done
        finally:
            subject.end()
            server.close()

    def _judge(self, one: Case, report: dict[str, Any]) -> None:
        self.tally.count(report["outcome"], f"{one.number}", report["wall_s"], report["took_mb"])
        if report["outcome"] == BUG:
            self._find(one, report["words"])
        elif report["wall_s"] > LIMIT_S + GRACE_S:
            self._find(one, f"was waited for {report['wall_s']:.1f} s")
        elif report["cpu_s"] > MOST_CPU_S:
            self._find(one, f"took {report['cpu_s']:.1f} s of the processor")
        elif report["took_mb"] > MOST_MB:
            self._find(one, f"took {report['took_mb']:.0f} MB")
        elif one.must_give_id and not report["session_id"]:
            self._find(one, f"the id of its session is lost: {report['words']}")

    def _find(self, one: Case, what: str) -> None:
        """Keep what was sent, and say how it is made again."""
        self._keep.mkdir(parents=True, exist_ok=True)
        kept = self._keep / f"{self._seed}-{one.number}.http"
        kept.write_bytes(b"".join(one.parts))
        self.tally.findings.append(f"case({self._seed}, {one.number}), {one.words}: {what} ({kept})")


def http_answers(count: int, seed: int, keep: Path) -> Tally:
    """Hostile answers, with a line now and then of how far they are."""
    campaign = Campaign(seed, keep)
    for done in campaign.run(count):
        print(f"  {done} of {count}: {campaign.tally}", flush=True)
    return campaign.tally
