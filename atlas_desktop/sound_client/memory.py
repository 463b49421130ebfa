"""The memory shared by the window and the sound process: sound, counters and heartbeats."""

import struct
import time
from dataclasses import dataclass, fields
from operator import attrgetter

from atlas_desktop.media.playout import Gate
from atlas_desktop.media.playout_line import PlayoutCounters
from atlas_desktop.media.shared_memory import SharedMemory
from atlas_desktop.media.shared_ring import RingShape

AVATAR = RingShape(500, channels=2)
RENDERED = RingShape(500, channels=2)
CAPTURED = RingShape(400, channels=1)

PROCESS, SPEAKER, MICROPHONE, MAIN = range(4)
"""Whose heartbeat it is: the process's, and that of each thread that talks with the sound server."""

_PAGE = 4096
_BEATS_AT, _PLAYOUT_AT, _COUNTERS_AT = 0, 64, 128


@dataclass(slots=True)
class SoundCounters(PlayoutCounters):
    """What the sound thread has counted since it was created. One thread writes, any reads.

    Attributes:
        writes: Blocks written to the device.
        discarded: Blocks that arrived while there was no speaker.
        opened: How often a device was opened.
        dry: How often the sound server ran dry although sound waited for it.
        server_ms: By how much the requested latency of the sound server is above the usual one, or below.
    """

    writes: int = 0
    discarded: int = 0
    opened: int = 0
    dry: int = 0
    server_ms: float = 0.0

    @property
    def interruptions(self) -> int:
        """How often sound that had arrived came too late for the card."""
        return self.underruns + self.dry

    @property
    def heard_gaps(self) -> int:
        """How often sound was missing while the avatar was speaking, or the server ran dry."""
        return self.gaps + self.dry

    @property
    def held_ms(self) -> float:
        """How much sound precedes what is written now, apart from the card's usual part."""
        return self.level_ms + self.server_ms


_GATES = tuple(Gate)
_COUNTERS = struct.Struct("<" + "".join("q" if one.type is int else "d" for one in fields(SoundCounters)))
_counted = attrgetter(*(one.name for one in fields(SoundCounters)))
_PLAYOUT = struct.Struct("<qqqq")


@dataclass(frozen=True, slots=True)
class PlayoutState:
    """The playout as published by the sound process.

    Attributes:
        orders: How many gate orders it has carried out.
        gate: The state of its gate.
        sounding: Whether something was audible within the last 100 ms.
        is_heard: Whether the last block is audible.
    """

    orders: int
    gate: Gate
    sounding: bool
    is_heard: bool


class SoundMemory:
    """The layout of the shared memory. Created by the window, opened by the sound process.

    Attributes:
        shared: The memory itself, by whose name the sound process opens it.
        avatar: Sound to be played; the window writes.
        rendered: Sound written to the speaker, while the microphone is open; the sound process writes.
        captured: Sound from the microphone; the sound process writes.
    """

    SIZE = _PAGE + sum(-(-shape.size // _PAGE) * _PAGE for shape in (AVATAR, RENDERED, CAPTURED))

    def __init__(self, shared: SharedMemory) -> None:
        self.shared = shared
        view, at, parts = shared.view, _PAGE, []
        for shape in (AVATAR, RENDERED, CAPTURED):
            parts.append(view[at : at + shape.size])
            at += -(-shape.size // _PAGE) * _PAGE
        self.avatar, self.rendered, self.captured = parts
        self._view = view
        self._beats = view[_BEATS_AT : _BEATS_AT + 64].cast("q")

    @classmethod
    def create(cls) -> "SoundMemory":
        """Create a new one."""
        return cls(SharedMemory.create(cls.SIZE))

    @classmethod
    def open(cls, name: str) -> "SoundMemory":
        """Open the window's."""
        return cls(SharedMemory(name, cls.SIZE))

    def beat(self, whose: int) -> None:
        """Record a heartbeat."""
        self._beats[whose] = time.monotonic_ns()

    def stop_beating(self, whose: int) -> None:
        """Expect no further heartbeats."""
        self._beats[whose] = 0

    def silent_s(self, whose: int) -> float:
        """Return the time since the last heartbeat; 0 when none is expected."""
        beat_ns = self._beats[whose]
        return (time.monotonic_ns() - beat_ns) / 1e9 if beat_ns else 0.0

    @property
    def counters(self) -> SoundCounters:
        """The counters since the memory was created, across restarts of the sound process."""
        return SoundCounters(*_COUNTERS.unpack_from(self._view, _COUNTERS_AT))

    @property
    def playout(self) -> PlayoutState:
        orders, gate, sounding, is_heard = _PLAYOUT.unpack_from(self._view, _PLAYOUT_AT)
        return PlayoutState(orders, _GATES[gate], bool(sounding), bool(is_heard))

    def publish(self, counters: SoundCounters, playout: PlayoutState) -> None:
        """Write counters and playout state. Thread: the sound thread; some microseconds."""
        _COUNTERS.pack_into(self._view, _COUNTERS_AT, *_counted(counters))
        gate = _GATES.index(playout.gate)
        _PLAYOUT.pack_into(self._view, _PLAYOUT_AT, playout.orders, gate, playout.sounding, playout.is_heard)
