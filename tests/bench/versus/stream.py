"""What is sent: size and rate of the pictures, where the beeps are, and how the sound is made."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from atlas_desktop.local_atlas.interfaces import AUDIO_BLOCK_SAMPLES, SAMPLE_RATE_HZ, MediaFormat, Pcm

PILOT_HZ, BEEP_HZ = 1_000, 3_000
_PILOT_LEVEL, _BEEP_LEVEL = 32_768 * 10 ** (-30 / 20), 9_000
BEEP_BLOCKS = 2
BLOCKS_A_SECOND = SAMPLE_RATE_HZ // AUDIO_BLOCK_SAMPLES
_BITS_A_PIXEL = {25: 0.229, 30: 0.09}


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream by its picture, as ``512@25`` or ``1280x720@30``; each second begins with a beep."""

    width_px: int
    height_px: int
    rate_hz: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads ``WIDTHxHEIGHT@RATE`` or ``SIDE@RATE``.

        Raises:
            ValueError: It is neither.
        """
        size, _, rate = text.partition("@")
        width, times, height = size.partition("x")
        stream = cls(int(width), int(height if times else width), int(rate))
        if stream.width_px % 2 or stream.height_px % 2 or not 1 <= stream.rate_hz <= 240:
            raise ValueError(f"not a stream: {text}")
        return stream

    def __str__(self) -> str:
        size = str(self.width_px) if self.width_px == self.height_px else f"{self.width_px}x{self.height_px}"
        return f"{size}@{self.rate_hz}"

    def form(self, sound_ppm: float = 0.0) -> MediaFormat:
        """How the local Atlas sends it."""
        share = _BITS_A_PIXEL.get(self.rate_hz, 0.1)
        bps = round(self.width_px * self.height_px * self.rate_hz * share)
        return MediaFormat(self.width_px, self.height_px, self.rate_hz, bps, sound_ppm)

    def beep_second(self, block: int) -> int | None:
        """The second whose beep begins with this block of sound."""
        return block // BLOCKS_A_SECOND if block % BLOCKS_A_SECOND == 0 else None


def sound_block(block: int) -> Pcm:
    """Block ``block`` of the sound, 20 ms: a quiet pilot tone all the time, a beep as each second begins."""
    ticks = block * AUDIO_BLOCK_SAMPLES + np.arange(AUDIO_BLOCK_SAMPLES)
    wave = _PILOT_LEVEL * np.sin(2 * np.pi * PILOT_HZ / SAMPLE_RATE_HZ * (ticks % SAMPLE_RATE_HZ))
    if block % BLOCKS_A_SECOND < BEEP_BLOCKS:
        wave += _BEEP_LEVEL * np.sin(2 * np.pi * BEEP_HZ / SAMPLE_RATE_HZ * (ticks % SAMPLE_RATE_HZ))
    block_of_sound: Pcm = wave.astype(np.int16).reshape(-1, 1)
    return block_of_sound
