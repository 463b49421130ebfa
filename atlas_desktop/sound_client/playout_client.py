"""Volume, mute and gate of the avatar's sound: the window's side, which sends orders to the sound process."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from atlas_desktop.media.playout import CLOSED_AT_MOST_MS, VOLUME_DEFAULT, Gate
from atlas_desktop.sound_client.memory import SoundMemory

Order = dict[str, Any]


class PlayoutClient:
    """A ``Playout`` in another process. Settings are kept, and sent again to a restarted process.

    Args:
        memory: Where the process publishes its playout state.
        send: Sends an order; thread: any.
    """

    def __init__(self, memory: SoundMemory, send: Callable[[Order], None]) -> None:
        self._memory = memory
        self._send = send
        self._values: dict[str, Any] = {"volume": VOLUME_DEFAULT, "muted": False, "quiet": False}
        self._gate, self._gate_set_s = Gate.OPEN, 0.0
        self._lock = threading.Lock()
        self._orders = 0

    @property
    def volume(self) -> int:
        """0 to 100."""
        return int(self._values["volume"])

    @volume.setter
    def volume(self, volume: int) -> None:
        self._set_value("volume", min(100, max(0, volume)))

    @property
    def muted(self) -> bool:
        """Muted, with the volume kept."""
        return bool(self._values["muted"])

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._set_value("muted", muted)

    @property
    def quiet(self) -> bool:
        """Muted for a while, regardless of the user's settings: something else is to be heard."""
        return bool(self._values["quiet"])

    @quiet.setter
    def quiet(self, quiet: bool) -> None:
        self._set_value("quiet", quiet)

    @property
    def closed(self) -> bool:
        """Whether an interrupt keeps the avatar from being heard."""
        state = self._memory.playout
        return (self._gate if state.orders < self._orders else state.gate) is not Gate.OPEN

    @property
    def sounding(self) -> bool:
        """Whether something above −50 dBFS was played within the last 100 ms of sound."""
        return self._memory.playout.sounding

    @property
    def is_heard(self) -> bool:
        """Whether the last block is above −50 dBFS as it is played."""
        return self._memory.playout.is_heard

    def close(self) -> None:
        """Fade out in 5 ms; it opens by itself when the remote sound is over, after 1.5 s at the latest."""
        self._move(Gate.CLOSED)

    def hold(self) -> None:
        """Fade out in 5 ms; it opens after ``release``, or after 3 s of remote silence."""
        self._move(Gate.HELD)

    def release(self) -> None:
        """Open a held gate as soon as the old sound has passed: the agent turned to something new."""
        self._move(Gate.RELEASED)

    def open(self) -> None:
        """Open at once, with a 5 ms fade: a new session starts."""
        self._move(Gate.OPEN)

    def replay(self) -> Iterator[Order]:
        """Yield the orders that bring a restarted process to the current state."""
        with self._lock:
            self._orders = 0
            for name, value in self._values.items():
                yield {"do": "set", "name": name, "value": value}
            is_recent = time.monotonic() - self._gate_set_s < CLOSED_AT_MOST_MS / 1000
            if self._gate is Gate.HELD or (self._gate is Gate.CLOSED and is_recent):
                self._orders = 1
                yield {"do": "gate", "gate": self._gate.name}

    def _set_value(self, name: str, value: Any) -> None:
        with self._lock:
            self._values[name] = value
            self._send({"do": "set", "name": name, "value": value})

    def _move(self, gate: Gate) -> None:
        with self._lock:
            self._orders += 1
            self._gate, self._gate_set_s = gate, time.monotonic()
            self._send({"do": "gate", "gate": gate.name})
