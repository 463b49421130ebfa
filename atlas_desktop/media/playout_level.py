"""How much sound waits to be heard, and what to do about it before each write. Pure."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block
from atlas_desktop.media.level import SPEECH_DBFS

TARGET_MS = 8.0
"""Held in the device before each write: enough for the server's next pull, too little to be a delay."""
EMPTY_MS = 0.5
PAD_MS = 12.0
GENTLE_ABOVE_MS = 6.0
CUT_ABOVE_MS = 40.0
LOW_MS = 2.0
GENTLE_SHARE = 0.005
"""Half a percent of length, and so of pitch: not heard, and 5 ms a second."""
CEILING_MS = 90.0
"""More than this never waits: the device's buffer must take it."""
_WINDOW_WRITES = 12
_SEAM_SAMPLES = 96


@dataclass(frozen=True, slots=True)
class Correction:
    """What to do with the sound that is about to be written.

    Attributes:
        pad_ms: Silence to write first: the device has run dry.
        cut_ms: Sound to leave out at once: a stall must not add delay for good.
        stretch: Share by which to lengthen (+) or shorten (−) the block; too little to be heard.
    """

    pad_ms: float = 0.0
    cut_ms: float = 0.0
    stretch: float = 0.0


NO_CORRECTION = Correction()


class PlayoutLevel:
    """Holds what the device has left before each write near ``target_ms``.

    Judged by the low of the last quarter of a second: late writers make it swing, and what swings
    is needed. Pauses are cut first, as nobody hears it.
    """

    def __init__(self, target_ms: float = TARGET_MS, ceiling_ms: float = CEILING_MS) -> None:
        self.target_ms = target_ms
        self.ceiling_ms = ceiling_ms
        self._recent: deque[float] = deque(maxlen=_WINDOW_WRITES)

    @property
    def low_ms(self) -> float:
        """The least that was left before a write within the last quarter of a second."""
        return min(self._recent, default=0.0)

    def correction(self, level_ms: float, waiting_ms: float, loudness_dbfs: float = 0.0) -> Correction:
        """What to do now.

        Args:
            level_ms: What the device holds.
            waiting_ms: What is about to be written.
            loudness_dbfs: How loud that is.
        """
        if level_ms < EMPTY_MS:
            self._recent.clear()
            return Correction(PAD_MS, max(0.0, PAD_MS + waiting_ms - self.ceiling_ms))
        self._recent.append(level_ms)
        cut_ms = max(self._persistent_excess(loudness_dbfs), level_ms + waiting_ms - self.ceiling_ms)
        if cut_ms > 0:
            self._recent.clear()
            return Correction(cut_ms=cut_ms)
        return self._gentle()

    def _persistent_excess(self, loudness_dbfs: float) -> float:
        allowed_ms = GENTLE_ABOVE_MS if loudness_dbfs < SPEECH_DBFS else CUT_ABOVE_MS
        excess_ms = self.low_ms - self.target_ms
        return excess_ms if self._is_settled and excess_ms > allowed_ms else 0.0

    def _gentle(self) -> Correction:
        if not self._is_settled or LOW_MS <= self.low_ms <= self.target_ms + GENTLE_ABOVE_MS:
            return NO_CORRECTION
        return Correction(stretch=GENTLE_SHARE if self.low_ms < LOW_MS else -GENTLE_SHARE)

    @property
    def _is_settled(self) -> bool:
        return len(self._recent) == _WINDOW_WRITES


def cut(block: Block, samples: int) -> Block:
    """Leaves out the first ``samples``, keeping at least the last 4 ms; the seam is a 2 ms cross-fade.

    What was heard before meets what comes after without a click: the start of ``block`` fades out
    while what follows the cut fades in.
    """
    samples = min(samples, len(block) - 2 * _SEAM_SAMPLES)
    if samples <= 0:
        return block
    fade = np.linspace(0.0, 1.0, _SEAM_SAMPLES, dtype=np.float32)[:, np.newaxis]
    rest = block[samples:].copy()
    rest[:_SEAM_SAMPLES] = np.rint(block[:_SEAM_SAMPLES] * (1 - fade) + rest[:_SEAM_SAMPLES] * fade)
    return rest


class Stretcher:
    """Makes sound longer or shorter by a tiny share, by linear interpolation. Keeps the fraction."""

    def __init__(self) -> None:
        self._owed = 0.0

    def stretch(self, block: Block, share: float) -> Block:
        """``block`` with ``share`` more samples, its ends kept; the same when less than one is owed."""
        self._owed += len(block) * share
        change = int(self._owed)
        if change == 0 or len(block) + change < 2:
            return block
        self._owed -= change
        ticks = np.arange(len(block))
        places = np.linspace(0, len(block) - 1, len(block) + change)
        columns = [np.interp(places, ticks, block[:, one]) for one in range(block.shape[1])]
        return np.rint(np.stack(columns, axis=1)).astype(np.int16)


def samples_of(duration_ms: float) -> int:
    """Samples at 48 kHz."""
    return round(duration_ms * SAMPLE_RATE_HZ / 1000)
