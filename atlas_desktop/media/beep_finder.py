"""Finds its own beeps in what a microphone heard: how long a sound takes behind the sound server. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block

BEEPS = 8
BEEP_MS = 60
BEEP_LOW_HZ, BEEP_HIGH_HZ = 900.0, 4_200.0
"""A rising tone: it is found in noise and echo where a plain one is not, and small speakers play it."""
BEEP_LEVEL = 0.5
MICROPHONE_MS = 15.0
"""Usual latency of a microphone; a loopback measurement can't separate it from the speaker's."""
LONGEST_MS = 450.0
EARLIEST_MS = -50.0
_KEPT_S = 15
_CLEAR = 6.0
_AGREED_MS = 8.0
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class BeepMeasurement:
    """What the microphone says.

    Attributes:
        delay_ms: Behind the sound server, the microphone's usual own delay taken off.
        spread_ms: How far the beeps that count are apart.
        beeps: How many count.
    """

    delay_ms: float
    spread_ms: float
    beeps: int


def beep() -> Block:
    """The beep: int16 (samples, 1), 48 kHz, 60 ms, soft at both ends."""
    samples: Block = np.rint(_chirp() * BEEP_LEVEL * 32767).astype(np.int16).reshape(-1, 1)
    return samples


class BeepFinder:
    """Takes what was played and what was heard, and says how far apart they are.

    Times are CLOCK_MONOTONIC, in microseconds. One thread plays, one hears;
    ``result`` comes when both are through. At most 15 s of sound are kept.
    """

    def __init__(self) -> None:
        self._due_us: list[int] = []
        self._heard: list[NDArray[np.int16]] = []
        self._samples = 0
        self._began_us = 0

    def played(self, due_us: int) -> None:
        """A beep was given to the sound server, which has it at ``due_us``."""
        self._due_us.append(due_us)

    def hear(self, block: Block, until_us: int) -> None:
        """Takes captured sound, int16 (samples, 1), without gaps; its last sample is of ``until_us``."""
        if self._samples + len(block) > _KEPT_S * SAMPLE_RATE_HZ:
            return
        self._heard.append(block[:, 0].copy())
        self._samples += len(block)
        # Blocks are handed over in batches, late by chance: the earliest of all tells the time.
        began_us = until_us - self._samples * 1_000_000 // SAMPLE_RATE_HZ
        self._began_us = began_us if len(self._heard) == 1 else min(self._began_us, began_us)

    def result(self) -> BeepMeasurement | None:
        """The delay on which most beeps agree; ``None`` when too few were heard clearly."""
        if not self._heard or not self._due_us:
            return None
        matched = _matched(np.concatenate(self._heard).astype(np.float32))
        noise = float(np.sqrt(np.mean(np.square(matched)))) or 1.0
        delays_ms = [
            found for due_us in self._due_us if (found := self._delay_ms(matched, noise, due_us)) is not None
        ]
        if not delays_ms:
            return None
        middle_ms = float(np.median(delays_ms))
        agreed = [delay for delay in delays_ms if abs(delay - middle_ms) <= _AGREED_MS]
        if len(agreed) < _FEWEST:
            return None
        return BeepMeasurement(
            float(np.median(agreed)) - MICROPHONE_MS, max(agreed) - min(agreed), len(agreed)
        )

    def _delay_ms(self, matched: NDArray[np.float32], noise: float, due_us: int) -> float | None:
        """Where a beep is, from its due time; ``None`` when it does not stand out."""
        due = (due_us - self._began_us) * SAMPLE_RATE_HZ / 1_000_000
        start = max(0, round(due + EARLIEST_MS * SAMPLE_RATE_HZ / 1000))
        window = np.abs(matched[start : max(start, round(due + LONGEST_MS * SAMPLE_RATE_HZ / 1000))])
        if len(window) == 0:
            return None
        strongest = float(window.max())
        if strongest < _CLEAR * noise:
            return None
        # The direct sound comes first; an echo off a wall may be the stronger one.
        first = int(np.argmax(window >= 0.7 * strongest))
        peak = first + int(np.argmax(window[first : first + SAMPLE_RATE_HZ // 1000]))
        return float((start + peak - due) * 1000 / SAMPLE_RATE_HZ)


def _chirp() -> NDArray[np.float32]:
    count = BEEP_MS * SAMPLE_RATE_HZ // 1000
    time_s = np.arange(count) / SAMPLE_RATE_HZ
    rise = (BEEP_HIGH_HZ - BEEP_LOW_HZ) / (BEEP_MS / 1000)
    tone = np.sin(2 * np.pi * (BEEP_LOW_HZ * time_s + rise * time_s**2 / 2)) * np.hanning(count)
    return tone.astype(np.float32)


def _matched(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each moment of ``sound`` is the start of a beep."""
    pattern = _chirp()
    size = 1 << (len(sound) + len(pattern)).bit_length()
    product = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(pattern, size))
    found: NDArray[np.float32] = np.fft.irfft(product, size)[: len(sound)].astype(np.float32)
    return found
