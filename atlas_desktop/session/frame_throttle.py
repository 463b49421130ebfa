"""What a room brings about is shown at once, and then at most once a frame."""

import asyncio
import time
from collections.abc import Callable

FRAME_S = 1 / 60
"""Nobody sees a change that comes sooner; a flood of them must leave the window time to answer."""


class FrameThrottle:
    """Calls ``work`` when asked to; asked again within a frame, once at that frame's end.

    Where no event loop runs there is nobody to wait for, and nothing is put off. Thread: one.

    Args:
        work: What is to be done; it may ask for more of itself.
        clock_s: A monotonic clock.
    """

    def __init__(self, work: Callable[[], None], clock_s: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._clock_s = clock_s
        self._next_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._is_running = self._is_asked = False

    def request(self) -> None:
        """Something has changed."""
        self._is_asked = True
        if self._timer is None and not self._is_running:
            self._go_on()

    def cancel(self) -> None:
        """Nothing is left to be done."""
        self._is_asked = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        while self._is_asked:
            wait_s = self._next_s - self._clock_s()
            if wait_s > 0 and self._put_off(wait_s):
                return
            self._run()

    def _put_off(self, wait_s: float) -> bool:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        self._timer = loop.call_later(wait_s, self._wake)
        return True

    def _wake(self) -> None:
        self._timer = None
        # A timer of Qt's may be early by a part of a millisecond: that is no reason for another one.
        self._next_s = float("-inf")
        self._go_on()

    def _run(self) -> None:
        self._is_asked, self._is_running = False, True
        try:
            self._work()
        finally:
            self._is_running = False
            # A frame of quiet from here on, however long it took.
            self._next_s = self._clock_s() + FRAME_S
