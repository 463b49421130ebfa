"""Limits updates that a room causes to one per displayed frame; the first is immediate."""

import asyncio
import time
from collections.abc import Callable

FRAME_S = 1 / 60
"""Nobody sees a change that comes sooner; a flood of them must leave the window responsive."""


class FrameThrottle:
    """Calls ``work`` on request; requests within a frame are merged into one call at its end.

    Without a running event loop nothing is deferred. Thread: one.

    Args:
        work: What to call; it may request itself again.
        clock_s: A monotonic clock.
    """

    def __init__(self, work: Callable[[], None], clock_s: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._clock_s = clock_s
        self._next_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._is_running = self._is_requested = False

    def request(self) -> None:
        """Request a call."""
        self._is_requested = True
        if self._timer is None and not self._is_running:
            self._run_due()

    def cancel(self) -> None:
        """Cancel a deferred call."""
        self._is_requested = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run_due(self) -> None:
        while self._is_requested:
            wait_s = self._next_s - self._clock_s()
            if wait_s > 0 and self._defer(wait_s):
                return
            self._run()

    def _defer(self, wait_s: float) -> bool:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        self._timer = loop.call_later(wait_s, self._wake)
        return True

    def _wake(self) -> None:
        self._timer = None
        # Qt's timers may fire a fraction of a millisecond early: not worth another one.
        self._next_s = float("-inf")
        self._run_due()

    def _run(self) -> None:
        self._is_requested, self._is_running = False, True
        try:
            self._work()
        finally:
            self._is_running = False
            # The next frame starts after the work, however long it took.
            self._next_s = self._clock_s() + FRAME_S
