"""The lock that a guard holds while it lives: whoever can take it knows that the guard is gone."""

import logging
import re
from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")


class GuardLock:
    """One guard's lock; freed by the system however the guard ends.

    Args:
        folder: Where the locks of a profile's guards lie.
        guard: The guard's name.
    """

    def __init__(self, folder: Path, guard: str) -> None:
        # A damaged journal may name anything.
        self._file = folder / f"{_UNFIT.sub('_', guard)[:64] or 'nobody'}.lock"
        self._lock = FileLock(self._file, timeout=0)

    def take(self) -> bool:
        """Whether it could be taken: nobody holds it."""
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            return False
        except OSError as error:
            log.info("the lock of a guard can't be taken: %s", error.strerror)
            return False
        return True

    def release(self) -> None:
        self._lock.release()

    def discard(self) -> None:
        """Releases it for good: no entry of the journal names this guard any more."""
        self._lock.release()
        with suppress(OSError):
            self._file.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()
