"""Mutated files through the drop's path, in a process that may die of them; what it dies of is kept."""

import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.hostile.files.mutation import mutated
from tests.hostile.subject_process import SubjectProcess
from tests.hostile.tally import Tally

HANG_CPU_S = 5.0
"""What one thing done with a file may take of a processor's time."""
CLOSE_CPU_S = 0.2
"""The same for what reads it to end, once it was closed."""
MOST_MB = 400.0
_BATCH = 500


def new_subject() -> SubjectProcess:
    """A process that takes paths of files."""
    return SubjectProcess("tests.hostile.files.subject")


class Campaign:
    """Runs mutations of one corpus.

    Args:
        seeds: Endings and contents.
        number: The random numbers' seed.
        keep: The folder for what was found.
    """

    def __init__(self, seeds: Sequence[tuple[str, bytes]], number: int, keep: Path) -> None:
        self.tally = Tally()
        self._seeds = seeds
        self._chance = random.Random(number)
        self._keep = keep

    def run(self, count: int) -> Iterator[int]:
        """Take ``count`` files; yields how many were, now and then."""
        subject = new_subject()
        try:
            for first in range(0, count, _BATCH):
                with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
                    for number in range(first, min(count, first + _BATCH)):
                        subject = self._take(subject, self._write(Path(folder), number))
                yield min(count, first + _BATCH)
        finally:
            subject.end()

    def take_all(self, files: Sequence[tuple[str, bytes]]) -> list[tuple[str, str]]:
        """What becomes of files as they are: ending and outcome of each."""
        subject, outcomes = new_subject(), []
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            for number, (ending, content) in enumerate(files):
                path = Path(folder) / f"{number}.{ending}"
                path.write_bytes(content)
                report = subject.take(str(path))
                if report is None:
                    subject.end()
                    subject = new_subject()
                outcomes.append((ending, "died" if report is None else str(report["outcome"])))
                if report is not None:
                    self.tally.worst_mb = max(self.tally.worst_mb, (report["peak_mb"], path.name))
        subject.end()
        return outcomes

    def _write(self, folder: Path, number: int) -> Path:
        ending, _ = self._chance.choice(self._seeds)
        same = [content for its, content in self._seeds if its == ending]
        # Mostly a mutation of its own kind, now and then with pieces of any other.
        pool = same if self._chance.random() < 0.8 else [*same, *(content for _, content in self._seeds)]
        path = folder / f"{number}.{ending}"
        path.write_bytes(mutated(self._chance, pool))
        return path

    def _take(self, subject: SubjectProcess, path: Path) -> SubjectProcess:
        report = subject.take(str(path))
        if report is None:
            how = subject.end()
            self._find(path, how, replayed=True)
            return new_subject()
        tally = self.tally
        tally.count(report["outcome"], path.name, report["cpu_s"], report["peak_mb"])
        if report["outcome"] == "bug" or report["words"].startswith("not named"):
            self._find(path, report["words"])
        elif report["cpu_s"] > HANG_CPU_S:
            self._find(path, f"took {report['cpu_s']:.1f} s")
        elif report["peak_mb"] > MOST_MB:
            self._find(path, f"took {report['peak_mb']:.0f} MB")
        elif report["close_s"] > CLOSE_CPU_S:
            self._find(path, f"took {report['close_s']:.2f} s to be closed")
        else:
            return subject
        if report["peak_mb"] > MOST_MB:  # what it holds would be counted against the next ones
            subject.end()
            return new_subject()
        return subject

    def _find(self, path: Path, what: str, *, replayed: bool = False) -> None:
        """Keeps a file; one that killed the process is tried once more, alone."""
        self._keep.mkdir(parents=True, exist_ok=True)
        kept = Path(shutil.copy(path, self._keep / path.name))
        if replayed:
            again = new_subject()
            report = again.take(str(kept))
            what = f"{what}; again: {again.end() if report is None else report['outcome']}"
            if report is not None:
                again.end()
        self.tally.findings.append(f"{kept}: {what}")
