"""What is asked of the system's sound server: little, and more where the machine is too busy for that."""

import os
import sys
from collections import deque

_LATENCY = "PULSE_LATENCY_MSEC"
LATENCIES_MS = (15, 60, 150)
"""From our hand-over to the card, the server's own part. The first lets its client's thread be late once.
Beside two busy processes on two cores that thread is kept waiting for 100 ms and more."""
_LOSSES, _LOSSES_WITHIN_S = 3, 5.0
"""So often it runs dry until more is asked for: opening the card anew is a gap of its own."""
_CALM_S = 120.0


def ask_for_low_latency() -> None:
    """Asks PulseAudio, or PipeWire in its place, for a short buffer, unless the user's own wish is set.

    Qt asks for 1024 samples, 21 ms, and offers no way to ask for less; the server's client library looks here
    each time that a stream is opened. To be called before threads start; other systems have no such server.
    """
    if sys.platform == "linux":
        os.environ.setdefault(_LATENCY, str(LATENCIES_MS[0]))


class ServerBuffer:
    """How much the server is asked to keep. One thread: the sound thread.

    Only where ``ask_for_low_latency`` was heard: what the user set stays.
    """

    def __init__(self) -> None:
        self._step = 0
        self._losses: deque[float] = deque(maxlen=_LOSSES)

    @property
    def extra_ms(self) -> float:
        """How much later than usual what is handed over is heard."""
        return float(LATENCIES_MS[self._step] - LATENCIES_MS[0])

    def lost(self, now_s: float) -> bool:
        """It ran dry. True: from now on more is asked for, with the next opening of the card."""
        self._losses.append(now_s)
        is_often = len(self._losses) == _LOSSES and now_s - self._losses[0] <= _LOSSES_WITHIN_S
        return is_often and self._step + 1 < len(LATENCIES_MS) and self._go(self._step + 1)

    def opening(self, now_s: float) -> None:
        """The card is about to be opened: after two calm minutes less will do."""
        if self._step and now_s - self._losses[-1] > _CALM_S:
            self._go(self._step - 1)

    def _go(self, step: int) -> bool:
        if os.environ.get(_LATENCY) != str(LATENCIES_MS[self._step]):
            return False
        # The name is there already: its value is replaced in place, under threads that read it.
        os.environ[_LATENCY] = str(LATENCIES_MS[step])
        self._step = step
        last_s = self._losses[-1]
        self._losses.clear()
        self._losses.append(last_s)
        return True
