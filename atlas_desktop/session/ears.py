"""Whether anybody is heard: the avatar, a clip of ours, or the user at the microphone."""

from collections.abc import Callable
from typing import Protocol

VOICE_DBFS = -45.0
"""A microphone that is louder hears somebody, not just a quiet room."""


class Voice(Protocol):
    """The part of ``Vitals`` that is listened to: the avatar."""

    @property
    def speaking(self) -> bool: ...


class Clips(Protocol):
    """The part of ``Speech`` that is listened to."""

    @property
    def playing(self) -> bool: ...


class Ears:
    """Listens for signs of life. Thread: the session's loop.

    Attributes:
        level_dbfs: How loud the user is now; ``None`` without a microphone that could say.
    """

    def __init__(self, avatar: Voice, clips: Clips) -> None:
        self.level_dbfs: Callable[[], float] | None = None
        self._avatar = avatar
        self._clips = clips

    @property
    def hear_anybody(self) -> bool:
        """Whether somebody, or something, speaks now."""
        if self._clips.playing or self._avatar.speaking:
            return True
        return self.level_dbfs is not None and self.level_dbfs() > VOICE_DBFS
