"""The lock that a guard holds while it runs: another process that gets it knows that the guard is gone."""

import asyncio
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from atlas_desktop.errors import JournalError
from atlas_desktop.private_files import FILE_MODE, make_folder

log = logging.getLogger(__name__)

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64
_ATTEMPTS = 25
_ATTEMPT_PAUSE_S = 0.02
"""Who only looks whether a guard lives holds its lock for a moment."""


class GuardLock:
    """One guard's lock; freed by the system however the guard ends. Waits for nobody.

    A damaged journal may name anything: what is no file's name shares the lock of one that is. So two that
    are not the same may keep each other off, but no session is ever without a lock.

    Attributes:
        file: The lock file; those of two names may be one.
        is_anothers: Whether somebody else held it when it was last tried; where it could not be taken and
            is not another's, no lock can be had there.

    Args:
        folder: Where the locks of a profile's guards lie.
        guard: The guard's name.
    """

    def __init__(self, folder: Path, guard: str) -> None:
        self.is_anothers = False
        self.file = folder / f"{_UNFIT.sub('_', guard)[:_LONGEST_NAME] or 'nobody'}.lock"
        self._lock = FileLock(self.file, timeout=0, mode=FILE_MODE)

    @property
    def is_held(self) -> bool:
        """Whether it is held by this object."""
        return self._lock.is_locked

    @property
    def exists(self) -> bool:
        """Whether there is anything to take: a guard that lives has made it."""
        return self.file.exists()

    def take(self) -> bool:
        """Try to take it; return whether it is held now."""
        if self.is_held:
            return True
        self.is_anothers = False
        try:
            make_folder(self.file.parent)
            self._lock.acquire()
        except Timeout:
            self.is_anothers = True
        except (OSError, NotImplementedError) as error:
            # The latter: a file system without locks.
            log.info("the lock of a guard can't be taken: %s", getattr(error, "strerror", None) or error)
        return self.is_held

    def release(self) -> None:
        self._lock.release()

    def discard(self) -> None:
        """Release it for good: the guard is gone, or no entry of the journal names it any more."""
        # Unlinked while it is held: a process that has opened it meanwhile finds no name left, and retries.
        # Once it is free another may hold it. Windows keeps the name of an open file.
        if self.is_held and sys.platform != "win32":
            with suppress(OSError):
                self.file.unlink()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class OwnLock:
    """A guard's own lock: without it others take the guard for dead, and its sessions for leftovers.

    Thread: one event loop.

    Args:
        lock: The guard's.
    """

    def __init__(self, lock: GuardLock) -> None:
        self._lock = lock
        self._is_reported = False
        lock.take()

    @property
    def error(self) -> JournalError | None:
        """Why it is not held; ``None`` while it is."""
        return None if self._lock.is_held else JournalError(detail="the guard's lock can't be taken")

    def retry(self) -> None:
        """Try again where it is not held. Costs next to nothing."""
        if self._lock.take():
            self._is_reported = False

    def unreported_error(self) -> JournalError | None:
        """Return why it is not held, once until it is again."""
        error, was_reported = self.error, self._is_reported
        self._is_reported = error is not None
        return None if was_reported else error

    async def secure(self) -> JournalError | None:
        """Try at once, and for a moment again while somebody else holds it; return why it is not held."""
        for _ in range(_ATTEMPTS):
            if self._lock.take() or not self._lock.is_anothers:
                break
            await asyncio.sleep(_ATTEMPT_PAUSE_S)
        return self.error


class DeadGuardLocks:
    """The locks of one profile's guards, as another program sees them. Thread: any."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, GuardLock] = {}

    def is_alive(self, guard: str) -> bool:
        """Return whether this guard runs, and so holds its sessions."""
        lock = GuardLock(self._folder, guard)
        # Looking makes no file.
        if guard in self._held or not lock.exists:
            return False
        if lock.take():
            lock.discard()
        return lock.is_anothers

    @contextmanager
    def held(self, guards: set[str]) -> Iterator[set[str]]:
        """Hold the locks of dead ``guards``: nobody else ends their sessions meanwhile.

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
