"""The one 5 ms fade: no start, stop or dropout of sound is heard as a click."""

import numpy as np

from atlas_desktop.media.blocks import BLOCK_SAMPLES, SAMPLE_RATE_HZ, Block, Samples, no_samples, silence

FADE_SAMPLES = 5 * SAMPLE_RATE_HZ // 1000
"""5 ms: longer fades swallow the beginning of a word, shorter ones are a click."""
MAX_LEVEL = 8.0
"""18 dB over full scale: no recording goes there. What does, or is not a number, comes from a broken file."""

_NEVER = 1 << 40


_RISE = (np.arange(FADE_SAMPLES, dtype=np.float32) / FADE_SAMPLES).reshape(-1, 1)


def faded_in(block: Block) -> Block:
    """Return a copy that fades in; added to ``fading_tail`` of the same block, it is ``block`` again."""
    count = min(len(block), FADE_SAMPLES)
    risen = block.copy()
    risen[:count] = block[:count] - _falling(block[:count])
    return risen


def fading_tail(block: Block) -> Block:
    """Return one block, int16 (480, 1): the beginning of ``block``, faded out."""
    tail = silence(BLOCK_SAMPLES)
    falling = _falling(block[:FADE_SAMPLES])
    tail[: len(falling)] = falling
    return tail


def _falling(block: Block) -> Block:
    falling: Block = np.rint(block * (1 - _RISE[: len(block)])).astype(np.int16)
    return falling


class DropoutFader:
    """Silences broken samples and gaps of decoded sound, with a fade before and after each. One thread.

    Everything else passes unchanged. As many samples come out as went in, 5 ms later; ``gap`` and ``flush``
    return the samples held back.
    """

    def __init__(self) -> None:
        self._held = no_samples()
        self._since = _NEVER  # samples between the last dropout and what is held

    def process(self, samples: Samples) -> Samples:
        """Take the next samples, float32 (n,); return those that are ready."""
        whole = np.concatenate((self._held, samples)) if len(self._held) else samples
        count = max(0, len(whole) - FADE_SAMPLES)
        return self._release(whole, count, _NEVER)

    def gap(self) -> Samples:
        """Mark missing sound: what came before it fades out, what comes next fades in."""
        rest = self._release(self._held, len(self._held), len(self._held))
        self._since = 0
        return rest

    def flush(self) -> Samples:
        """Return what is held at the end."""
        return self._release(self._held, len(self._held), _NEVER)

    def _release(self, whole: Samples, count: int, gap_at: int) -> Samples:
        """Fade ``whole``, return ``count`` samples of it and hold the others as they came."""
        self._held = whole[count:]
        fine = np.abs(whole) <= MAX_LEVEL
        if self._since >= FADE_SAMPLES and gap_at == _NEVER and fine.all():
            return whole[:count]
        places = np.arange(len(whole))
        past = np.maximum.accumulate(np.where(fine, -1 - self._since, places))
        coming = np.minimum.accumulate(np.where(fine, gap_at, places)[::-1])[::-1]
        distance = np.minimum(places - past, coming - places)[:count]
        self._since = min(_NEVER, count - 1 - int(past[count - 1]) if count else self._since)
        gains = np.clip(distance / np.float32(FADE_SAMPLES), 0, 1).astype(np.float32)
        return np.where(fine[:count], whole[:count], np.float32(0)) * gains
