"""The avatar's picture and sound, as objects that outlive sessions: painter and sound thread attach once."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np

from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block, to_stereo
from atlas_desktop.media.frame_queue import DueFrame, FrameQueue
from atlas_desktop.media.frames import ColourMatrix, I420Frame
from atlas_desktop.media.level import SPEECH_DBFS, LevelMeter
from atlas_desktop.media.ring import PcmRing
from atlas_desktop.media.subscribers import Subscribers, Subscription

Signal: TypeAlias = Callable[[], None]
"""Callback in a native thread: it must only signal, and neither block nor raise."""

RING_MS = 500
MOST_PIXELS = 7680 * 4320
"""Limit of one picture: 8K. Larger ones take too long to convert, and too much memory."""
_WAITING_BLOCKS = 100


class VideoFeed:
    """The avatar's picture: the newest frame, or, for the painter, the one that is due.

    A library user calls ``latest()`` or iterates with ``async for frame in feed``; the painter
    calls ``due()`` after its ``on_arrival`` callback was called, and when ``DueFrame.again_us`` has come.

    Attributes:
        received: Frames since the last ``clear()``.
        first_frame_us: CLOCK_MONOTONIC of the first of them, ``None`` before.
        last_frame_us: CLOCK_MONOTONIC of the newest of them, ``None`` before.
        matrix: Colour matrix of its frames; set before a track's first.
    """

    def __init__(self) -> None:
        self.received = 0
        self.first_frame_us: int | None = None
        self.last_frame_us: int | None = None
        self.matrix = ColourMatrix.BT601
        self._queue = FrameQueue()
        self._dropped_before = 0
        self._latest: I420Frame | None = None
        self._callback_lock = threading.Lock()
        self._arrival: Signal | None = None
        self._first: Signal | None = None
        self._subscribers: Subscribers[I420Frame] = Subscribers(limit=1)

    def __aiter__(self) -> Subscription[I420Frame]:
        """Iterate over the newest frames, skipping those in between, until ``close()``."""
        return self._subscribers.subscribe()

    @property
    def dropped(self) -> int:
        """Number of frames since the last ``clear()`` that the painter never took."""
        return self._queue.dropped - self._dropped_before

    def latest(self) -> I420Frame | None:
        """Return the newest frame; it stays until the next one. Thread: any."""
        return self._latest

    def due(self, now_us: int, hold_us: int | None) -> DueFrame:
        """Return the frame to show at ``now_us`` when each is held for ``hold_us``: for the one painter.

        Args:
            now_us: CLOCK_MONOTONIC.
            hold_us: ``None``: nothing is held, the newest is due at once.
        """
        return self._queue.newest() if hold_us is None else self._queue.due(now_us, hold_us)

    def on_arrival(self, signal: Signal | None) -> None:
        """Set the callback, in the native thread, for a frame to take after there was none.

        On return the previous callback isn't running any more, and may be destroyed.
        """
        with self._callback_lock:
            self._arrival = signal

    def on_first_frame(self, signal: Signal | None) -> None:
        """Set the callback, in the native thread, for the first frame after a ``clear()``, likewise."""
        with self._callback_lock:
            self._first = signal

    def offer(self, frame: I420Frame) -> None:
        """Take a new frame, unless it is larger than ``MOST_PIXELS``. Thread: the tap's; never blocks."""
        if frame.width * frame.height > MOST_PIXELS:
            return
        self._latest = frame
        self.received += 1
        self.last_frame_us = frame.received_us
        is_first = self.first_frame_us is None
        if is_first:
            self.first_frame_us = frame.received_us
        is_due = self._queue.put(frame)
        with self._callback_lock:
            if is_due and self._arrival is not None:
                self._arrival()
            if is_first and self._first is not None:
                self._first()
        self._subscribers.offer(frame)

    def clear(self) -> None:
        """Drop the frames and reset the counters: a session is over."""
        self._latest = None
        self._queue.newest()
        self._dropped_before = self._queue.dropped
        self.received = 0
        self.first_frame_us = None
        self.last_frame_us = None

    def close(self) -> None:
        """End every ``async for``: the program ends."""
        self.clear()
        self._subscribers.close()


class SoundSink(Protocol):
    """Sink of the avatar's sound: a ring in this process, or the sound process's."""

    def write(self, block: Block) -> None: ...

    def clear(self) -> None: ...


class AudioFeed:
    """The avatar's sound: every block for library users, a ring for its player.

    Attributes:
        ring: 48 kHz stereo, 500 ms at most; read by the one thread that plays it. Empty when there is a sink.
        blocks: Blocks since the last ``clear()``.

    Args:
        sink: Takes the sound in place of ``ring``.
    """

    def __init__(self, sink: SoundSink | None = None) -> None:
        self.ring = PcmRing(RING_MS, channels=2)
        self._sink: SoundSink = sink or self.ring
        self.blocks = 0
        self._latest: Block | None = None
        # Measured on demand, several at once: one by one in the tap's thread they would cost ten times more.
        self._unmeasured: deque[tuple[Block, int]] = deque(maxlen=_WAITING_BLOCKS)
        self._measuring = threading.Lock()
        self._first_sound_us: int | None = None
        self._last_sound_us: int | None = None
        self._meter = LevelMeter()
        self._subscribers: Subscribers[Block] = Subscribers(limit=_WAITING_BLOCKS)

    def __aiter__(self) -> Subscription[Block]:
        """Iterate over the blocks, int16 (samples, channels); a slow reader loses the oldest beyond 1 s."""
        return self._subscribers.subscribe()

    @property
    def level_dbfs(self) -> float:
        """Smoothed loudness. Thread: any."""
        self._measure()
        return self._meter.dbfs

    @property
    def first_sound_us(self) -> int | None:
        """CLOCK_MONOTONIC of the first block above −50 dBFS, ``None`` before. Thread: any."""
        self._measure()
        return self._first_sound_us

    @property
    def last_sound_us(self) -> int | None:
        """CLOCK_MONOTONIC of the newest such block, ``None`` before. Thread: any."""
        self._measure()
        return self._last_sound_us

    def latest(self) -> Block | None:
        """Return the newest block. Thread: any."""
        return self._latest

    def offer(self, block: Block, received_us: int | None = None) -> None:
        """Take a new block, which must not change afterwards. Thread: the tap's; never blocks."""
        if block.dtype != np.int16 or block.ndim != 2 or block.shape[1] > 2:
            block = to_stereo(block)
        self._sink.write(block)
        self._latest = block
        self.blocks += 1
        self._unmeasured.append((block, monotonic_us() if received_us is None else received_us))
        self._subscribers.offer(block)

    def clear(self) -> None:
        """Drop the sound and reset the counters: a session is over."""
        self._sink.clear()
        self._latest = None
        self.blocks = 0
        with self._measuring:
            self._unmeasured.clear()
            self._first_sound_us = self._last_sound_us = None
            self._meter.reset()

    def close(self) -> None:
        """End every ``async for``: the program ends."""
        self.clear()
        self._subscribers.close()

    def _measure(self) -> None:
        with self._measuring:
            while self._unmeasured:
                block, received_us = self._unmeasured.popleft()
                if self._meter.update(block, len(block) / SAMPLE_RATE_HZ) > SPEECH_DBFS:
                    self._last_sound_us = received_us
                    if self._first_sound_us is None:
                        self._first_sound_us = received_us
