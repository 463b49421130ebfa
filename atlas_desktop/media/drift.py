"""How fast a card really plays what it is given, and the rate that holds its level. Pure.

Two clocks meet at the card: the sender's and the card's. The level before each write depends
on both. Two numbers are followed (a Kalman filter): the level, and the drift, which is the share of sound
that the card takes beyond what comes. Time is counted in sound that came, so that a sender that stalls
moves nothing.
"""

import math
from dataclasses import dataclass

GENTLE_SHARE = 0.005
"""Half a percent of length, and so of pitch: not heard, and 5 ms a second."""
MOST_SHARE = 0.03
"""For a card that lies about its rate, once that is certain."""
SLOPE_PER_S = 0.0005
"""So slowly a rate changes that nobody hears it glide: less than a hundredth of a semitone a second."""
FAST_SLOPE_PER_S = 0.01
"""For a card that lies: what is mended meanwhile is worse."""
_PRIOR_MS_PER_S = 3.0
_WANDER = 4e-6
"""Of the drift: (ms/s)² a second. It gives a time constant of some 20 s."""
_RIPPLE = 0.04
"""Of the level: ms² a second."""
_NOISE_MS2 = (1.0, 9.0, 64.0)
_NOISE_SHARE = 0.02
_LEVEL_UNKNOWN_MS2 = 400.0
_CLIPPED_SIGMAS = 2.5
_JUMP_SIGMAS, _JUMP_MS = 3.0, 6.0
_SURPRISES = 40
_CALM_S = 2.0
_RETURN_S = 4.0
_SMOOTHED_S = 1.5
_FAR_SHARE = 0.002
_RETURN_SHARE = 0.003
_CERTAIN_SIGMAS = 4.0
_RESTS_BELOW_SHARE = 150e-6
"""A card as good as this is left alone most of the time: to change a rate costs more than all else here."""
_TOO_LITTLE_MS, _TOO_MUCH_MS, _REST_PAST_MS = -1.2, 2.0, 0.5
_LEAST_RETURN_SHARE = 0.0003


@dataclass(slots=True)
class _Belief:
    """Level (ms) and drift (ms a second) with their covariances."""

    level: float = 0.0
    drift: float = 0.0
    level2: float = _LEVEL_UNKNOWN_MS2
    both: float = 0.0
    drift2: float = _PRIOR_MS_PER_S**2


class RateControl:
    """Follows one card. One thread; ``observe`` before each write.

    Attributes:
        share: By how much what is written now is to be longer (+) or shorter (−).
    """

    def __init__(self) -> None:
        self.share = 0.0
        self._belief = _Belief()
        self._is_new = True
        self._noise = _NOISE_MS2[1]
        self._surprises = 0
        self._excess_ms = 0.0
        self._calm_s = 0.0
        self._side = 0

    @property
    def drift(self) -> float:
        """The share that the card takes beyond what comes, as far as it is known."""
        return self._belief.drift / 1000

    @property
    def uncertainty(self) -> float:
        """The standard deviation of ``drift``."""
        return math.sqrt(self._belief.drift2) / 1000

    def jumped(self) -> None:
        """The level is another one, for reasons of its own: run dry, cut, stalled. The drift stays."""
        belief = self._belief
        self._is_new, belief.level2, belief.both = True, _LEVEL_UNKNOWN_MS2, 0.0
        self._excess_ms = 0.0

    def observe(self, level_ms: float, came_ms: float, excess_ms: float) -> float:
        """Takes the level before a write of ``came_ms``; returns ``share`` for that write.

        Args:
            level_ms: What the card holds.
            came_ms: What has come, and is about to be written.
            excess_ms: By how much the card holds more than it should.
        """
        self._correct(level_ms)
        self._steer(excess_ms, came_ms / 1000)
        self._predict(came_ms / 1000)
        return self.share

    def _correct(self, level_ms: float) -> None:
        belief = self._belief
        if self._is_new:
            self._is_new, belief.level, belief.level2 = False, level_ms, self._noise
            return
        expected2 = belief.level2 + self._noise
        surprise = level_ms - belief.level
        if abs(surprise) > max(_JUMP_MS, _JUMP_SIGMAS * math.sqrt(expected2)):
            # Somebody was kept waiting, here or in the sound server: that is no drift.
            self._calm_s, belief.level, belief.level2, belief.both = 0.0, level_ms, self._noise, 0.0
            return
        limit = _CLIPPED_SIGMAS * math.sqrt(expected2)
        self._count(surprise, limit)
        surprise = max(-limit, min(limit, surprise))
        least, _, most = _NOISE_MS2
        self._noise += _NOISE_SHARE * (max(least, min(most, surprise * surprise)) - self._noise)
        to_level, to_drift = belief.level2 / expected2, belief.both / expected2
        belief.level += to_level * surprise
        belief.drift += to_drift * surprise
        belief.drift = max(-1000 * MOST_SHARE, min(1000 * MOST_SHARE, belief.drift))
        belief.drift2 -= to_drift * belief.both
        belief.both *= 1 - to_level
        belief.level2 *= 1 - to_level

    def _count(self, surprise: float, limit: float) -> None:
        """Count large innovations of one sign: after several in a row the filter is reset."""
        if abs(surprise) < limit / 2:
            self._surprises = 0
            return
        side = 1 if surprise > 0 else -1
        self._surprises = self._surprises + side if self._surprises * side > 0 else side
        if abs(self._surprises) >= _SURPRISES:
            self._belief, self._is_new, self._surprises = _Belief(), True, 0

    def _predict(self, came_s: float) -> None:
        belief = self._belief
        self._calm_s += came_s
        belief.level += (1000 * self.share - belief.drift) * came_s
        belief.level2 += (belief.drift2 * came_s - 2 * belief.both + _RIPPLE) * came_s
        belief.both -= belief.drift2 * came_s
        belief.drift2 += _WANDER * came_s

    def _steer(self, excess_ms: float, came_s: float) -> None:
        # Believed as far as it stands out of its own uncertainty.
        known2 = self.drift**2
        drift = self.drift * known2 / (known2 + self.uncertainty**2) if known2 else 0.0
        is_certain = self._calm_s > _CALM_S and abs(self.drift) > _CERTAIN_SIGMAS * self.uncertainty
        self._excess_ms += (excess_ms - self._excess_ms) * min(1.0, came_s / _SMOOTHED_S)
        wanted = drift + self._back() if self._is_at_work(drift) else 0.0
        limit = max(GENTLE_SHARE, abs(drift) + _RETURN_SHARE) if is_certain else GENTLE_SHARE
        wanted = max(-limit, min(limit, wanted))
        is_lying = is_certain and abs(drift) > GENTLE_SHARE and abs(wanted - self.share) > _FAR_SHARE
        step = (FAST_SLOPE_PER_S if is_lying else SLOPE_PER_S) * came_s
        self.share += max(-step, min(step, wanted - self.share))

    def _is_at_work(self, drift: float) -> bool:
        """Whether the level is being moved: from one side of what it should be over to the other."""
        if abs(drift) > _RESTS_BELOW_SHARE:
            self._side = 0
            return True
        if self._side * self._excess_ms <= -_REST_PAST_MS:
            self._side = 0
        if self._side == 0 and not _TOO_LITTLE_MS < self._excess_ms < _TOO_MUCH_MS:
            self._side = 1 if self._excess_ms > 0 else -1
        return self._side != 0

    def _back(self) -> float:
        """What brings the level back: a share of what is too much; of little enough to cross over."""
        back = -self._excess_ms / 1000 / _RETURN_S
        if self._side:
            back = -self._side * max(_LEAST_RETURN_SHARE, -self._side * back)
        return max(-_RETURN_SHARE, min(_RETURN_SHARE, back))
