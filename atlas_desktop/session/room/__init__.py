"""The LiveKit side of a session: the room, its words, its statistics, and the way to it.

``livekit_room`` alone imports the SDK, and is itself imported in a thread: half a second that the window need
not wait for. What the session and the room exchange is declared here.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from atlas_desktop.session.segment_stream import SegmentStream
    from atlas_desktop.session.transcript import Role


class Voice(StrEnum):
    """What our one outgoing track carries; the value is its name."""

    TTS = "tts-audio"
    """Passthrough: what the avatar says."""
    MICROPHONE = "microphone"
    """Conversation: what the avatar's agent hears."""


class RoomListener(Protocol):
    """Receives a room's events. Thread: the loop that joined. No method may raise."""

    def video_changed(self, present: bool) -> None:
        """The avatar's picture started or stopped flowing into the feed."""

    def audio_changed(self, present: bool) -> None:
        """The avatar's sound started or stopped flowing into the feed."""

    def voice_muted(self, muted: bool) -> None:
        """The room muted or unmuted our track."""

    def connection_changed(self, connected: bool) -> None:
        """LiveKit is reconnecting, or has reconnected."""

    def room_lost(self, reason: str, proxy: str = "") -> None:
        """The room is gone for good, unasked; ``proxy`` names the one that refused the reconnect, if any."""

    def segment_received(self, segment_id: str, role: "Role", text: str, final: bool) -> None:
        """A segment of ``transcription_received``: its whole text so far."""

    def stream_opened(self, segment_id: str, role: "Role", final: bool) -> "SegmentStream":
        """A text stream began; its chunks are added to what is returned."""
        ...

    def room_cut(self) -> None:
        """Part of what the room sent was dropped because of a limit."""

    def agent_state_changed(self, state: str | None) -> None:
        """``lk.agent.state`` of any participant; ``None`` when the participant that had it left."""
