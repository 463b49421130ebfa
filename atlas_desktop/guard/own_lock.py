"""This guard's own lock: without it others take the guard for dead, and its sessions for leftovers."""

import asyncio

from atlas_desktop.errors import JournalError
from atlas_desktop.guard.lock import GuardLock

_LOOKS = 25
_LOOK_S = 0.02
"""Who only looks whether the guard lives holds the lock for a moment."""


class OwnLock:
    """Takes the lock, and goes on trying where that fails. Thread: one event loop.

    Args:
        lock: The guard's.
    """

    def __init__(self, lock: GuardLock) -> None:
        self._lock = lock
        self._told = False
        lock.take()

    @property
    def trouble(self) -> JournalError | None:
        """Why it is not held; ``None`` while it is."""
        return None if self._lock.is_held else JournalError(detail="the guard's lock can't be taken")

    def keep(self) -> None:
        """Tries again where it is not held. Costs next to nothing."""
        if self._lock.take():
            self._told = False

    def news(self) -> JournalError | None:
        """The trouble, once until it is over."""
        trouble, was_told = self.trouble, self._told
        self._told = trouble is not None
        return None if was_told else trouble

    async def secure(self) -> JournalError | None:
        """Tries at once, and for a moment again while somebody else holds it.

        Returns:
            Why it is not held.
        """
        for _ in range(_LOOKS):
            if self._lock.take() or not self._lock.is_anothers:
                break
            await asyncio.sleep(_LOOK_S)
        return self.trouble
