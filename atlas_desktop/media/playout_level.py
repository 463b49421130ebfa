"""How much sound waits to be heard, and what to do at once before a write. Pure."""

from collections import deque
from dataclasses import dataclass

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ
from atlas_desktop.media.level import SPEECH_DBFS

TARGET_MS = 8.0
"""Held in the device before each write: enough for the server's next pull, too little to be a delay."""
TARGET_MOST_MS = 28.0
EMPTY_MS = 0.5
PAD_MORE_MS = 1.0
"""Added to the target where the device has run dry: what it takes before the next write."""
CUT_ABOVE_MS = 15.0
"""Up to this the resampling rate corrects the level; a larger excess is cut out at an inaudible splice."""
UNHEARD_CUT_ABOVE_MS = 2.0
"""In a pause, and in what comes first."""
CEILING_MS = 90.0
"""More than this never waits: the device's buffer must take it."""
KEPT_MS = 40.0
"""Of what has piled up while the device ran dry: the rest would be a delay for good."""
_WINDOW_MS = 240.0
_GROW_MS = 4.0
_CALM_MS, _SHRINK_MS = 10_000.0, 1.0
_FIRST_MS = 2_000.0


@dataclass(frozen=True, slots=True)
class Correction:
    """What to do at once with the sound that is about to be written.

    Attributes:
        pad_ms: Silence to write first: the device has run dry.
        cut_ms: Sound to leave out: a stall must not add delay for good.
        is_heard: Whether the splice would be audible, so that it has to be placed where it is least so.
    """

    pad_ms: float = 0.0
    cut_ms: float = 0.0
    is_heard: bool = True


NO_CORRECTION = Correction()


class PlayoutLevel:
    """Judges what the device has left before each write against ``target_ms``.

    By the low of the last quarter of a second: late writers make it swing, and what swings is needed.
    Pauses are cut first, as nobody hears it, and so are the two seconds after the card was empty. Each time
    it ran short in the middle of speech the target grows by 4 ms, to 28 at most; after each ten calm seconds
    it shrinks by one.

    Attributes:
        target_ms: What is to be left before a write.
        low_ms: The least that was left before a write within the last quarter of a second.
    """

    def __init__(self, target_ms: float = TARGET_MS, ceiling_ms: float = CEILING_MS) -> None:
        self.target_ms = target_ms
        self._least_ms = target_ms
        self._ceiling_ms = ceiling_ms
        self._recent: deque[tuple[float, float]] = deque()
        self._window_ms = 0.0
        self.low_ms = 0.0
        self._calm_ms = 0.0
        self._since_dry_ms = 0.0

    @property
    def excess_ms(self) -> float:
        """By how much that is more than it should be; 0 until it is known."""
        return self.low_ms - self.target_ms if self._is_settled else 0.0

    def ran_short(self) -> None:
        """It was not enough, in the middle of speech."""
        self.target_ms = min(TARGET_MOST_MS, self.target_ms + _GROW_MS)
        self._calm_ms = 0.0

    def jumped(self) -> None:
        """What was seen so far tells nothing of what comes."""
        self._recent.clear()
        self._window_ms = 0.0

    def _set_anew(self) -> None:
        """Note that the level is at its target now."""
        self.jumped()
        self.low_ms = self.target_ms

    def correction(self, level_ms: float, waiting_ms: float, loudness_dbfs: float = 0.0) -> Correction:
        """What to do now.

        Args:
            level_ms: What the device holds.
            waiting_ms: What is about to be written.
            loudness_dbfs: How loud that is.
        """
        if level_ms < EMPTY_MS:
            self._set_anew()
            self._since_dry_ms = 0.0
            pad_ms = self.target_ms + PAD_MORE_MS
            return Correction(pad_ms, max(0.0, waiting_ms - KEPT_MS))
        self._see(level_ms, waiting_ms)
        is_heard = loudness_dbfs >= SPEECH_DBFS and self._since_dry_ms > _FIRST_MS
        excess_ms = self._persistent_excess(CUT_ABOVE_MS if is_heard else UNHEARD_CUT_ABOVE_MS)
        if excess_ms > 0:
            self._set_anew()
        # What merely does not fit says nothing of what was there before it, which goes on being judged.
        cut_ms = max(excess_ms, level_ms + waiting_ms - self._ceiling_ms)
        return Correction(cut_ms=cut_ms, is_heard=is_heard) if cut_ms > 0 else NO_CORRECTION

    def _see(self, level_ms: float, waiting_ms: float) -> None:
        self._recent.append((level_ms, waiting_ms))
        self._window_ms += waiting_ms
        while self._window_ms - self._recent[0][1] >= _WINDOW_MS:
            self._window_ms -= self._recent.popleft()[1]
        self.low_ms = min(self._recent)[0]
        self._calm_ms += waiting_ms
        self._since_dry_ms += waiting_ms
        if self._calm_ms >= _CALM_MS:
            self._calm_ms = 0.0
            self.target_ms = max(self._least_ms, self.target_ms - _SHRINK_MS)

    def _persistent_excess(self, allowed_ms: float) -> float:
        return self.excess_ms if self.excess_ms > allowed_ms else 0.0

    @property
    def _is_settled(self) -> bool:
        return self._window_ms >= _WINDOW_MS


def samples_of(duration_ms: float) -> int:
    """Samples at 48 kHz."""
    return round(duration_ms * SAMPLE_RATE_HZ / 1000)
