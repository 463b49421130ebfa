"""Which guards live: each holds a lock file as long as it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atlas_desktop.guard.lock import GuardLock


class GuardLocks:
    """The lock files of one profile's guards. Thread: any."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, GuardLock] = {}

    def lives(self, guard: str) -> bool:
        """Whether this guard runs, and so holds its sessions."""
        lock = GuardLock(self._folder, guard)
        # Looking makes no file.
        if guard in self._held or not lock.exists:
            return False
        if lock.take():
            lock.discard()
        return lock.is_anothers

    @contextmanager
    def standing_in(self, guards: set[str]) -> Iterator[set[str]]:
        """Holds the locks of dead ``guards``: nobody else ends their sessions meanwhile.

        Yields:
            Those that turned out to live.
        """
        living: set[str] = set()
        try:
            for guard in sorted(guards):
                lock = GuardLock(self._folder, guard)
                if lock.take():
                    self._held[guard] = lock
                elif lock.is_anothers and not self._is_ours(lock):
                    living.add(guard)
            yield living
        finally:
            for lock in self._held.values():
                lock.discard()
            self._held.clear()

    def _is_ours(self, lock: GuardLock) -> bool:
        return any(held.file == lock.file for held in self._held.values())
