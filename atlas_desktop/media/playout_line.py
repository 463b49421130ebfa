"""All that happens to the avatar's sound between its ring and the card, but for the card. Pure."""

from dataclasses import dataclass

import numpy as np

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block, silence
from atlas_desktop.media.drift import RateControl
from atlas_desktop.media.level import rms_dbfs
from atlas_desktop.media.playout import PlayoutControl
from atlas_desktop.media.playout_level import EMPTY_MS, Correction, PlayoutLevel, samples_of
from atlas_desktop.media.resample import Resampler
from atlas_desktop.media.splice import CROSSFADE, SLACK, Concealer, cut

CHANNELS = 2
STALLED_MS = 40.0
"""So much waiting sound means that our own thread is late; less, that the sender is."""
BRIDGE_BELOW_MS = 4.0
"""With less than this in the card, and nothing to come, it would fall silent at its next pull."""
BRIDGE_MS = 10.0
_HOLD_LEAVES_MS = 6.0


@dataclass(slots=True)
class PlayoutCounters:
    """What was seen since the line was made. One thread writes, any reads.

    Attributes:
        underruns: Times the device ran dry although sound had come in time: our own fault.
        gaps: Those of them that were heard: the avatar was speaking.
        starved: Times it ran dry because no sound came.
        concealed: Times a gap was bridged by what was heard before it.
        cuts: Times a backlog was left out at once.
        level_ms: What the device holds before a write; its low over a quarter of a second.
        target_ms: What it is to hold.
        drift_ppm: By how much the device's clock is thought to be faster than what comes.
        share_ppm: By how much the sound is lengthened now.
    """

    underruns: int = 0
    gaps: int = 0
    starved: int = 0
    concealed: int = 0
    cuts: int = 0
    level_ms: float = 0.0
    target_ms: float = 0.0
    drift_ppm: float = 0.0
    share_ppm: float = 0.0


class PlayoutLine:
    """Volume, cuts, rate and bridges, in this order. One thread.

    It learns the card's clock, and keeps what it has learnt from one opening of the card to the next.

    Args:
        control: Volume, mute and gate.
        counters: Where it notes what it sees.
    """

    def __init__(self, control: PlayoutControl, counters: PlayoutCounters) -> None:
        self._control = control
        self._counters = counters
        self._rate = RateControl()
        self.renew()

    def renew(self, same_card: bool = False) -> None:
        """The card was opened: nothing is in it."""
        if not same_card:
            self._rate = RateControl()
        self._rate.jumped()
        self._level = PlayoutLevel()
        self._resampler = Resampler(CHANNELS)
        self._concealer = Concealer(CHANNELS)
        self._is_fresh = True
        self._held = silence(0, CHANNELS)
        self._cut_samples, self._cuts_exactly = 0, False

    def write(self, sound: Block, level_ms: float) -> Block:
        """What to give to the card, which holds ``level_ms``, now that ``sound`` has come; maybe nothing."""
        came_ms, level_dbfs = len(sound) * 1000 / SAMPLE_RATE_HZ, rms_dbfs(sound)
        is_dry = level_ms < EMPTY_MS
        self._count_short(is_dry, len(sound))
        correction = self._level.correction(level_ms, came_ms, level_dbfs)
        share = self._follow(level_ms, came_ms, correction.pad_ms > 0 or correction.cut_ms > 0)
        whole = self._without_backlog(self._control.process(sound, level_dbfs), correction, level_ms)
        heard = self._concealer.resume(self._resampler.resample(whole, share), was_dry=is_dry)
        if correction.pad_ms:
            heard = np.concatenate((silence(samples_of(correction.pad_ms), CHANNELS), heard))
        self._concealer.remember(heard, self._control.is_heard)
        self._note()
        return heard

    def bridge(self, level_ms: float) -> Block:
        """What to give to the card while nothing comes; maybe nothing."""
        if level_ms >= BRIDGE_BELOW_MS:
            return silence(0, CHANNELS)
        if len(self._held):
            heard, self._held, self._cut_samples = self._held, silence(0, CHANNELS), 0
            heard = self._resampler.resample(heard, self._rate.share)
            self._concealer.remember(heard, self._control.is_heard)
            return heard
        if self._control.closed or self._control.muted:
            self._concealer.forget()
        if self._concealer.exhausted or self._is_fresh:
            return silence(0, CHANNELS)
        self._counters.concealed += not self._concealer.bridging
        self._rate.jumped()
        self._level.jumped()
        return self._concealer.more(samples_of(BRIDGE_MS))

    @property
    def can_bridge(self) -> bool:
        """Whether a gap that begins now would be bridged."""
        return not self._is_fresh and (len(self._held) > 0 or not self._concealer.exhausted)

    def _follow(self, level_ms: float, came_ms: float, jumps: bool) -> float:
        if jumps:
            self._rate.jumped()
            return self._rate.share
        return self._rate.observe(level_ms, came_ms, self._level.excess_ms)

    def _without_backlog(self, sound: Block, correction: Correction, level_ms: float) -> Block:
        """Cut what is too much; while the card has enough, wait for the sound behind the splice."""
        if correction.cut_ms:
            self._cut_samples += samples_of(correction.cut_ms)
            self._cuts_exactly = not correction.is_heard
        if self._cut_samples == 0:
            return sound
        sound = np.concatenate((self._held, sound))
        # What is cut is in the card already: so long it can do without more.
        most = samples_of(max(0.0, level_ms - _HOLD_LEAVES_MS)) + len(sound) - SLACK - CROSSFADE
        wanted = min(self._cut_samples, most)
        if len(sound) < wanted + SLACK + CROSSFADE and level_ms > 2 * _HOLD_LEAVES_MS:
            self._held = sound
            return silence(0, CHANNELS)
        self._held, self._cut_samples = silence(0, CHANNELS), 0
        self._counters.cuts += 1
        self._rate.jumped()
        return cut(sound, wanted, self._cuts_exactly)

    def _count_short(self, is_dry: bool, waiting_samples: int) -> None:
        """Whether the card ran dry, or would have; in the middle of speech it is to hold more from now on."""
        sounded = self._control.sounding
        if is_dry and self._is_fresh:
            self._is_fresh = False
            return
        if sounded and (is_dry or self._concealer.bridging):
            self._level.ran_short()
        if is_dry and waiting_samples > samples_of(STALLED_MS):
            self._counters.underruns += 1
            self._counters.gaps += sounded
        elif is_dry:
            self._counters.starved += 1

    def _note(self) -> None:
        counters = self._counters
        counters.level_ms, counters.target_ms = self._level.low_ms, self._level.target_ms
        counters.drift_ppm, counters.share_ppm = self._rate.drift * 1e6, self._rate.share * 1e6
