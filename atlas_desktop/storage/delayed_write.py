"""Writing soon after a change: many changes are one write, in a thread of its own, one at a time."""

import threading
from collections.abc import Callable

from atlas_desktop.aio import guarded


class DelayedWrite:
    """Calls ``write`` a while after the first change that it has not written.

    Not after the last one: changes that never cease, as of a slider that is held, are on disk all the same.
    Thread: the caller's own, one; ``write`` is called in another, and must take what holds then.
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
        """Something has changed. Never waits."""
        if self._is_pending or self._is_stopped:
            return
        self._is_pending = True
        self._timer = threading.Timer(self._after_s, self._run)
        self._timer.daemon = True
        self._timer.start()

    def flush(self) -> None:
        """Writes now, in this thread, after what is being written. May wait for the disk."""
        self._cancel()
        self._run()

    def stop(self) -> None:
        """Begins no further write. Never waits."""
        self._is_stopped = True
        self._cancel()

    def close(self, last: Callable[[], None]) -> None:
        """Stops, and does ``last`` in this thread after what is being written. May wait for the disk."""
        self.stop()
        with self._writing:
            last()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        with self._writing:
            # What is changed from here on is written by a timer of its own.
            self._is_pending = False
            if not self._is_stopped:
                guarded(self._name)(self._write)()
