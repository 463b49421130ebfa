"""A buffer for the avatar's speech, between the event loop that pushes and the media clock that takes."""

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.local_atlas.interfaces import AUDIO_BLOCK_SAMPLES, SAMPLE_RATE_HZ, Pcm

_START_SAMPLES = SAMPLE_RATE_HZ * 40 // 1000
_MAX_DELAY_SAMPLES = SAMPLE_RATE_HZ * 40 // 1000
_FADE_SAMPLES = SAMPLE_RATE_HZ * 5 // 1000  # a step is heard as a click
_MAX_HELD_BLOCKS = 3  # less than 40 ms may be all there is: don't hold it for good

Samples = NDArray[np.int16]
"""int16, (samples,), 48 kHz."""


class SpeechBuffer:
    """A FIFO of audio, taken 20 ms at a time; an empty one returns silence.

    A live buffer is a jitter buffer for audio that arrives in real time: it starts with 40 ms, or at the
    third attempt, and delays no sample by more than 60 ms. One that is not live starts at once and keeps
    everything, so that a whole sentence can be pushed. Both fade in and out over 5 ms. Thread: any.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._blocks: deque[Samples] = deque()
        self._queued = 0
        self._running = False
        self._held = 0
        self._tail: Samples | None = None

    @property
    def queued_samples(self) -> int:
        """Samples pushed and not yet taken."""
        with self._lock:
            return self._queued

    def push(self, block: Pcm) -> None:
        """Append audio of any length, (samples, 1) or (samples,)."""
        samples = np.asarray(block, np.int16).reshape(-1)
        if not len(samples):
            return
        with self._lock:
            self._blocks.append(samples)
            self._queued += len(samples)

    def flush(self) -> None:
        """Drop everything; audio that is playing fades out over 5 ms."""
        with self._lock:
            if self._running:
                self._tail = self._pop(_FADE_SAMPLES)
            self._blocks.clear()
            self._queued = 0
            self._running = False

    def take(self, samples: int = AUDIO_BLOCK_SAMPLES) -> Samples:
        """Take the next ``samples``, padded with silence."""
        out = np.zeros(samples, np.int16)
        with self._lock:
            if self._tail is not None:
                tail, self._tail = self._tail, None
                out[: len(tail)] = tail * np.linspace(1, 0, len(tail))
                return out
            self._held = self._held + 1 if self._queued and not self._running else 0
            starts = not self._running and self._ready()
            if not (self._running or starts):
                return out
            self._running = True
            # The newest block is up to 20 ms old, and is delayed by everything before it.
            if self._live and self._blocks and self._queued - len(self._blocks[-1]) > _MAX_DELAY_SAMPLES:
                self._skip(self._queued - _START_SAMPLES)
            taken = self._pop(samples)
            out[: len(taken)] = taken
            # A live stream does not end with an empty buffer: the next packet may be just in time.
            self._running = self._queued > 0 or (self._live and len(taken) == samples)
            if starts:
                _fade(out[:_FADE_SAMPLES], 0, 1)
            if len(taken) < samples:
                _fade(out[max(0, len(taken) - _FADE_SAMPLES) : len(taken)], 1, 0)
        return out

    def peek(self, samples: int) -> Samples:
        """Return up to ``samples`` of what comes next, without taking it."""
        with self._lock:
            if not self._running and not self._ready():
                return np.zeros(0, np.int16)
            parts: list[Samples] = []
            left = samples
            for block in self._blocks:
                if left <= 0:
                    break
                parts.append(block[:left])
                left -= len(parts[-1])
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def _ready(self) -> bool:
        enough = _START_SAMPLES if self._live and self._held < _MAX_HELD_BLOCKS else 1
        return self._queued >= enough

    def _pop(self, samples: int) -> Samples:
        parts: list[Samples] = []
        left = samples
        while left > 0 and self._blocks:
            block = self._blocks.popleft()
            if len(block) > left:
                self._blocks.appendleft(block[left:])
                block = block[:left]
            parts.append(block)
            left -= len(block)
        self._queued -= samples - left
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def _skip(self, samples: int) -> None:
        """Drop ``samples`` with a cross-fade of 5 ms."""
        before = self._pop(samples)[:_FADE_SAMPLES].astype(np.float32)
        after = self._pop(_FADE_SAMPLES).astype(np.float32)
        length = min(len(before), len(after))
        rise = np.linspace(0, 1, length, dtype=np.float32)
        after[:length] = after[:length] * rise + before[:length] * (1 - rise)
        self._blocks.appendleft(after.astype(np.int16))
        self._queued += len(after)


def _fade(samples: Samples, start: float, end: float) -> None:
    samples[:] = samples * np.linspace(start, end, len(samples))
