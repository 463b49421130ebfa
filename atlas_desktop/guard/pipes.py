"""The guard's own ends of the app's pipes, each served by a thread: neither ever holds up the loop.

Threads read and write pipes alike on every platform; asyncio's own pipes do not.
"""

import asyncio
import os
import queue
import threading
from contextlib import suppress

from atlas_desktop.aio import guarded
from atlas_desktop.api.orders import LONGEST_LINE_BYTES
from atlas_desktop.descriptors import write_all

_READ_BYTES = 65536
_LAST_WRITE_S = 1.0


def orders_in(descriptor: int) -> asyncio.StreamReader:
    """What comes from a pipe; its end when the app has gone. Called on the loop that reads it."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=LONGEST_LINE_BYTES)

    @guarded("guard.in")
    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended
            with suppress(OSError):
                while data := os.read(descriptor, _READ_BYTES):
                    loop.call_soon_threadsafe(reader.feed_data, data)
            loop.call_soon_threadsafe(reader.feed_eof)

    threading.Thread(target=read, name="guard.in", daemon=True).start()
    return reader


class FramesOut:
    """Writes frames in their order; for an app that has gone it does nothing. Thread: any."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=guarded("guard.out")(self._run), name="guard.out", daemon=True)
        self._thread.start()

    def put(self, data: bytes) -> None:
        """Hands ``data`` on; returns at once."""
        self._frames.put(data)

    def close(self) -> None:
        """Lets what was put be written, for a second at most."""
        self._frames.put(None)
        self._thread.join(_LAST_WRITE_S)

    def _run(self) -> None:
        with suppress(OSError):  # nobody reads any more
            while (data := self._frames.get()) is not None:
                write_all(self._descriptor, data)
