"""Notification of observers of the cues: at once of a few, at intervals of very many."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from atlas_desktop.cues.queue import Cue
from atlas_desktop.errors import AppError

ChangeCallback: TypeAlias = Callable[[tuple[Cue, ...]], None]
ErrorCallback: TypeAlias = Callable[[AppError], None]

# A strip of 1000 cues takes some 50 ms to be laid out.
_PAUSE_PER_CUE_S, _LEAST_PAUSE_S = 0.0003, 0.06


class CuePublisher:
    """Notifies observers of changed cues and of errors.

    With very many cues it does so at intervals that leave time for anything else, and reports only the last
    error of each kind. Thread: the loop's that made it.

    Args:
        cues: Returns all of them, in order.
        count: Returns how many there are.
    """

    def __init__(self, cues: Callable[[], tuple[Cue, ...]], count: Callable[[], int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._cues = cues
        self._count = count
        self._timer: asyncio.TimerHandle | None = None
        self._unreported: dict[str, AppError] = {}
        self._change_callbacks: tuple[ChangeCallback, ...] = ()
        self._error_callbacks: tuple[ErrorCallback, ...] = ()

    def on_change(self, callback: ChangeCallback) -> None:
        """Call ``callback`` with all cues whenever one has changed."""
        self._change_callbacks = (*self._change_callbacks, callback)

    def on_error(self, callback: ErrorCallback) -> None:
        """Call ``callback`` with what is reported."""
        self._error_callbacks = (*self._error_callbacks, callback)

    def publish(self) -> None:
        """Notify of a change, and of the errors reported since the last time."""
        pause_s = self._count() * _PAUSE_PER_CUE_S
        if pause_s < _LEAST_PAUSE_S:
            self._notify()
        elif self._timer is None:
            self._timer = self._loop.call_later(pause_s, self._notify)

    def report(self, error: AppError) -> None:
        """Keep an error for the next ``publish``."""
        self._unreported[error.code] = error

    def close(self) -> None:
        """Cancel a pending notification."""
        if self._timer is not None:
            self._timer.cancel()

    def _notify(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        cues = self._cues()
        for on_change in self._change_callbacks:
            on_change(cues)
        errors, self._unreported = self._unreported, {}
        for error in errors.values():
            for on_error in self._error_callbacks:
                on_error(error)
