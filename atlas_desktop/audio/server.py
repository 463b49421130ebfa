"""What is asked of the system's sound server: little, and more where the machine is too busy for that."""

import math
import os
import sys
from collections import deque

_LATENCY = "PULSE_LATENCY_MSEC"
LATENCIES_MS = (10, 15, 25, 60, 150)
"""From our hand-over to the card, the server's own part. The first takes threads that go before all others,
in the server and here; the second lets its client's thread be late once, the third the server's own, too.
Beside two busy processes on two cores a thread of no priority is kept waiting for 100 ms and more."""
_HURRIED, _USUAL, _UNHURRIED = range(3)
_MANY, _MANY_WITHIN_S = 3, 5.0
_SOME, _SOME_WITHIN_S = 3, 60.0
_ENOUGH = 6
"""So often it runs dry until more is asked for: opening the card anew is a gap of its own. Many losses are
worse than that gap; for some it waits until the gap is not heard, unless they become enough."""
_CALM_S = 120.0


def ask_for_low_latency() -> None:
    """Asks PulseAudio, or PipeWire in its place, for a short buffer, unless the user's own wish is set.

    Qt asks for 1024 samples, 21 ms, and offers no way to ask for less; the server's client library looks here
    each time that a stream is opened. To be called before threads start; other systems have no such server.
    """
    if sys.platform == "linux":
        os.environ.setdefault(_LATENCY, str(LATENCIES_MS[_USUAL]))


class ServerBuffer:
    """How much the server is asked to keep. One thread: the sound thread.

    Only where ``ask_for_low_latency`` was heard: what the user set stays.
    """

    def __init__(self) -> None:
        self._step = _USUAL
        self._is_ours_first, self._is_server_first = False, True
        self._was_late = False
        self._losses: deque[tuple[float, float]] = deque(maxlen=_ENOUGH)
        self._since_s = -math.inf

    @property
    def extra_ms(self) -> float:
        """How much later than usual what is handed over is heard; negative: sooner."""
        return float(LATENCIES_MS[self._step] - LATENCIES_MS[_USUAL])

    def hurry(self) -> None:
        """Our threads go before all others: less will do, from the next opening on. Thread: any.

        Not again once that was not enough.
        """
        if not self._was_late:
            self._is_ours_first = True

    def is_served(self, is_server_first: bool) -> None:
        """Whether the server's threads go before all others: where not, it needs more from the start."""
        self._is_server_first = is_server_first

    def lost(self, now_s: float, lost_ms: float) -> None:
        """It ran dry for so long."""
        if self._step == _HURRIED:
            self._was_late, self._is_ours_first = True, False
        self._losses.append((now_s, lost_ms))
        self._since_s = now_s

    def asks_anew(self, now_s: float, is_pause: bool) -> bool:
        """Whether the card is to be opened anew now, for more is asked for then; in a calm time, less.

        Args:
            now_s: Of a clock that only goes forward.
            is_pause: Whether nothing is to be heard at the moment.
        """
        if self._is_calm(now_s):
            return is_pause and self._go(self._step - 1, now_s)
        if self._step < self._least and is_pause:
            return self._go(self._least, now_s)
        some = self._within(_SOME_WITHIN_S, now_s)
        if some < _SOME or self._step + 1 == len(LATENCIES_MS):
            return False
        is_time = is_pause or some >= _ENOUGH or self._within(_MANY_WITHIN_S, now_s) >= _MANY
        return is_time and self._go(self._sufficient(), now_s)

    def opening(self, now_s: float) -> None:
        """The card is about to be opened: in a calm time less will do."""
        if self._step < self._least:
            self._go(self._least, now_s)
        elif self._is_calm(now_s):
            self._go(self._step - 1, now_s)

    @property
    def _least(self) -> int:
        if not self._is_server_first:
            return _UNHURRIED
        return _HURRIED if self._is_ours_first else _USUAL

    def _is_calm(self, now_s: float) -> bool:
        """Whether there is less to ask for, and two minutes have passed without a loss or such a change."""
        return self._step > self._least and now_s - self._since_s > _CALM_S

    def _within(self, seconds: float, now_s: float) -> int:
        return sum(now_s - at_s <= seconds for at_s, _ in self._losses)

    def _sufficient(self) -> int:
        """The next step with which the longest of the losses would not have been one."""
        needed_ms = LATENCIES_MS[self._step] + max(lost_ms for _, lost_ms in self._losses)
        higher = range(self._step + 1, len(LATENCIES_MS))
        return next((step for step in higher if LATENCIES_MS[step] >= needed_ms), higher[-1])

    def _go(self, step: int, now_s: float) -> bool:
        if os.environ.get(_LATENCY) != str(LATENCIES_MS[self._step]):
            return False
        # The name is there already: its value is replaced in place, under threads that read it.
        os.environ[_LATENCY] = str(LATENCIES_MS[step])
        self._step, self._since_s = step, now_s
        self._losses.clear()
        return True
