"""The observers of a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from atlas_desktop.errors import AppError, TranscriptCutError
from atlas_desktop.session.callbacks import Callbacks, Unsubscribe
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.transcript import Message, Transcript

if TYPE_CHECKING:
    from atlas_desktop.media.feeds import AudioFeed, VideoFeed


class SessionEvents:
    """Registers observers, and holds what notifies them. Thread: one event loop.

    Attributes:
        transcript: What was said and typed; kept through a switch of the mode and while parked.
        video_changes: Called to notify that the picture starts or stops flowing.
        audio_changes: The same for the sound.
    """

    def __init__(self) -> None:
        self._notices: Callbacks[[AppError]] = Callbacks("session.on_notice")
        self._changes: Callbacks[[SessionSnapshot]] = Callbacks("session.on_change", self._notices)
        self._state_changes: Callbacks[[str, str | None]] = Callbacks(
            "session.on_state_change", self._notices
        )
        self.video_changes: Callbacks[[VideoFeed | None]] = Callbacks("session.on_video", self._notices)
        self.audio_changes: Callbacks[[AudioFeed | None]] = Callbacks("session.on_audio", self._notices)
        self.transcript = Transcript(
            on_error=self._notices, on_cut=lambda: self._notices(TranscriptCutError())
        )

    def on_change(self, callback: Callable[[SessionSnapshot], None]) -> Unsubscribe:
        """Call ``callback`` whenever what is shown changes; return the unsubscribe, as all of these do."""
        return self._changes.add(callback)

    def on_notice(self, callback: Callable[[AppError], None]) -> Unsubscribe:
        """Call ``callback`` with errors that do not end the session, and with an unconfirmed end."""
        return self._notices.add(callback)

    def on_state_change(self, callback: Callable[[str, str | None], None]) -> Unsubscribe:
        """Call ``callback(state, detail)``; ``detail`` says why it failed, was ended, or is ending."""
        return self._state_changes.add(callback)

    def on_transcript(self, callback: Callable[[Message], None]) -> Unsubscribe:
        """Call ``callback`` with each new or changed message."""
        return self.transcript.on_change(lambda message, _index: callback(message))

    def on_video_stream(self, callback: Callable[[VideoFeed | None], None]) -> Unsubscribe:
        """Call ``callback`` with the feed when the picture starts to flow, ``None`` when it stops."""
        return self.video_changes.add(callback)

    def on_audio_stream(self, callback: Callable[[AudioFeed | None], None]) -> Unsubscribe:
        """Call ``callback`` with the feed when the sound starts to flow, ``None`` when it stops."""
        return self.audio_changes.add(callback)
