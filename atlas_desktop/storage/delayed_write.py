"""Debounced writing: many changes become one write, in a thread of its own, one at a time."""

import threading
from collections.abc import Callable

from atlas_desktop.aio import guarded


class DelayedWrite:
    """Calls ``write`` some time after the first change that is not yet written.

    Not after the last one: endless changes, such as of a dragged slider, reach the disk all the same.
    Thread: the caller's own, one; ``write`` is called in another, and must read the current state.
    """

    def __init__(self, name: str, write: Callable[[], None], after_s: float) -> None:
        self._name = name
        self._write = write
        self._after_s = after_s
        self._timer: threading.Timer | None = None
        self._is_pending = False
        self._is_stopped = False
        self._writing = threading.Lock()

    def schedule(self) -> None:
        """Schedule a write after a change. Never waits."""
        if self._is_pending or self._is_stopped:
            return
        self._is_pending = True
        self._timer = threading.Timer(self._after_s, self._run)
        self._timer.daemon = True
        self._timer.start()

    def flush(self) -> None:
        """Write now, in this thread, after a running write. May wait for the disk."""
        self._cancel()
        self._run()

    def stop(self) -> None:
        """Start no further write. Never waits."""
        self._is_stopped = True
        self._cancel()

    def close(self, last: Callable[[], None]) -> None:
        """Stop, and call ``last`` in this thread after a running write. May wait for the disk."""
        self.stop()
        with self._writing:
            last()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        with self._writing:
            # A change from here on schedules a timer of its own.
            self._is_pending = False
            if not self._is_stopped:
                guarded(self._name)(self._write)()
