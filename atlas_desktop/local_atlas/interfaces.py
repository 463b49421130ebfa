"""The types through which the packages of the local Atlas meet: renderer, agent and room.

The renderer knows no LiveKit, the room draws no faces, the agent knows neither. Everything here belongs to
the event loop of the local Atlas unless a method says otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 48_000
AUDIO_BLOCK_SAMPLES = 960  # 20 ms: one Opus packet
FRAME_RATE_HZ = 25
FRAME_SIZE_PX = 512

Pcm = NDArray[np.int16]
"""PCM audio: int16, (samples, 1), 48 kHz."""

I420Frame = NDArray[np.uint8]
"""A video frame: uint8, (height * 3 // 2, width), both even; BT.601 limited range."""


class AgentState(StrEnum):
    """Values of the participant attribute ``lk.agent.state``."""

    INITIALIZING = "initializing"
    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class TranscriptDelivery(StrEnum):
    """How a room sends transcripts: as text streams, as legacy transcription packets, or as both."""

    STREAMS = "streams"
    LEGACY = "legacy"
    BOTH = "both"


class MalformedPacket(StrEnum):
    """Invalid messages that a room can send to its clients."""

    BAD_JSON = "bad_json"
    """A reliable packet without a topic whose text is not JSON."""
    BAD_UTF8 = "bad_utf8"
    """A reliable packet whose bytes are not UTF-8."""
    BAD_PACKET = "bad_packet"
    """Bytes on the reliable channel that are no ``DataPacket``."""
    EMPTY_PACKET = "empty_packet"
    """A ``DataPacket`` without a value."""
    ORPHAN_CHUNK = "orphan_chunk"
    """A chunk of a text stream that was never opened."""
    BROKEN_STREAM = "broken_stream"
    """A transcription stream with a header and one chunk but no trailer."""
    BAD_TRANSCRIPTION = "bad_transcription"
    """Legacy segments of an unknown participant on an unknown track: one without an id, one blank."""


class AvatarRenderer(Protocol):
    """Renders the avatar's video and audio on the room's media clock.

    ``video_frame`` and ``audio_block`` are called from one worker thread of the room, never concurrently;
    the other methods are called on the event loop, possibly at the same time.
    """

    @property
    def queued_samples(self) -> int:
        """Pushed samples that were not rendered yet."""
        ...

    def video_frame(self, index: int) -> I420Frame:
        """Render frame ``index``; indices may skip but never go back.

        The array is the caller's until the next call; the caller does not write to it.
        """
        ...

    def audio_block(self, index: int) -> Pcm:
        """Return block ``index`` of the avatar's voice: (960, 1), 20 ms; silence when idle."""
        ...

    def push_audio(self, block: Pcm) -> None:
        """Queue speech of any length; every sample is rendered once, in order."""
        ...

    def flush(self) -> None:
        """Drop all queued speech."""
        ...

    def set_face(self, face: bytes) -> None:
        """Show another face (a validated PNG, JPEG or WebP) within a second."""
        ...


class ConversationAgent:
    """The dialogue side of an avatar: none of its methods block. By itself it ignores everything.

    That is what a passthrough session needs; ``RehearsalAgent`` holds a conversation.
    """

    def greet(self) -> None:
        """Called once, when the first participant is connected and sees the avatar."""

    def receive_text(self, text: str) -> None:
        """Handle a typed message; it may interrupt the current utterance."""

    def receive_audio(self, block: Pcm) -> None:
        """Handle the next block of a participant's microphone, usually (960, 1)."""

    def set_face(self, face: bytes) -> None:
        """Take on the name and voice that belong to another face."""

    async def aclose(self) -> None:
        """Stop speaking, then cancel and await all tasks."""


class AgentOutput:
    """Receives an agent's transcript segments and states. By itself it discards them."""

    def agent_segment(self, segment_id: str, delta: str, final: bool) -> None:
        """Append ``delta`` to a segment spoken by the avatar; ``final`` closes it (delta may be empty)."""

    def user_segment(self, segment_id: str, text: str, final: bool) -> None:
        """Replace the whole text of a segment spoken by the participant, interim until ``final``."""

    def agent_state(self, state: AgentState) -> None:
        """Publish ``lk.agent.state``."""


@dataclass(frozen=True, slots=True)
class MediaFormat:
    """The format of a renderer's media; the defaults are the service's.

    Attributes:
        width_px: Frame width; even.
        height_px: Frame height; even.
        frame_rate_hz: Frames a second; the first is due with the first audio block.
        video_bps: Target bitrate of the encoded video.
        audio_ppm: How much too fast the audio clock runs, as those of sound cards do.
    """

    width_px: int = FRAME_SIZE_PX
    height_px: int = FRAME_SIZE_PX
    frame_rate_hz: int = FRAME_RATE_HZ
    video_bps: int = 1_500_000
    audio_ppm: float = 0.0


SERVICE_FORMAT = MediaFormat()


@dataclass(frozen=True, slots=True)
class AvatarComponents:
    """The avatar of one room: its renderer, its agent (passthrough: none that answers), its media format."""

    renderer: AvatarRenderer
    agent: ConversationAgent = field(default_factory=ConversationAgent)
    format: MediaFormat = SERVICE_FORMAT


AvatarFactory = Callable[[str, bytes | None, AgentOutput], AvatarComponents]
"""Creates a room's avatar from its mode, face (``None``: the default one) and output. Event loop thread."""


@dataclass(slots=True)
class RoomOptions:
    """How a room behaves from the start.

    Attributes:
        transcripts: How transcripts are delivered.
        late_avatar_s: Delay between the first participant and the avatar; infinite: it never joins.
        refuse_resume: Clients that reconnect must make a full reconnect.
        refuse_status: HTTP status with which the websocket is refused; 0: it is accepted.
        refuse_text: Body of that refusal.
        connect_delay_s: Delay before a joining client is served.
        codec: Video codec: VP8 or H264.
    """

    transcripts: TranscriptDelivery = TranscriptDelivery.BOTH
    late_avatar_s: float = 0.0
    refuse_resume: bool = False
    refuse_status: int = 0
    refuse_text: str = "the room refuses, as ordered"
    connect_delay_s: float = 0.0
    codec: str = "VP8"


@dataclass(frozen=True, slots=True)
class RoomStats:
    """A snapshot of a room for tests and the control API.

    Attributes:
        people: Identities of the participants, without the avatar.
        viewers: Those of them that may only subscribe.
        tracks: Names of the tracks that participants publish.
        frames_sent: Frames encoded so far.
        speech_ms: Audio received on ``tts-audio`` so far.
        microphone_ms: Audio received from microphones so far.
        messages: Chat messages received so far.
    """

    people: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    frames_sent: int = 0
    speech_ms: int = 0
    microphone_ms: int = 0
    messages: int = 0
