"""Who is told what of a session: the callbacks that programs register."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.errors import AppError, TranscriptCutError
from atlas_desktop.session.callbacks import Callbacks, Unsubscribe
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.transcript import Message, Transcript

if TYPE_CHECKING:
    from atlas_desktop.media.feeds import AudioFeed, VideoFeed


class Told:
    """The part of a session that tells. Thread: one event loop.

    Attributes:
        transcript: What was said and typed; kept through a switch of the mode and while parked.
    """

    def __init__(self) -> None:
        self._notices: Callbacks[[AppError]] = Callbacks("session.on_notice")
        self._changes: Callbacks[[SessionSnapshot]] = Callbacks("session.on_change", self._notices)
        self._state_changes: Callbacks[[str, str | None]] = Callbacks(
            "session.on_state_change", self._notices
        )
        self._video_changes: Callbacks[[VideoFeed | None]] = Callbacks("session.on_video", self._notices)
        self._audio_changes: Callbacks[[AudioFeed | None]] = Callbacks("session.on_audio", self._notices)
        self._limits_changes: Callbacks[[str, SpendingLimits]] = Callbacks(
            "session.on_limits_changed", self._notices
        )
        self.transcript = Transcript(
            on_error=self._notices, on_cut=lambda: self._notices(TranscriptCutError())
        )

    def on_change(self, callback: Callable[[SessionSnapshot], None]) -> Unsubscribe:
        """Calls ``callback`` whenever what is shown changes; returns the way out."""
        return self._changes.add(callback)

    def on_notice(self, callback: Callable[[AppError], None]) -> Unsubscribe:
        """Calls ``callback`` with errors that leave the session as it is, and with an unconfirmed end."""
        return self._notices.add(callback)

    def on_state_change(self, callback: Callable[[str, str | None], None]) -> Unsubscribe:
        """Calls ``callback(state, detail)``; ``detail`` says why it failed, was ended, or is ending."""
        return self._state_changes.add(callback)

    def on_transcript(self, callback: Callable[[Message], None]) -> Unsubscribe:
        """Calls ``callback`` with each new or changed message."""
        return self.transcript.on_change(lambda message, _index: callback(message))

    def on_video_stream(self, callback: Callable[[VideoFeed | None], None]) -> Unsubscribe:
        """Calls ``callback`` with the feed when the picture begins to flow, ``None`` when it ceases."""
        return self._video_changes.add(callback)

    def on_audio_stream(self, callback: Callable[[AudioFeed | None], None]) -> Unsubscribe:
        """Calls ``callback`` with the feed when the sound begins to flow, ``None`` when it ceases."""
        return self._audio_changes.add(callback)

    def on_limits_changed(self, callback: Callable[[str, SpendingLimits], None]) -> Unsubscribe:
        """Calls ``callback(session_id, limits)`` when the limits of the session that runs change."""
        return self._limits_changes.add(callback)
