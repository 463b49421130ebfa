"""Release of native handles outside the SDK's callback."""

import queue
import threading
from collections.abc import Callable

from atlas_desktop.aio import guarded

_BATCH_S = 0.1
_JOIN_S = 2.0


class DeferredDisposer:
    """Releases native handles in a thread of its own, at most 0.1 s after they were given.

    The tap runs under the SDK's lock, where the SDK must not be called; and the last reference to a frame may
    be dropped in that very callback. A batch each 0.1 s costs ten wake-ups a second, one per frame 75.
    """

    def __init__(self) -> None:
        # SimpleQueue.put is re-entrant: it may be called by a finaliser at any point of any thread.
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, if it is not running."""
        if self._thread is None:
            self._stopping.clear()
            body = guarded("media.disposal")(self._run)
            self._thread = threading.Thread(target=body, name="media-disposal", daemon=True)
            self._thread.start()

    def defer(self, dispose: Callable[[], None]) -> None:
        """Call ``dispose``, which releases a handle, soon. Thread: any; never blocks, and calls no SDK."""
        if self._thread is None:
            dispose()
        else:
            self._queue.put(dispose)

    def close(self) -> None:
        """Release what is left and join the thread; what comes later is released at once."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            self._queue.put(None)
            thread.join(_JOIN_S)
        self._empty()

    def _run(self) -> None:
        while (dispose := self._queue.get()) is not None:
            _call(dispose)
            self._stopping.wait(_BATCH_S)
            if not self._empty():
                return

    def _empty(self) -> bool:
        """Release everything in the queue; return False at its end mark."""
        while True:
            try:
                dispose = self._queue.get_nowait()
            except queue.Empty:
                return True
            if dispose is None:
                return False
            _call(dispose)


@guarded("media.disposal")
def _call(dispose: Callable[[], None]) -> None:
    dispose()
