"""A ring of sound between two processes, either of which may die at any moment.

There is no lock that the dead could keep. The writer alone moves ``written``, the reader alone ``read``;
each is one aligned store of eight bytes. The writer never waits for the reader: what it writes over is lost,
which the reader sees by the counters and skips, as it does when that happens while it copies.

A reader that waits is woken by a datagram, which is sent only while it waits.
"""

import socket
import time
from contextlib import suppress

import numpy as np

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block

_LOCAL = "127.0.0.1"
_SAMPLE_BYTES = 2


# Where in the ring's head each number is. The first four count samples since the ring was made.
_WRITTEN = 0
_RESERVED = 1
"""As far as the writer is writing now."""
_READ = 2
_FLOOR = 3
"""What comes before is not to be read any more: the writer's own wish."""
_AWAITED = 4
_OVERRUNS = 5
_DROPPED = 6
_HEAD_BYTES = 64


class RingShape:
    """How long a shared ring is, and where its parts are in the memory.

    Attributes:
        size: The bytes that it takes.
        capacity_samples: How much it holds.
        channels: Of each sample.
    """

    def __init__(self, capacity_ms: int, channels: int) -> None:
        self.capacity_samples = SAMPLE_RATE_HZ * capacity_ms // 1000
        self.channels = channels
        self.size = _HEAD_BYTES + self.capacity_samples * channels * _SAMPLE_BYTES

    def head_in(self, memory: memoryview) -> "memoryview[int]":
        return memory[:_HEAD_BYTES].cast("q")

    def sound_in(self, memory: memoryview) -> Block:
        whole: Block = np.frombuffer(memory[_HEAD_BYTES : self.size], np.int16)
        return whole.reshape(self.capacity_samples, self.channels)


class RingWriter:
    """The end that is written to. One thread; no call ever waits.

    Attributes:
        wakes: The port of the reader, where there is one that waits.
    """

    def __init__(self, memory: memoryview, shape: RingShape) -> None:
        self.capacity_samples, self.channels = shape.capacity_samples, shape.channels
        self.wakes = 0
        self._head, self._sound = shape.head_in(memory), shape.sound_in(memory)
        # An earlier writer may have died while it wrote.
        self._head[_RESERVED] = self._head[_WRITTEN]
        self._socket = _socket()

    @property
    def level_samples(self) -> int:
        """How much is there to be read."""
        return _level(self._head, self.capacity_samples)

    @property
    def overruns(self) -> int:
        """How often the reader found that something was lost."""
        return self._head[_OVERRUNS]

    def write(self, block: Block) -> None:
        """Appends a block, (samples, channels) or (samples, 1)."""
        block = block[-self.capacity_samples :]
        head, begins = self._head, self._head[_WRITTEN]
        ends = begins + len(block)
        head[_RESERVED] = ends
        at = begins % self.capacity_samples
        first = min(len(block), self.capacity_samples - at)
        self._sound[at : at + first] = block[:first]
        if first < len(block):
            self._sound[: len(block) - first] = block[first:]
        head[_WRITTEN] = ends
        if head[_AWAITED]:
            head[_AWAITED] = 0
            _wake(self._socket, self.wakes)

    def clear(self) -> None:
        """What is in the ring is not to be read any more. Thread: any."""
        self._head[_FLOOR] = self._head[_WRITTEN]

    def close(self) -> None:
        """Lets go of the socket."""
        self._socket.close()


class RingReader:
    """The end that is read from. One thread, but for ``wake``.

    Attributes:
        port: Where it waits for word of the writer.
    """

    def __init__(self, memory: memoryview, shape: RingShape) -> None:
        """Begins with what is written from now on."""
        self.capacity_samples, self.channels = shape.capacity_samples, shape.channels
        self._head, self._sound = shape.head_in(memory), shape.sound_in(memory)
        self._head[_READ] = self._head[_WRITTEN]
        self._head[_AWAITED] = 0
        self._woken = False
        self._socket = _socket()
        self._socket.bind((_LOCAL, 0))
        self.port: int = self._socket.getsockname()[1]

    @property
    def level_samples(self) -> int:
        """How much can be read now."""
        return _level(self._head, self.capacity_samples)

    def read(self, samples: int) -> Block:
        """Removes and returns up to ``samples`` samples, a copy; maybe none, (0, channels)."""
        while True:
            begins = self._begins()
            count = min(samples, self._head[_WRITTEN] - begins)
            at = begins % self.capacity_samples
            first = min(count, self.capacity_samples - at)
            block = np.empty((count, self.channels), np.int16)
            block[:first] = self._sound[at : at + first]
            if first < count:
                block[first:] = self._sound[: count - first]
            if self._head[_RESERVED] - begins <= self.capacity_samples:
                self._head[_READ] = begins + count
                return block

    def skip(self, samples: int) -> int:
        """Drops up to ``samples`` of the oldest samples on purpose, none when negative; returns how many."""
        begins = self._begins()
        count = max(0, min(samples, self._head[_WRITTEN] - begins))
        self._head[_READ] = begins + count
        return count

    def wait(self, samples: int, timeout_s: float) -> bool:
        """Waits until ``samples`` can be read, ``wake`` is called, or the time is out (then False)."""
        until_s = time.monotonic() + timeout_s
        while not self._is_ready(samples):
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                self._head[_AWAITED] = 0
                return self.level_samples >= samples
            self._socket.settimeout(left_s)
            with suppress(OSError):
                self._socket.recv(1)
        return True

    def wake(self) -> None:
        """Lets a waiting reader return. Thread: any."""
        self._woken = True
        _wake(self._socket, self.port)

    def close(self) -> None:
        """Lets go of the socket."""
        self._socket.close()

    def _is_ready(self, samples: int) -> bool:
        # Said before it is looked for: what is written after the look finds it said.
        self._head[_AWAITED] = 1
        if not self._woken and self.level_samples < samples:
            return False
        self._head[_AWAITED] = 0
        self._woken = False
        return True

    def _begins(self) -> int:
        """Where to read on, behind what was written over."""
        head = self._head
        begins = max(head[_READ], min(head[_FLOOR], head[_WRITTEN]))
        lost = head[_RESERVED] - begins - self.capacity_samples
        if lost > 0:
            head[_OVERRUNS] += 1
            head[_DROPPED] += lost
            begins = min(begins + lost, head[_WRITTEN])
        head[_READ] = begins
        return begins


def _level(head: "memoryview[int]", capacity_samples: int) -> int:
    level = head[_WRITTEN] - max(head[_READ], head[_FLOOR])
    return max(0, min(level, capacity_samples))


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


def _wake(sender: socket.socket, port: int) -> None:
    if port:
        # A full socket is read soon, one that is gone never: neither is the writer's business.
        with suppress(OSError):
            sender.sendto(b"\0", (_LOCAL, port))
