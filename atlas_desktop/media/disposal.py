"""Disposal of native handles outside the SDK's callbacks."""

import queue
import threading
from collections.abc import Callable

from atlas_desktop.aio import guarded

_GATHER_S = 0.1
"""A batch each 0.1 s costs ten wake-ups a second, one for each frame and block of sound 125."""
_JOIN_S = 2.0

Dispose = Callable[[], None]
"""Disposes one native handle; calls the SDK."""


class DeferredDisposer:
    """Thread that disposes handles at most 0.1 s after they were discarded.

    The tap runs under the SDK's lock, where the SDK must not be called; and the last reference to a frame may
    be dropped in that very callback.
    """

    def __init__(self) -> None:
        # SimpleQueue.put is re-entrant: a finalizer may call it at any point of any thread.
        self._queue: queue.SimpleQueue[Dispose | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, if it is not running."""
        if self._thread is None:
            self._stopping.clear()
            body = guarded("media.handles")(self._run)
            self._thread = threading.Thread(target=body, name="media-handles", daemon=True)
            self._thread.start()

    def discard(self, dispose: Dispose) -> None:
        """Call ``dispose`` soon; at once where the thread isn't running. Thread: any; never blocks."""
        if self._thread is None:
            dispose()
        else:
            self._queue.put(dispose)

    def close(self) -> None:
        """Dispose what is left and join the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            self._queue.put(None)
            thread.join(_JOIN_S)
        self._empty()

    def _run(self) -> None:
        while (dispose := self._queue.get()) is not None:
            _call(dispose)
            self._stopping.wait(_GATHER_S)
            if not self._empty():
                return

    def _empty(self) -> bool:
        """Dispose all that waits; return False at the thread's end mark."""
        while True:
            try:
                dispose = self._queue.get_nowait()
            except queue.Empty:
                return True
            if dispose is None:
                return False
            _call(dispose)


@guarded("media.handles")
def _call(dispose: Dispose) -> None:
    dispose()
