"""Takes out of decoded sound what is none, without a click: broken numbers, and gaps."""

import numpy as np

from atlas_desktop.media.fades import FADE_SAMPLES
from atlas_desktop.media.graphs import Samples, no_samples

HIGHEST = 8.0
"""18 dB over full scale: no recording goes there. What does, or is no number, is a broken file's."""

_FAR = 1 << 40


class Mender:
    """Silences what is broken and fades before and after it; the rest passes as it is.

    As many samples come out as went in, 5 ms later; ``seam`` and ``flush`` give the last ones. One thread.
    """

    def __init__(self) -> None:
        self._held = no_samples()
        self._since = _FAR  # samples between the last fault and what is held

    def mend(self, samples: Samples) -> Samples:
        """Takes the next samples, float32 (n,)."""
        whole = np.concatenate((self._held, samples)) if len(self._held) else samples
        count = max(0, len(whole) - FADE_SAMPLES)
        return self._let_go(whole, count, _FAR)

    def seam(self) -> Samples:
        """Something is missing here: the sound before it fades out, what comes next fades in."""
        rest = self._let_go(self._held, len(self._held), len(self._held))
        self._since = 0
        return rest

    def flush(self) -> Samples:
        """The end: gives what is held."""
        return self._let_go(self._held, len(self._held), _FAR)

    def _let_go(self, whole: Samples, count: int, seam_at: int) -> Samples:
        """Mends ``whole``, gives ``count`` of it and holds the rest as it came."""
        self._held = whole[count:]
        fine = np.abs(whole) <= HIGHEST
        if self._since >= FADE_SAMPLES and seam_at == _FAR and fine.all():
            return whole[:count]
        places = np.arange(len(whole))
        past = np.maximum.accumulate(np.where(fine, -1 - self._since, places))
        coming = np.minimum.accumulate(np.where(fine, seam_at, places)[::-1])[::-1]
        distance = np.minimum(places - past, coming - places)[:count]
        self._since = min(_FAR, count - 1 - int(past[count - 1]) if count else self._since)
        gains = np.clip(distance / np.float32(FADE_SAMPLES), 0, 1).astype(np.float32)
        return np.where(fine[:count], whole[:count], np.float32(0)) * gains
