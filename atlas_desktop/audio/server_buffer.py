"""The latency that is requested of the sound server: low, higher where the machine is too busy for that."""

import math
import os
import sys
from collections import deque

_LATENCY = "PULSE_LATENCY_MSEC"
LATENCIES_MS = (10, 15, 25, 60, 150)
"""The server's share of the delay from our write to the card. The first needs realtime threads in the server
and here; the second tolerates one late wake-up of its client's thread, the third one of the server's, too.
Beside two busy processes on two cores a thread without priority waits for 100 ms and more."""
_LOW, _USUAL, _HIGH = range(3)
_MANY, _MANY_WITHIN_S = 3, 5.0
_SOME, _SOME_WITHIN_S = 3, 60.0
_ENOUGH = 6
"""Underruns until a higher latency is requested: reopening the card is a gap of its own. Many underruns in a
row are worse than that gap; after some, it waits for a pause, unless they become enough."""
_CALM_S = 120.0


def ask_for_low_latency() -> None:
    """Request a short buffer of PulseAudio, or PipeWire in its place, unless the user has set the variable.

    Qt requests 1024 samples, 21 ms, and has no option for less; the server's client library reads the
    variable each time it opens a stream. Call before threads start; other systems have no such server.
    """
    if sys.platform == "linux":
        os.environ.setdefault(_LATENCY, str(LATENCIES_MS[_USUAL]))


class ServerBuffer:
    """Adapts the requested latency to underruns. Thread: the sound thread.

    Does nothing where ``ask_for_low_latency`` did not set the variable: what the user set stays.
    """

    def __init__(self) -> None:
        self._step = _USUAL
        self._are_we_realtime, self._is_server_realtime = False, True
        self._was_late = False
        self._underruns: deque[tuple[float, float]] = deque(maxlen=_ENOUGH)
        self._since_s = -math.inf

    @property
    def extra_ms(self) -> float:
        """How much later than usual what is written is heard; negative: sooner."""
        return float(LATENCIES_MS[self._step] - LATENCIES_MS[_USUAL])

    def expect_low_latency(self) -> None:
        """Request the low latency from the next opening on: our threads are realtime now. Thread: any.

        Ignored once it has led to an underrun.
        """
        if not self._was_late:
            self._are_we_realtime = True

    def set_server_realtime(self, is_realtime: bool) -> None:
        """Set whether the server's threads are realtime: if not, it needs the high latency from the start."""
        self._is_server_realtime = is_realtime

    def note_underrun(self, now_s: float, lost_ms: float) -> None:
        """Record that the server ran dry for ``lost_ms``."""
        if self._step == _LOW:
            self._was_late, self._are_we_realtime = True, False
        self._underruns.append((now_s, lost_ms))
        self._since_s = now_s

    def should_reopen(self, now_s: float, is_pause: bool) -> bool:
        """Return whether to reopen the card now, and set the latency for it: higher, or lower in a calm time.

        Args:
            now_s: Of a monotonic clock.
            is_pause: Whether nothing is audible at the moment.
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

    def prepare_opening(self, now_s: float) -> None:
        """Set the latency for a card that is about to be opened: lower in a calm time."""
        if self._step < self._least:
            self._go(self._least, now_s)
        elif self._is_calm(now_s):
            self._go(self._step - 1, now_s)

    @property
    def _least(self) -> int:
        if not self._is_server_realtime:
            return _HIGH
        return _LOW if self._are_we_realtime else _USUAL

    def _is_calm(self, now_s: float) -> bool:
        """Whether there is a lower step, and two minutes have passed without an underrun or a change."""
        return self._step > self._least and now_s - self._since_s > _CALM_S

    def _within(self, seconds: float, now_s: float) -> int:
        return sum(now_s - at_s <= seconds for at_s, _ in self._underruns)

    def _sufficient(self) -> int:
        """Return the next step at which the longest of the underruns would not have happened."""
        needed_ms = LATENCIES_MS[self._step] + max(lost_ms for _, lost_ms in self._underruns)
        higher = range(self._step + 1, len(LATENCIES_MS))
        return next((step for step in higher if LATENCIES_MS[step] >= needed_ms), higher[-1])

    def _go(self, step: int, now_s: float) -> bool:
        if os.environ.get(_LATENCY) != str(LATENCIES_MS[self._step]):
            return False
        # The name exists already: replacing its value is safe under threads that read it.
        os.environ[_LATENCY] = str(LATENCIES_MS[step])
        self._step, self._since_s = step, now_s
        self._underruns.clear()
        return True
