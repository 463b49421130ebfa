"""A ring of sound between two threads: the SDK's callback writes, the sound thread reads."""

import threading
import time

import numpy as np

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block


class PcmRing:
    """int16 (samples, channels) at 48 kHz; preallocated; full means that the oldest is dropped.

    One writer, one reader, any threads; no call blocks but ``wait``. Mono written into a stereo
    ring is doubled.

    Attributes:
        overruns: How many writes dropped something.
        dropped_samples: How much they dropped.
    """

    def __init__(self, capacity_ms: int, channels: int = 2) -> None:
        self.capacity_samples = SAMPLE_RATE_HZ * capacity_ms // 1000
        self.channels = channels
        self.overruns = 0
        self.dropped_samples = 0
        self._ring: Block = np.zeros((self.capacity_samples, channels), np.int16)
        self._written = 0
        self._read = 0
        self._lock = threading.Lock()
        # A lock that the reader waits for: half of what a Condition does for each block, it does not.
        self._arrival = threading.Lock()
        self._arrival.acquire()
        self._awaited = self._woken = False

    @property
    def level_samples(self) -> int:
        """How much can be read now."""
        with self._lock:
            return self._written - self._read

    def write(self, block: Block) -> None:
        """Appends a block, (samples, channels) or (samples, 1)."""
        with self._lock:
            excess = self._written - self._read + len(block) - self.capacity_samples
            if excess > 0:
                self._drop(excess)
            block = block[-self.capacity_samples :]
            at = self._written % self.capacity_samples
            head = min(len(block), self.capacity_samples - at)
            self._ring[at : at + head] = block[:head]
            if head < len(block):
                self._ring[: len(block) - head] = block[head:]
            self._written += len(block)
            if self._awaited:
                self._awaited = False
                self._arrival.release()

    def read(self, samples: int) -> Block:
        """Removes and returns up to ``samples`` samples, a copy; maybe none, (0, channels)."""
        with self._lock:
            count = min(samples, self._written - self._read)
            at = self._read % self.capacity_samples
            head = min(count, self.capacity_samples - at)
            block = np.empty((count, self.channels), np.int16)
            block[:head] = self._ring[at : at + head]
            if head < count:
                block[head:] = self._ring[: count - head]
            self._read += count
            return block

    def skip(self, samples: int) -> int:
        """Drops up to ``samples`` of the oldest samples on purpose, none when negative; returns how many."""
        with self._lock:
            count = max(0, min(samples, self._written - self._read))
            self._read += count
            return count

    def wait(self, samples: int, timeout_s: float) -> bool:
        """Blocks the reader until ``samples`` can be read, ``wake`` is called, or the time is out (False)."""
        until_s = time.monotonic() + timeout_s
        while not self._has(samples):
            if not self._arrival.acquire(timeout=max(0.0, until_s - time.monotonic())):
                return self._gives_up(samples)
        return True

    def wake(self) -> None:
        """Lets a waiting reader return, and one that waits next. Thread: any."""
        with self._lock:
            self._woken = True
            if self._awaited:
                self._awaited = False
                self._arrival.release()

    def clear(self) -> None:
        """Drops everything; nothing counts as an overrun."""
        with self._lock:
            self._read = self._written

    def _has(self, samples: int) -> bool:
        with self._lock:
            self._awaited = not self._woken and self._written - self._read < samples
            if not self._awaited:
                self._woken = False
            return not self._awaited

    def _gives_up(self, samples: int) -> bool:
        with self._lock:
            if not self._awaited:
                # The block and its wake-up came just now: the next wait must not find that wake-up.
                self._arrival.acquire(blocking=False)
            self._awaited = False
            return self._written - self._read >= samples

    def _drop(self, excess: int) -> None:
        gone = min(excess, self._written - self._read)
        self._read += gone
        self.overruns += 1
        self.dropped_samples += excess
