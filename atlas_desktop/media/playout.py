"""What is done to the avatar's sound on its way to the speaker: volume, mute and the interrupt's gate."""

import math
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block
from atlas_desktop.media.fades import FADE_SAMPLES
from atlas_desktop.media.level import SPEECH_DBFS, rms_dbfs

VOLUME_DEFAULT = 80
SILENT_MS = 150
"""The remote sound counts as over after this much silence."""
CLOSED_AT_LEAST_MS = 300
"""What was on its way when the gate closed, pauses within a sentence included, is kept out for so long."""
CLOSED_AT_MOST_MS = 1_500
HELD_SILENT_MS = 3_000
"""A held gate opens after this much silence: an agent that reports nothing must be heard again."""
RELEASED_AT_MOST_MS = 250
"""How long a released gate waits for the last words of what was interrupted to pass."""
_SOUNDING_MS = 100
_STEP = 1.0 / FADE_SAMPLES


def volume_gain(volume: int) -> float:
    """The factor for a volume of 0 to 100: even steps to the ear, 1.0 at 100."""
    return (min(100, max(0, volume)) / 100) ** 2


class Gate(Enum):
    """Whether the avatar is heard."""

    OPEN = auto()
    CLOSED = auto()
    """Until the remote sound is over."""
    HELD = auto()
    """Until the session says that the agent turned to something else."""
    RELEASED = auto()
    """It did; the end of the old sound passes unheard."""


class Playout(Protocol):
    """Volume, mute and gate of what is heard, wherever it is played. Thread: any; no call waits.

    What each means is ``PlayoutControl``'s business.
    """

    volume: int
    muted: bool
    quiet: bool

    @property
    def closed(self) -> bool: ...

    @property
    def sounding(self) -> bool: ...

    def close(self) -> None: ...

    def hold(self) -> None: ...

    def release(self) -> None: ...

    def open(self) -> None: ...


class PlayoutControl:
    """Volume, mute and gate of one playout. Every change of loudness is a ramp: nothing clicks.

    The setters may be called from any thread; ``process`` from the sound thread only. Time is counted
    in samples processed, so that a stalled program opens nothing too early.

    Attributes:
        is_heard: Whether the last block is above −50 dBFS as it goes to the speaker.
    """

    def __init__(self, volume: int = VOLUME_DEFAULT) -> None:
        self._volume = volume
        self._muted = False
        self._quiet = False
        self._gate = Gate.OPEN
        # Orders wait here for the sound thread, which alone moves the gate: none is lost, no lock.
        self._orders: deque[Gate] = deque()
        self._on_close: Callable[[], None] | None = None
        self._closed_ms = 0.0
        self._silent_ms = 0.0
        self._gain = volume_gain(volume)
        self.is_heard = False
        self._unheard_ms = float(_SOUNDING_MS)

    @property
    def volume(self) -> int:
        """0 to 100."""
        return self._volume

    @volume.setter
    def volume(self, volume: int) -> None:
        self._volume = min(100, max(0, volume))

    @property
    def muted(self) -> bool:
        """Silent, the volume kept for later."""
        return self._muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._muted = muted

    @property
    def quiet(self) -> bool:
        """Silent for a while, whatever the user chose: something else is to be heard."""
        return self._quiet

    @quiet.setter
    def quiet(self, quiet: bool) -> None:
        self._quiet = quiet

    @property
    def closed(self) -> bool:
        """Whether an interrupt keeps the avatar from being heard."""
        return self.gate is not Gate.OPEN

    @property
    def gate(self) -> Gate:
        """Where the gate is, or is about to go."""
        try:
            return self._orders[-1]
        except IndexError:
            return self._gate

    @property
    def sounding(self) -> bool:
        """Whether something above −50 dBFS went to the speaker within the last 100 ms of sound."""
        return self._unheard_ms < _SOUNDING_MS

    def close(self) -> None:
        """Fades out in 5 ms; opens by itself when the remote sound is over, after 1.5 s at the latest."""
        self._shut(Gate.CLOSED)

    def hold(self) -> None:
        """Fades out in 5 ms; opens after ``release``, or after 3 s of remote silence."""
        self._shut(Gate.HELD)

    def release(self) -> None:
        """The agent turned to something new: a held gate opens as soon as the old sound has passed."""
        self._orders.append(Gate.RELEASED)

    def open(self) -> None:
        """Opens at once, with a 5 ms fade: a new session starts."""
        self._orders.append(Gate.OPEN)

    def on_close(self, callback: Callable[[], None] | None) -> None:
        """Set the callback, in the closing thread, for a closing gate: the sound thread acts at once."""
        self._on_close = callback

    def process(self, block: Block, level_dbfs: float | None = None) -> Block:
        """Returns ``block`` as it is to be heard. Thread: sound thread.

        Args:
            block: int16, (samples, channels).
            level_dbfs: Its RMS, where that is known already.
        """
        duration_ms = len(block) * 1000 / SAMPLE_RATE_HZ
        if level_dbfs is None:
            level_dbfs = rms_dbfs(block)
        self._watch_gate(level_dbfs > SPEECH_DBFS, duration_ms)
        silent = self._muted or self._quiet or self._gate is not Gate.OPEN
        gain = 0.0 if silent else volume_gain(self._volume)
        is_heard = gain > 0.0 and level_dbfs + 20 * math.log10(gain) > SPEECH_DBFS
        self.is_heard = is_heard
        self._unheard_ms = 0.0 if is_heard else self._unheard_ms + duration_ms
        return self._scaled(block, gain)

    def _shut(self, how: Gate) -> None:
        self._orders.append(how)
        callback = self._on_close
        if callback is not None:
            callback()

    def _watch_gate(self, is_sound: bool, duration_ms: float) -> None:
        while self._orders:
            self._obey(self._orders.popleft())
        self._silent_ms = 0.0 if is_sound else self._silent_ms + duration_ms
        self._closed_ms += duration_ms
        if self._is_over():
            self._gate = Gate.OPEN

    def _obey(self, order: Gate) -> None:
        if order is not Gate.RELEASED:
            self._gate, self._closed_ms, self._silent_ms = order, 0.0, 0.0
        elif self._gate is Gate.HELD:
            # Silent already: what comes next, perhaps in this very block, is the new sound.
            self._gate = Gate.OPEN if self._silent_ms >= SILENT_MS else order
            self._closed_ms = 0.0

    def _is_over(self) -> bool:
        match self._gate:
            case Gate.OPEN:
                return False
            case Gate.CLOSED:
                passed = self._silent_ms >= SILENT_MS and self._closed_ms >= CLOSED_AT_LEAST_MS
                return passed or self._closed_ms >= CLOSED_AT_MOST_MS
            case Gate.HELD:
                return self._silent_ms >= HELD_SILENT_MS
            case Gate.RELEASED:
                return self._silent_ms >= SILENT_MS or self._closed_ms >= RELEASED_AT_MOST_MS

    def _scaled(self, block: Block, target: float) -> Block:
        gain = self._gain
        if gain == target:
            if target == 1.0:
                return block
            return np.zeros_like(block) if target == 0.0 else _times(block, np.float32(target))
        distance = np.arange(1, len(block) + 1, dtype=np.float32) * np.float32(_STEP)
        gains = np.minimum(gain + distance, target) if target > gain else np.maximum(gain - distance, target)
        if len(gains):
            self._gain = target if gains[-1] == np.float32(target) else float(gains[-1])
        return _times(block, gains[:, np.newaxis])


def _times(block: Block, gain: np.float32 | NDArray[np.float32]) -> Block:
    scaled: NDArray[np.float32] = block.astype(np.float32) * gain
    return np.rint(scaled).astype(np.int16)
