"""What the avatar is doing, and whether anybody is active at all."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from atlas_desktop.clock import monotonic_us

if TYPE_CHECKING:
    from atlas_desktop.media.feeds import AudioFeed, VideoFeed
    from atlas_desktop.session.speech import SpeechOutput

FROZEN_AFTER_US = 1_500_000
SPEAKING_HOLD_US = 400_000
"""Speech has pauses: so long after its last sound the avatar still counts as speaking."""
VOICE_DBFS = -45.0
"""A louder microphone picks up somebody, not just a quiet room."""
AGENT_STATES = frozenset({"initializing", "idle", "listening", "thinking", "speaking"})


class AgentActivity:
    """The avatar's activity, derived from its picture, its sound and the agent's reported state.

    Attributes:
        rtt_ms: The newest round-trip time, set from outside.
    """

    def __init__(
        self, video: "VideoFeed", audio: "AudioFeed", clock_us: Callable[[], int] = monotonic_us
    ) -> None:
        self.rtt_ms: float | None = None
        self._video = video
        self._audio = audio
        self._clock_us = clock_us
        self._reported: str | None = None

    def reset(self) -> None:
        """Forget everything: another server session begins."""
        self.rtt_ms = None
        self._reported = None

    def set_reported(self, state: str | None) -> bool:
        """Set the agent's own state (``lk.agent.state``); return whether it changed."""
        known = state if state in AGENT_STATES else None
        changed = known != self._reported
        self._reported = known
        return changed

    @property
    def frozen(self) -> bool:
        """Whether no picture has come for 1.5 s."""
        last_us = self._video.last_frame_us
        return last_us is not None and self._clock_us() - last_us > FROZEN_AFTER_US

    @property
    def speaking(self) -> bool:
        """Whether the avatar's sound contains a voice, now or a moment ago."""
        last_us = self._audio.last_sound_us
        return last_us is not None and self._clock_us() - last_us < SPEAKING_HOLD_US

    @property
    def agent_state(self) -> str:
        """The reported state, else one derived from the sound."""
        if self._reported is not None:
            return self._reported
        return "speaking" if self.speaking else "listening"


class ActivityDetector:
    """Detects that somebody speaks: the avatar, a clip of ours, or the user. Thread: the session's loop.

    Attributes:
        level_dbfs: Returns the microphone's level; ``None`` without one.
    """

    def __init__(self, avatar: AgentActivity, speech: "SpeechOutput") -> None:
        self.level_dbfs: Callable[[], float] | None = None
        self._avatar = avatar
        self._speech = speech

    @property
    def is_active(self) -> bool:
        """Whether anybody speaks now."""
        if self._speech.playing or self._avatar.speaking:
            return True
        return self.level_dbfs is not None and self.level_dbfs() > VOICE_DBFS
