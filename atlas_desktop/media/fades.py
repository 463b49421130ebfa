"""Sound that goes and comes within 5 ms instead of at once: a step is heard as a click."""

import numpy as np

from atlas_desktop.media.blocks import BLOCK_SAMPLES, SAMPLE_RATE_HZ, Block, silence

FADE_SAMPLES = SAMPLE_RATE_HZ * 5 // 1000
_RISE = (np.arange(FADE_SAMPLES, dtype=np.float32) / FADE_SAMPLES).reshape(-1, 1)


def faded_in(block: Block) -> Block:
    """A copy that rises from silence; added to what ``fading_tail`` makes of the same, it is ``block``."""
    count = min(len(block), FADE_SAMPLES)
    risen = block.copy()
    risen[:count] = block[:count] - _falling(block[:count])
    return risen


def fading_tail(block: Block) -> Block:
    """One block, int16 (480, 1): the beginning of ``block``, falling to silence."""
    tail = silence(BLOCK_SAMPLES)
    falling = _falling(block[:FADE_SAMPLES])
    tail[: len(falling)] = falling
    return tail


def _falling(block: Block) -> Block:
    falling: Block = np.rint(block * (1 - _RISE[: len(block)])).astype(np.int16)
    return falling
