"""Where native handles go when nobody needs them: given back outside the SDK's callback."""

import queue
import threading
from typing import Protocol

from atlas_desktop.aio import guarded

_GATHER_S = 0.1
_JOIN_S = 2.0


class Disposable(Protocol):
    """A native handle."""

    def dispose(self) -> None:
        """Gives it back; calls the SDK."""
        ...


class HandleBin:
    """Disposes handles in a thread of its own, 0.1 s after they came at the latest.

    The tap runs under the SDK's lock, where the SDK must not be called; and whoever lets go of a frame
    last may be that very callback. A batch each 0.1 s costs ten wake-ups a second, one a frame 75.
    """

    def __init__(self) -> None:
        # SimpleQueue.put is re-entrant: it may be called by a finaliser at any point of any thread.
        self._queue: queue.SimpleQueue[Disposable | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread, if it is not running."""
        if self._thread is None:
            self._stopping.clear()
            body = guarded("media.handles")(self._run)
            self._thread = threading.Thread(target=body, name="media-handles", daemon=True)
            self._thread.start()

    def discard(self, handle: Disposable) -> None:
        """Disposes ``handle`` soon. Thread: any; never blocks, never calls the SDK while running."""
        if self._thread is None:
            handle.dispose()
        else:
            self._queue.put(handle)

    def close(self) -> None:
        """Disposes what is left and joins the thread; what comes later is disposed at once."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            self._queue.put(None)
            thread.join(_JOIN_S)
        self._empty()

    def _run(self) -> None:
        while (handle := self._queue.get()) is not None:
            _dispose(handle)
            self._stopping.wait(_GATHER_S)
            if not self._empty():
                return

    def _empty(self) -> bool:
        """Disposes all that waits; False when told to end."""
        while True:
            try:
                handle = self._queue.get_nowait()
            except queue.Empty:
                return True
            if handle is None:
                return False
            _dispose(handle)


@guarded("media.handles")
def _dispose(handle: Disposable) -> None:
    handle.dispose()
