"""Which guards live: each holds a lock file as long as it does."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_GUARD = re.compile(r"[\w-]{1,64}", re.ASCII)
"""What a damaged journal names may be no file's name at all."""


class GuardLocks:
    """The lock files of one profile's guards. Thread: any."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, FileLock] = {}

    def lives(self, guard: str) -> bool:
        """Whether this guard runs, and so holds its sessions."""
        if guard in self._held or not _GUARD.fullmatch(guard) or not self._file(guard).exists():
            return False
        lock = FileLock(self._file(guard), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return True
        except (OSError, NotImplementedError):
            return False
        lock.release()
        return False

    @contextmanager
    def standing_in(self, guards: set[str]) -> Iterator[set[str]]:
        """Holds the locks of dead ``guards``: nobody else ends their sessions meanwhile.

        Yields:
            Those that turned out to live.
        """
        living: set[str] = set()
        try:
            for guard in filter(_GUARD.fullmatch, sorted(guards)):
                self._take(guard, living)
            yield living
        finally:
            for lock in self._held.values():
                lock.release()
            self._held.clear()

    def _take(self, guard: str, living: set[str]) -> None:
        lock = FileLock(self._file(guard), timeout=0, mode=0o600)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            living.add(guard)
        except (OSError, NotImplementedError):
            # No lock can be had here, so no guard has one.
            return
        else:
            self._held[guard] = lock

    def _file(self, guard: str) -> Path:
        return self._folder / f"{guard}.lock"
