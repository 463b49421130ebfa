"""Queue of the frames that wait for their sound, and the clock that says when each is due. Pure."""

from collections import deque
from typing import NamedTuple

from atlas_desktop.media.frames import I420Frame, i420_size
from atlas_desktop.media.lipsync import LONGEST_HOLD_US

MOST_FRAMES = 24
MOST_BYTES = 48_000_000
TOGETHER_US = 9_000
"""Of three frames that are due within this the middle one is dropped: no screen shows so many."""
EARLY_US = 1_000
"""A frame that is due so soon counts as due: timers count whole milliseconds."""

_AHEAD_US, _BEHIND_US = 100_000, 1_000_000
"""Render times that are taken for true, relative to the arrival: WebRTC delivers a frame some 10 ms before
its time, and a stalled program takes it up to a second late."""
_STRAYS, _STRAYS_APART_US = 8, 60_000
_LONGEST_INTERVAL_US = 100_000


class DueFrame(NamedTuple):
    """The frame to paint now, if any, and when to ask again.

    Attributes:
        frame: ``None`` when none is due.
        base_us: Start of its hold: its own render time, or its arrival.
        again_us: When to ask again; ``None``: ``put`` will return True.
    """

    frame: I420Frame | None = None
    base_us: int = 0
    again_us: int | None = None


class RenderClock:
    """Estimator of render times, robust against wrong timestamps. One thread: the tap's.

    A timestamp counts when it is near the time of arrival. One that is not (0, a jump, another epoch) is
    replaced by the arrival; several in a row with about the same offset have another clock, and count again.
    """

    def __init__(self) -> None:
        self._offset_us = 0
        self._strays: deque[int] = deque(maxlen=_STRAYS)

    def base_us(self, timestamp_us: int, received_us: int) -> int:
        """Return the time, CLOCK_MONOTONIC, at which the frame is due without any hold."""
        apart_us = timestamp_us - received_us
        if -_BEHIND_US <= apart_us - self._offset_us <= _AHEAD_US:
            self._strays.clear()
            return timestamp_us - self._offset_us
        self._strays.append(apart_us)
        if len(self._strays) == _STRAYS and max(self._strays) - min(self._strays) <= _STRAYS_APART_US:
            self._offset_us = 0 if -_BEHIND_US <= apart_us <= _AHEAD_US else apart_us
        return received_us


class FrameQueue:
    """Frames that wait to be due, oldest first. One writer, one reader.

    Until ``due`` is first called it keeps the newest frame only. Bounded in time, frames and bytes: when it
    is full the newest waiting frame is dropped, so that the oldest is still shown when it is due. Lock-free:
    the writer is the SDK's own thread, which must never wait for a preempted reader.

    Attributes:
        dropped: Frames that were never returned.
    """

    __slots__ = (
        "_awaited",
        "_clock",
        "_guessed",
        "_interval_us",
        "_keeps",
        "_last_us",
        "_waiting",
        "dropped",
    )

    def __init__(self) -> None:
        self.dropped = 0
        self._clock = RenderClock()
        self._waiting: deque[tuple[int, I420Frame]] = deque()
        self._awaited = True
        self._guessed = False
        self._keeps = False
        self._last_us = 0
        self._interval_us = 0

    def put(self, frame: I420Frame) -> bool:
        """Append ``frame``; return whether the reader must be woken. Thread: the writer's."""
        base_us = self._clock.base_us(frame.timestamp_us, frame.received_us)
        self._make_room(base_us, frame)
        self._waiting.append((base_us, frame))
        # Read after the append: a reader in between causes one wake-up too many, never one too few.
        awaited = self._awaited
        self._awaited = False
        return awaited

    def newest(self) -> DueFrame:
        """Return the newest frame, due or not, and drop all others; the next one wakes the reader."""
        self._awaited, self._keeps, self._guessed = True, False, False
        found: tuple[int, I420Frame] | None = None
        while (head := self._pop()) is not None:
            self.dropped += found is not None
            found = head
        return DueFrame() if found is None else DueFrame(found[1], found[0])

    def due(self, now_us: int, hold_us: int) -> DueFrame:
        """Return the newest frame whose render time plus ``hold_us`` has come; drop the older ones."""
        self._keeps = True
        found: tuple[int, I420Frame] | None = None
        until_us = now_us - hold_us + EARLY_US
        while (head := self._at(0)) is not None and head[0] <= until_us:
            taken = self._pop()
            # The writer may have dropped it meanwhile.
            if taken is not None:
                self.dropped += found is not None
                found = taken
        if found is not None:
            self._follow(found[0])
            return DueFrame(found[1], found[0], self._again_us(now_us, hold_us))
        return DueFrame(again_us=self._again_us(now_us, hold_us))

    def _again_us(self, now_us: int, hold_us: int) -> int | None:
        """Return when the next frame is due, or expected: a guess saves the wake-up by its arrival."""
        head = self._at(0)
        if head is None and self._interval_us and not self._guessed:
            self._guessed = True
            expected_us = self._last_us + self._interval_us + hold_us
            if expected_us > now_us:
                return expected_us
        if head is None:
            self._awaited = True
            # It may have been appended before the flag was set.
            head = self._at(0)
        return None if head is None else head[0] + hold_us

    def _follow(self, base_us: int) -> None:
        interval_us = base_us - self._last_us
        self._last_us, self._guessed = base_us, False
        self._interval_us = interval_us if TOGETHER_US <= interval_us <= _LONGEST_INTERVAL_US else 0

    def _make_room(self, base_us: int, frame: I420Frame) -> None:
        if not self._keeps:
            while self._pop() is not None:
                self.dropped += 1
            return
        # Without a reader: of frames that are overdue for so long only the newest will be shown.
        while (second := self._at(1)) is not None and second[0] < frame.received_us - LONGEST_HOLD_US:
            self.dropped += self._pop() is not None
        room = MOST_BYTES // max(1, i420_size(frame.width, frame.height))
        before_last = self._at(-2)
        is_crowded = before_last is not None and abs(base_us - before_last[0]) < TOGETHER_US
        if is_crowded or len(self._waiting) >= max(1, min(MOST_FRAMES, room)):
            self._drop_newest()

    def _drop_newest(self) -> None:
        try:
            self._waiting.pop()
        except IndexError:
            return
        self.dropped += 1

    def _at(self, index: int) -> tuple[int, I420Frame] | None:
        try:
            return self._waiting[index]
        except IndexError:
            return None

    def _pop(self) -> tuple[int, I420Frame] | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None
