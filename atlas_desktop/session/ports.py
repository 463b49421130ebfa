"""What a session needs of a room, and what it wants to hear from it: no LiveKit in here."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from atlas_desktop.api.source import SessionGrant
from atlas_desktop.session.segment_stream import SegmentStream
from atlas_desktop.session.transcript import Role

if TYPE_CHECKING:
    from atlas_desktop.media.speaker import BlockSink


class Voice(StrEnum):
    """What our one outgoing track is."""

    TTS = "tts-audio"
    """Passthrough: what the avatar says."""
    MICROPHONE = "microphone"
    """Conversation: what the avatar's agent hears."""


@dataclass(frozen=True, slots=True)
class LegacySegment:
    """One segment of ``transcription_received``: its whole text so far."""

    id: str
    role: Role
    text: str
    final: bool


class RoomListener(Protocol):
    """Hears of a room's events. Thread: the loop that joined. None of these may raise."""

    def video_changed(self, present: bool) -> None:
        """The avatar's picture now flows into the feed, or no longer does."""

    def audio_changed(self, present: bool) -> None:
        """The avatar's sound now flows into the feed, or no longer does."""

    def voice_muted(self, muted: bool) -> None:
        """The room muted our track, or it is heard again."""

    def connection_broke(self) -> None: ...

    def connection_mended(self) -> None: ...

    def room_lost(self, reason: str, proxy: str = "") -> None:
        """The room is gone for good, unasked; ``proxy`` is what barred the way back, if one did."""

    def segment_received(self, segment: LegacySegment) -> None: ...

    def stream_opened(self, segment_id: str, role: Role, final: bool) -> SegmentStream:
        """A text stream began; its pieces go into what is returned."""
        ...

    def room_cut(self) -> None:
        """Some of what the room says was left out."""

    def agent_state_changed(self, state: str | None) -> None:
        """``lk.agent.state`` of any participant; ``None`` when whoever had it left."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What has arrived from a room so far; another connection counts from zero.

    Attributes:
        packets: Of every kind: media, its reports, answers to connectivity checks.
        media: Those of picture and sound.
        picture_muted: The avatar itself has paused its picture.
    """

    packets: int
    media: int
    picture_muted: bool = False


@dataclass(frozen=True, slots=True)
class Buffers:
    """What WebRTC has held back of picture and sound so far, in all.

    Source: ``jitterBufferDelay`` and ``jitterBufferEmittedCount`` of W3C's WebRTC statistics.
    """

    picture_s: float
    pictures: int
    sound_s: float
    samples: int

    def picture_behind_ms(self, before: "Buffers") -> float | None:
        """By how much longer pictures than sounds were held since ``before``; ``None``: one did not flow."""
        pictures, samples = self.pictures - before.pictures, self.samples - before.samples
        if pictures <= 0 or samples <= 0:
            return None
        held_s = (self.picture_s - before.picture_s) / pictures
        return (held_s - (self.sound_s - before.sound_s) / samples) * 1000


@dataclass(frozen=True, slots=True)
class RoomStatistics:
    """What a room knows of its connection. Milliseconds; ``None``: not known.

    Attributes:
        round_trip_ms: Of the selected candidate pair.
        apart_ms: By how much the avatar's picture is handed out before the sound that belongs to it.
        traffic: What has arrived so far.
        buffers: What was held back of the tracks that are shown and heard.
    """

    round_trip_ms: float | None = None
    apart_ms: float | None = None
    traffic: Traffic | None = None
    buffers: Buffers | None = None


class RoomPort(Protocol):
    """A room: joined once, left once. Thread: one event loop."""

    async def join(self, grant: SessionGrant) -> None:
        """Connects. It must be left to run to its end: never cancelled, never given a time limit.

        Raises:
            RoomRefusedError: The room did not let us in.
            BadRoomAddressError: The address is not wss://, nor ws:// to this computer.
            BadProxyError: The proxy that leads there can't be used.
            RoomProxyError: The proxy did not let us through.
            MediaBlockedError: It did, but WebRTC's own packets do not come through.
        """

    async def publish(self, voice: Voice) -> "BlockSink":
        """Publishes our one outgoing track and returns where its blocks go.

        Raises:
            RoomError: It could not be published.
        """
        ...

    def unmute(self) -> None:
        """Asks the room to let our track be heard again; ``voice_muted`` tells when it is."""

    def refresh_picture(self) -> None:
        """Subscribes to the avatar's picture anew: it stands for a moment, and begins without delay."""

    async def wait_heard(self) -> None:
        """Waits until somebody listens to our track after a reconnect; a second at most."""

    async def send(self, payload: bytes) -> None:
        """Sends one reliable data packet without a topic.

        Raises:
            RoomError: It did not go out.
        """

    async def statistics(self) -> RoomStatistics:
        """Asks for all figures in one call, of about 1 ms: once a second, more only in need."""
        ...

    async def leave(self) -> None:
        """Closes streams and disconnects. Right at any stage but a join in flight; may be called twice."""
