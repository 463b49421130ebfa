"""How the avatar is doing: whether its picture moves, whether it speaks, what it says of itself."""

from collections.abc import Callable
from typing import Protocol

from atlas_desktop.clock import monotonic_us

FROZEN_AFTER_US = 1_500_000
SPEAKING_HOLD_US = 400_000
"""Speech has pauses: so long after its last sound the avatar still counts as speaking."""

AGENT_STATES = frozenset({"initializing", "idle", "listening", "thinking", "speaking"})


class Picture(Protocol):
    """The part of a ``VideoFeed`` that is watched. Times are CLOCK_MONOTONIC, in microseconds."""

    last_frame_us: int | None


class Sound(Protocol):
    """The part of an ``AudioFeed`` that is watched."""

    @property
    def last_sound_us(self) -> int | None: ...


class Vitals:
    """Derives what is shown of the avatar from its picture, its sound and its own words.

    Attributes:
        rtt_ms: The newest round-trip time, set from outside.
    """

    def __init__(self, picture: Picture, sound: Sound, clock_us: Callable[[], int] = monotonic_us) -> None:
        self.rtt_ms: float | None = None
        self._picture = picture
        self._sound = sound
        self._clock_us = clock_us
        self._stated: str | None = None

    def reset(self) -> None:
        """Another server session: nothing is known of it."""
        self.rtt_ms = None
        self._stated = None

    def state(self, stated: str | None) -> bool:
        """Takes what the agent says of itself (``lk.agent.state``); True when that is news."""
        known = stated if stated in AGENT_STATES else None
        changed = known != self._stated
        self._stated = known
        return changed

    @property
    def frozen(self) -> bool:
        """No new picture for 1.5 s."""
        last_us = self._picture.last_frame_us
        return last_us is not None and self._clock_us() - last_us > FROZEN_AFTER_US

    @property
    def speaking(self) -> bool:
        """The avatar's sound carries a voice now, or did a moment ago."""
        last_us = self._sound.last_sound_us
        return last_us is not None and self._clock_us() - last_us < SPEAKING_HOLD_US

    @property
    def agent_state(self) -> str:
        """What the agent says of itself, else what its sound tells."""
        if self._stated is not None:
            return self._stated
        return "speaking" if self.speaking else "listening"
