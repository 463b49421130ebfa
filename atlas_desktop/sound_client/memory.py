"""What the window and the sound process both see at once: the sound, the counters, and signs of life."""

import struct
import time
from dataclasses import dataclass, fields
from operator import attrgetter

from atlas_desktop.media.playout import Gate
from atlas_desktop.media.shared_memory import SharedMemory
from atlas_desktop.media.shared_ring import RingShape
from atlas_desktop.sound_client.sound_counters import SoundCounters

AVATAR = RingShape(500, channels=2)
RENDERED = RingShape(500, channels=2)
CAPTURED = RingShape(400, channels=1)

PROCESS, SPEAKER, MICROPHONE, MAIN = range(4)
"""Whose sign of life it is: that of the process, and of each thread that talks with the sound server."""

_PAGE = 4096
_ALIVE_AT, _PLAYOUT_AT, _COUNTERS_AT = 0, 64, 128
_GATES = tuple(Gate)
_COUNTERS = struct.Struct("<" + "".join("q" if one.type is int else "d" for one in fields(SoundCounters)))
_counted = attrgetter(*(one.name for one in fields(SoundCounters)))
_PLAYOUT = struct.Struct("<qqqq")


@dataclass(frozen=True, slots=True)
class PlayoutState:
    """What the sound process says of its playout.

    Attributes:
        orders: How many orders it has carried out.
        gate: Where its gate is.
        sounding: Whether something was heard within the last 100 ms.
        is_heard: Whether the last block is.
    """

    orders: int
    gate: Gate
    sounding: bool
    is_heard: bool


class SoundMemory:
    """The shared memory and where in it each thing is. Made by the window, opened by the sound process.

    Attributes:
        shared: Leads the sound process to it.
        avatar: What is to be played; the window writes.
        rendered: What was given to the speaker, while the microphone is open; the sound process writes.
        captured: What the microphone hears; the sound process writes.
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
        self._alive = view[_ALIVE_AT : _ALIVE_AT + 64].cast("q")

    @classmethod
    def create(cls) -> "SoundMemory":
        """Makes a new one."""
        return cls(SharedMemory.create(cls.SIZE))

    @classmethod
    def open(cls, name: str) -> "SoundMemory":
        """Opens that of the window."""
        return cls(SharedMemory(name, cls.SIZE))

    def sign(self, whose: int) -> None:
        """Leaves a sign of life. A thread that has ended leaves none, and none is missed."""
        self._alive[whose] = time.monotonic_ns()

    def sign_off(self, whose: int) -> None:
        """No sign is to be expected."""
        self._alive[whose] = 0

    def silent_s(self, whose: int) -> float:
        """For how long there was no sign of life; 0 when none is expected."""
        signed_ns = self._alive[whose]
        return (time.monotonic_ns() - signed_ns) / 1e9 if signed_ns else 0.0

    @property
    def counters(self) -> SoundCounters:
        """What the sound thread has seen since the memory was made, whichever process it lived in."""
        return SoundCounters(*_COUNTERS.unpack_from(self._view, _COUNTERS_AT))

    @property
    def playout(self) -> PlayoutState:
        orders, gate, sounding, is_heard = _PLAYOUT.unpack_from(self._view, _PLAYOUT_AT)
        return PlayoutState(orders, _GATES[gate], bool(sounding), bool(is_heard))

    def publish(self, counters: SoundCounters, playout: PlayoutState) -> None:
        """Says how it goes. Thread: the sound thread; some microseconds."""
        _COUNTERS.pack_into(self._view, _COUNTERS_AT, *_counted(counters))
        gate = _GATES.index(playout.gate)
        _PLAYOUT.pack_into(self._view, _PLAYOUT_AT, playout.orders, gate, playout.sounding, playout.is_heard)
