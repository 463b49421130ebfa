"""The lock that a guard holds while it lives: whoever can take it knows that the guard is gone."""

import logging
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from atlas_desktop.private_files import FILE_MODE, make_folder

log = logging.getLogger(__name__)

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64


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
        """Whether it is held now: nobody else holds it."""
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
        """Releases it for good: the guard is gone, or no entry of the journal names it any more."""
        # Unlinked while it is held: who has opened it meanwhile finds that it has no name, and tries anew.
        # Once it is free another may hold it. Windows keeps the name of an open file.
        if self.is_held and sys.platform != "win32":
            with suppress(OSError):
                self.file.unlink()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()
