"""The formats of sound inside the app, and the interface of its sources.

Sound is int16, (samples, channels), 48 kHz, once it is decoded; what goes out to the room is mono.
"""

from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 48_000
BLOCK_MS = 10
_HALF_POWER = 0.7071
BLOCK_SAMPLES = SAMPLE_RATE_HZ * BLOCK_MS // 1000

Block: TypeAlias = NDArray[np.int16]
"""int16, (samples, channels), 48 kHz."""
Samples: TypeAlias = NDArray[np.float32]
"""float32 (n,), mono, 48 kHz, as decoded: 1.0 is full scale, and more is possible."""
FULL_SCALE = 32768.0
"""Of a block's samples."""


def silence(samples: int = BLOCK_SAMPLES, channels: int = 1) -> Block:
    """Return zeros, (samples, channels)."""
    return np.zeros((samples, channels), np.int16)


def no_samples() -> Samples:
    """Return zero samples."""
    return np.zeros(0, np.float32)


def to_block(samples: Samples) -> Block:
    """Return int16 (n, 1), rounded; what is beyond full scale is clipped."""
    scaled = np.rint(samples * np.float32(FULL_SCALE))
    clipped: Block = np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return clipped.reshape(-1, 1)


def to_stereo(samples: NDArray[Any]) -> Block:
    """Return any samples, (n,) or (n, channels), as int16 (n, 2) or, of mono, (n, 1).

    More than two channels are mixed down: front, centre and the others at half their power, without the LFE
    (in the usual order: left, right, centre, LFE, then pairs). Floats are of full scale 1.0; NaN is silent,
    what is too loud is clipped.
    """
    sound: NDArray[Any] = samples.reshape(len(samples), -1)
    if sound.dtype != np.int16:
        broken: NDArray[np.float32] = np.nan_to_num(sound.astype(np.float32), posinf=1.0, neginf=-1.0)
        sound = np.clip(np.rint(broken * 32768), -32768, 32767).astype(np.int16)
    many = sound.shape[1]
    if many <= 2:
        return sound
    shares = np.zeros((many, 2), np.float32)
    for channel in range(many):
        if channel == 2 and many != 4:
            shares[channel] = _HALF_POWER
        elif channel != 3 or many == 4:
            shares[channel, channel % 2] = 1.0 if channel < 2 else _HALF_POWER
    mixed: NDArray[np.float32] = np.rint(sound.astype(np.float32) @ (shares / shares.sum(axis=0).max()))
    return mixed.astype(np.int16)


class BlockReader(Protocol):
    """A source of mono blocks, read by one thread. A reader handed to a feeder is closed by it.

    A reader that can break has an attribute ``error: AppError | None`` besides, one that begins with
    sound of the past an attribute ``preroll_ms: int``.
    """

    def read(self) -> Block | None:
        """Return the next 10 ms, int16 (480, 1); ``None`` if nothing is ready. Never blocks.

        Only the last block of a source may be shorter; what follows it is joined without a gap.
        """
        ...

    @property
    def finished(self) -> bool:
        """Whether ``read`` will never return a block again."""
        ...

    def close(self) -> None:
        """Release file and thread without waiting for them; may be called twice, from any thread."""
        ...


@runtime_checkable
class SeekableReader(BlockReader, Protocol):
    """A source that can go on at another place."""

    def seek(self, position_s: float) -> None:
        """Begin the next block at ``position_s``; past the end there is none. Never blocks. Thread: any."""
        ...


class ArrayReader:
    """Reads a clip that is already in memory: int16, (samples, 1) or (samples,), 48 kHz."""

    def __init__(self, samples: NDArray[np.int16]) -> None:
        self._samples: Block = np.ascontiguousarray(samples, np.int16).reshape(-1, 1)
        self._at = 0

    @property
    def finished(self) -> bool:
        return self._at >= len(self._samples)

    def read(self) -> Block | None:
        if self.finished:
            return None
        block = self._samples[self._at : self._at + BLOCK_SAMPLES]
        self._at += BLOCK_SAMPLES
        return block

    def seek(self, position_s: float) -> None:
        """Go on at ``position_s``."""
        self._at = max(0, min(round(position_s * SAMPLE_RATE_HZ), len(self._samples)))

    def close(self) -> None:
        self._at = len(self._samples)
