"""Every stored file of a profile, changed in every way, and read again: in bounded time and memory."""

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from atlas_desktop.storage.profile import Profile
from tests.hostile.stored.changes import PLACES, Change, how_many, some_changes
from tests.hostile.stored.readers import STORED, Stored
from tests.hostile.stored.shapes import contents
from tests.hostile.tally import Tally

MOST_CPU_S, MOST_MB = 10.0, 100.0
"""What one may take more than there was before; a gigabyte of zeros is read in it."""
_SHAPED_SHARE = 4
_MADE_AGAIN = "python -m tests.hostile stored --count {count} --seed {seed}"


def stored_files(count: int, number: int, keep: Path) -> Tally:
    """Try ``count`` changes of bytes, shared out by the files' lengths, fewer shapes, and all places."""
    tally = Tally()
    with _profile("made") as profile:
        goods = {name: stored.write(profile).read_bytes() for name, stored in STORED.items()}
    total = sum(map(how_many, goods.values()))
    chance = random.Random(number)
    for name, stored in STORED.items():
        attempt = Attempt(tally, name, stored, keep, _MADE_AGAIN.format(count=count, seed=number))
        share = -(-count * how_many(goods[name]) // total)
        for change in some_changes(goods[name], share, chance):
            attempt.take(change)
        for place in PLACES:
            attempt.take_place(place)
        if stored.shaped:
            _take_shapes(attempt, goods[name], stored.shaped, max(1, share // _SHAPED_SHARE), number)
        attempt.close()
    return tally


class Attempt:
    """Reads one kind of stored file after changes, and counts what came of them.

    Args:
        tally: Where that is counted.
        name: Of the kind.
        stored: The kind.
        keep: The folder for what was found.
        again: How it is made again.
    """

    def __init__(self, tally: Tally, name: str, stored: Stored, keep: Path, again: str) -> None:
        self._tally = tally
        self._name = name
        self._stored = stored
        self._keep = keep
        self._again = again
        self._folder = Path(tempfile.mkdtemp(prefix="stored-"))
        self._profile = Profile(self._folder / "profile", "hostile")
        self._renew()

    @property
    def good(self) -> bytes:
        """The file as it was made."""
        return self._good

    def close(self) -> None:
        """Remove what was made."""
        shutil.rmtree(self._folder)

    def take(self, change: Change) -> None:
        """Read the file with other bytes."""
        assert change.content is not None
        self._path.write_bytes(change.content)
        self._read(change)

    def take_place(self, name: str) -> None:
        """Read the file where something else has its place."""
        self._renew()
        self._path.unlink()
        PLACES[name](self._path, self._good)
        self._read(Change(name, None))
        self._renew()

    def _renew(self) -> None:
        shutil.rmtree(self._profile.folder, ignore_errors=True)
        self._profile.ensure()
        self._path = self._stored.write(self._profile)
        self._good = self._path.read_bytes()

    def _read(self, change: Change) -> None:
        which = f"{self._name}: {change.name}"
        before_mb = _memory_mb("VmRSS") if change.content is None else 0.0
        began_s = time.thread_time()
        try:
            outcome = self._stored.read(self._profile, self._path, self._good, change)
        except Exception as error:  # noqa: BLE001 - whatever comes up here is what is looked for
            self._find(change, f"{type(error).__name__}: {error!s:.200}")
            self._renew()
            return
        took_s = time.thread_time() - began_s
        mb = _memory_mb("VmHWM") - before_mb if change.content is None else 0.0
        self._tally.count(outcome, which, took_s, mb)
        if took_s > MOST_CPU_S or mb > MOST_MB:
            self._find(change, f"took {took_s:.1f} s, {mb:.0f} MB")
        if not self._is_plain_file():
            self._renew()

    def _is_plain_file(self) -> bool:
        return self._path.is_file() and not self._path.is_symlink()

    def _find(self, change: Change, what: str) -> None:
        if change.content is not None:
            self._keep.mkdir(parents=True, exist_ok=True)
            (self._keep / f"{len(self._tally.findings)}-{self._path.name}").write_bytes(change.content)
        self._tally.findings.append(f"{self._name}: {change.name}: {what} ({self._again})")


def _take_shapes(attempt: Attempt, good: bytes, shaped: str, count: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(contents(good, shaped))
    def one(content: bytes) -> None:
        attempt.take(Change(f"shape {content[:60]!r}", content))

    one()


@contextmanager
def _profile(name: str) -> Iterator[Profile]:
    with tempfile.TemporaryDirectory(prefix="stored-") as folder:
        profile = Profile(Path(folder) / name, "hostile")
        profile.ensure()
        yield profile


def _memory_mb(which: str) -> float:
    """The memory that this process holds (``VmRSS``), or the most since the last call (``VmHWM``)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{which}:"))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return found_kb / 1024
