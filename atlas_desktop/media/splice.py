"""Inaudible splices: sound left out, and sound synthesised for a gap (packet loss concealment). Pure."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block, silence
from atlas_desktop.media.fades import FADE_SAMPLES

CROSSFADE = FADE_SAMPLES
SLACK = 5 * SAMPLE_RATE_HZ // 1000
CONCEAL_MS = 60.0
"""A gap is concealed for so long; then it is silent."""
_FADE_FROM_MS = 20.0
_FADE_FROM, _FADE_TO = (round(ms * SAMPLE_RATE_HZ / 1000) for ms in (_FADE_FROM_MS, CONCEAL_MS))
_SHORTEST, _LONGEST = 5 * SAMPLE_RATE_HZ // 2000, 15 * SAMPLE_RATE_HZ // 1000
"""A voice's periods: 400 to 67 Hz."""
_LIKENESS = 8 * SAMPLE_RATE_HZ // 1000
_HISTORY = _LONGEST + max(_LIKENESS, _LONGEST) + CROSSFADE
_JOIN = 2 * SAMPLE_RATE_HZ // 1000


def rising(samples: int) -> NDArray[np.float32]:
    """Return the gains of a raised-cosine fade in, float32 (samples, 1)."""
    ticks = (np.arange(samples, dtype=np.float32) + np.float32(0.5)) / np.float32(max(1, samples))
    gains: NDArray[np.float32] = (1 - np.cos(np.float32(np.pi) * ticks)) / 2
    return gains[:, np.newaxis]


def blend(before: NDArray[np.float32] | Block, after: NDArray[np.float32] | Block) -> Block:
    """Return a crossfade from ``before`` to ``after``, both (samples, channels), of their length."""
    gains = rising(len(after))
    return np.rint(before * (1 - gains) + after * gains).astype(np.int16)


def cut(sound: Block, samples: int, exactly: bool = False) -> Block:
    """Return ``sound`` without about the first ``samples``, spliced where the two ends are most alike.

    Up to 5 ms more or less are left out for that, unless it is to be done ``exactly``. Needs 10 ms more than
    ``samples``; of shorter sound less is left out, down to nothing.
    """
    samples = min(samples, len(sound) - SLACK - CROSSFADE)
    if samples <= 0:
        return sound
    if exactly:
        return _joined(sound, samples)
    first = max(1, samples - SLACK)
    mono = sound.sum(axis=1, dtype=np.float32)
    return _joined(sound, first + _most_alike(mono[:CROSSFADE], mono[first : samples + SLACK + CROSSFADE]))


def _joined(sound: Block, at: int) -> Block:
    """Return a crossfade from its beginning to what lies behind ``at``."""
    return np.concatenate((blend(sound[:CROSSFADE], sound[at : at + CROSSFADE]), sound[at + CROSSFADE :]))


class Concealer:
    """Conceals a gap: repeats the last period of what was heard, fading out. One thread.

    ``remember`` what is played; in a gap call ``more`` until it is ``exhausted``; ``resume`` with what comes
    after it.
    """

    def __init__(self, channels: int = 2) -> None:
        self._channels = channels
        self._period: NDArray[np.float32] | None = None
        self._join: NDArray[np.float32] = np.zeros((1, channels), np.float32)
        self.forget()

    @property
    def exhausted(self) -> bool:
        """Whether it has nothing to add: it was silent before, or the gap is too long."""
        return self._made >= _FADE_TO or (self._period is None and not self._is_worth_it)

    @property
    def bridging(self) -> bool:
        """Whether something was synthesised since sound last came."""
        return self._period is not None

    def remember(self, played: Block, is_loud: bool) -> None:
        """Take what was given to the card, and whether it is audible."""
        self._heard.append(played)
        self._samples += len(played)
        while self._samples - len(self._heard[0]) >= _HISTORY:
            self._samples -= len(self._heard.popleft())
        self._is_worth_it = is_loud

    def forget(self) -> None:
        """Drop what was heard: nothing is synthesised from it."""
        self._heard, self._samples = deque((silence(_HISTORY, self._channels),)), _HISTORY
        self._is_worth_it, self._period, self._made = False, None, 0

    def more(self, samples: int) -> Block:
        """Return the next ``samples`` of a gap; silence once it is exhausted."""
        if self._period is None:
            if not self._is_worth_it:
                return silence(samples, self._channels)
            self._begin()
        return self._made_up(samples)

    def resume(self, sound: Block, was_dry: bool = False) -> Block:
        """Return ``sound`` crossfaded with the gap before it; ``was_dry``: the card ran dry in between."""
        bridged, self._period = self._period, self._period if not was_dry else None
        if (bridged is None and not was_dry) or len(sound) == 0:
            self._period, self._made = None, 0
            return sound
        width = min(CROSSFADE, len(sound))
        before = silence(width, self._channels) if self._period is None else self._made_up(width)
        self._period, self._made = None, 0
        return np.concatenate((blend(before, sound[:width]), sound[width:]))

    def _begin(self) -> None:
        heard = np.concatenate(self._heard)[-_HISTORY:].astype(np.float32)
        mono = heard.sum(axis=1)
        past = mono[len(mono) - _LIKENESS - _LONGEST : len(mono) - _SHORTEST]
        length = _LONGEST - _most_alike(mono[-_LIKENESS:], past)
        period = heard[-length:].copy()
        # Its end is crossfaded to its beginning.
        width = min(_JOIN, length // 2)
        gains = rising(width)
        before = heard[-length - width : -length]
        period[-width:] = period[-width:] * (1 - gains) + before * gains
        # What is left of a step at the first splice decays.
        self._join = heard[-1:] - heard[-length - 1 : -length]
        self._period, self._made = period, 0

    def _made_up(self, samples: int) -> Block:
        assert self._period is not None
        ticks = np.arange(self._made, self._made + samples)
        self._made += samples
        made = self._period[ticks % len(self._period)]
        dying = np.clip(1 - (ticks + 1) / _JOIN, 0, 1).astype(np.float32)[:, np.newaxis]
        gains = np.clip((_FADE_TO - ticks) / (_FADE_TO - _FADE_FROM), 0, 1).astype(np.float32)[:, np.newaxis]
        return np.clip(np.rint((made + self._join * dying) * gains), -32768, 32767).astype(np.int16)


def _most_alike(pattern: NDArray[np.float32], sound: NDArray[np.float32]) -> int:
    """Return where in ``sound`` a piece as long as ``pattern`` correlates best with it."""
    products = np.correlate(sound, pattern, "valid")
    energy = np.concatenate((np.zeros(1), np.cumsum(np.square(sound, dtype=np.float64))))
    energies = energy[len(pattern) :] - energy[: -len(pattern)]
    return int(np.argmax(products / np.sqrt(energies + len(pattern))))
