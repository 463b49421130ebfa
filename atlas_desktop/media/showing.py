"""Which picture is due: the frames that wait for their sound, and the clock that says when. Pure."""

from collections import deque
from typing import NamedTuple

from atlas_desktop.media.frames import I420Frame, i420_size
from atlas_desktop.media.lipsync import LONGEST_HOLD_US

MOST_FRAMES = 24
MOST_BYTES = 48_000_000
TOGETHER_US = 9_000
"""Of three frames that are due within this, the middle one is not missed: no screen shows so many."""
EARLY_US = 1_000
"""A frame that is due so soon is shown now: a timer counts whole milliseconds."""

_AHEAD_US, _BEHIND_US = 100_000, 1_000_000
"""WebRTC hands a picture over some 10 ms before its time; a stalled program takes it that much after it."""
_STRAYS, _STRAYS_APART_US = 8, 60_000
_LONGEST_INTERVAL_US = 100_000


class Turn(NamedTuple):
    """What the painter does now.

    Attributes:
        frame: To be shown at once; ``None`` when none is due.
        base_us: The time from which its hold was counted: its own, or that of its arrival.
        again_us: When to ask again; ``None``: a wake-up will come.
    """

    frame: I420Frame | None = None
    base_us: int = 0
    again_us: int | None = None


class RenderClock:
    """Says when a frame was meant to be seen, whatever its timestamp says. One thread: the tap's.

    A timestamp counts when it is near the time of arrival. One that is not (0, a jump, another epoch)
    is replaced by the arrival; when several in a row are off by the same, their clock is another one, and
    they count again.
    """

    def __init__(self) -> None:
        self._offset_us = 0
        self._strays: deque[int] = deque(maxlen=_STRAYS)

    def base_us(self, timestamp_us: int, received_us: int) -> int:
        """The time, CLOCK_MONOTONIC, at which a frame without any hold is to be seen."""
        apart_us = timestamp_us - received_us
        if -_BEHIND_US <= apart_us - self._offset_us <= _AHEAD_US:
            self._strays.clear()
            return timestamp_us - self._offset_us
        self._strays.append(apart_us)
        if len(self._strays) == _STRAYS and max(self._strays) - min(self._strays) <= _STRAYS_APART_US:
            self._offset_us = 0 if -_BEHIND_US <= apart_us <= _AHEAD_US else apart_us
        return received_us


class ShowingLine:
    """The frames that wait to be due, oldest first; says when its reader must be woken. One reader.

    Until ``due`` is asked it keeps the newest frame only. Bounded in time, frames and bytes: when it is
    full the newest of the waiting makes room, so that the oldest still comes when it is due. No lock:
    the writer is the SDK's own thread, which must never wait for a preempted reader.

    Attributes:
        dropped: Frames that nobody was given.
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
        """Appends ``frame``; True when the reader must be woken. Thread: the writer's."""
        base_us = self._clock.base_us(frame.timestamp_us, frame.received_us)
        self._make_room(base_us, frame)
        self._waiting.append((base_us, frame))
        # Looked at only after storing: a reader that takes in between is woken once too often, never
        # once too seldom.
        awaited = self._awaited
        self._awaited = False
        return awaited

    def newest(self) -> Turn:
        """The newest frame, due or not; all others are dropped, and the next one wakes the reader."""
        self._awaited, self._keeps, self._guessed = True, False, False
        found: tuple[int, I420Frame] | None = None
        while (head := self._pop()) is not None:
            self.dropped += found is not None
            found = head
        return Turn() if found is None else Turn(found[1], found[0])

    def due(self, now_us: int, hold_us: int) -> Turn:
        """The newest frame whose time plus ``hold_us`` has come; older ones are dropped."""
        self._keeps = True
        found: tuple[int, I420Frame] | None = None
        until_us = now_us - hold_us + EARLY_US
        while (head := self._at(0)) is not None and head[0] <= until_us:
            taken = self._pop()
            # Meanwhile the writer may have taken it away to make room.
            if taken is not None:
                self.dropped += found is not None
                found = taken
        if found is not None:
            self._follow(found[0])
            return Turn(found[1], found[0], self._again_us(now_us, hold_us))
        return Turn(again_us=self._again_us(now_us, hold_us))

    def _again_us(self, now_us: int, hold_us: int) -> int | None:
        """When the next frame is due, or should be: a guess saves the wake-up by its arrival."""
        head = self._at(0)
        if head is None and self._interval_us and not self._guessed:
            self._guessed = True
            expected_us = self._last_us + self._interval_us + hold_us
            if expected_us > now_us:
                return expected_us
        if head is None:
            self._awaited = True
            # It may have come before the flag was up.
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
        # Nobody looks: of what is due for so long only the newest is ever shown.
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
