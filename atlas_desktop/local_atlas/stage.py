"""What the parts of the local Atlas know of each other: the avatar, its room and the REST desk.

The avatar knows no LiveKit, the room draws no faces, the REST desk sees neither: all of them meet
in the protocols and plain values of this file. Everything here lives on the one event loop of the
local Atlas's process unless a method says otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 48_000
SOUND_BLOCK_SAMPLES = 960  # 20 ms: one Opus packet
FRAME_RATE_HZ = 25
PICTURE_SIZE_PX = 512

Sound = NDArray[np.int16]
"""PCM: int16, (samples, 1), 48 kHz."""

Picture = NDArray[np.uint8]
"""I420: uint8, (height * 3 // 2, width), both even; BT.601 limited range."""


class AgentState(StrEnum):
    """Values of the participant attribute ``lk.agent.state``."""

    INITIALIZING = "initializing"
    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class TranscriptWay(StrEnum):
    """How a room tells what was said: text streams, legacy transcription packets, or both."""

    STREAMS = "streams"
    LEGACY = "legacy"
    BOTH = "both"


class Malformed(StrEnum):
    """Broken things that a room can send to its clients."""

    BAD_JSON = "bad_json"
    """A reliable packet of topic-less text that is not JSON."""
    BAD_UTF8 = "bad_utf8"
    """A reliable packet of bytes that are not UTF-8."""
    BAD_PACKET = "bad_packet"
    """Bytes on the reliable channel that are no ``DataPacket``."""
    EMPTY_PACKET = "empty_packet"
    """A ``DataPacket`` without a value."""
    ORPHAN_CHUNK = "orphan_chunk"
    """A chunk of a text stream that was never opened."""
    BROKEN_STREAM = "broken_stream"
    """A transcription stream that is opened, gets one chunk and never ends."""
    BAD_TRANSCRIPTION = "bad_transcription"
    """Legacy segments of nobody on no track: one without an id, one blank."""


class LeaveReason(StrEnum):
    """Why a server tells a client to leave: LiveKit's names."""

    UNKNOWN_REASON = "UNKNOWN_REASON"
    CLIENT_INITIATED = "CLIENT_INITIATED"
    DUPLICATE_IDENTITY = "DUPLICATE_IDENTITY"
    SERVER_SHUTDOWN = "SERVER_SHUTDOWN"
    PARTICIPANT_REMOVED = "PARTICIPANT_REMOVED"
    ROOM_DELETED = "ROOM_DELETED"
    STATE_MISMATCH = "STATE_MISMATCH"
    JOIN_FAILURE = "JOIN_FAILURE"
    MIGRATION = "MIGRATION"
    SIGNAL_CLOSE = "SIGNAL_CLOSE"
    ROOM_CLOSED = "ROOM_CLOSED"
    USER_UNAVAILABLE = "USER_UNAVAILABLE"
    USER_REJECTED = "USER_REJECTED"
    SIP_TRUNK_FAILURE = "SIP_TRUNK_FAILURE"
    CONNECTION_TIMEOUT = "CONNECTION_TIMEOUT"
    MEDIA_FAILURE = "MEDIA_FAILURE"
    AGENT_ERROR = "AGENT_ERROR"


class Performer(Protocol):
    """The avatar's body: it draws and sounds. The room pulls; the performer's own media clock ties both.

    ``picture`` and ``sound`` are called by one worker thread of the room, never at the same time as
    each other; ``push_speech``, ``flush`` and ``set_face`` come from the event loop, maybe meanwhile.
    """

    def picture(self, index: int) -> Picture:
        """Draws frame ``index`` (25 a second, or as its form says; it may skip numbers, never goes back).

        The array belongs to the caller until the next call and is not written to by it.
        """
        ...

    def sound(self, index: int) -> Sound:
        """Returns block ``index`` of what the avatar says: (960, 1), 20 ms; silence when idle."""
        ...

    def push_speech(self, block: Sound) -> None:
        """Passthrough: takes sound of any length to be spoken next, each sample once and in order."""
        ...

    def flush(self) -> None:
        """Drops whatever was pushed and not yet spoken."""
        ...

    def set_face(self, face: bytes) -> None:
        """Shows another face (PNG, JPEG or WebP, already verified), within a second."""
        ...


class Mind(Protocol):
    """The avatar's mind in conversation mode. It owns its tasks; none of its methods wait."""

    def greet(self) -> None:
        """Says hello: called once, when the first person is connected and sees the avatar."""
        ...

    def hear_text(self, text: str) -> None:
        """Takes a typed message; it may interrupt what is being said."""
        ...

    def hear_audio(self, block: Sound) -> None:
        """Takes the next sound of a person's microphone, (960, 1) as a rule."""
        ...

    async def aclose(self) -> None:
        """Stops thinking and speaking, and awaits its own tasks."""
        ...


class Stage(Protocol):
    """Where the mind's words and states come out: the room implements it. Event loop thread only."""

    def agent_segment(self, segment_id: str, delta: str, final: bool) -> None:
        """Adds ``delta`` to a segment that the avatar says; ``final`` ends it (the delta may be empty)."""
        ...

    def user_segment(self, segment_id: str, text: str, final: bool) -> None:
        """Sets the whole text of a segment that the person said, interim until ``final``."""
        ...

    def agent_state(self, state: AgentState) -> None:
        """Publishes ``lk.agent.state``."""
        ...


@dataclass(frozen=True, slots=True)
class MediaForm:
    """What a performer's media are like, where it is not the service's own form.

    Attributes:
        width_px: Of every picture; even.
        height_px: Of every picture; even.
        frame_rate_hz: Pictures a second; the first one goes with the first block of sound.
        picture_bps: What the pictures may take when encoded.
        sound_ppm: How much too fast the sound's clock runs, as clocks of sound cards do.
    """

    width_px: int = PICTURE_SIZE_PX
    height_px: int = PICTURE_SIZE_PX
    frame_rate_hz: int = FRAME_RATE_HZ
    picture_bps: int = 1_500_000
    sound_ppm: float = 0.0


SERVICE_FORM = MediaForm()


@dataclass(frozen=True, slots=True)
class Cast:
    """The avatar of one room: a body, in conversation mode a mind, and what the body's media are like."""

    performer: Performer
    mind: Mind | None = None
    form: MediaForm = SERVICE_FORM


Casting = Callable[[str, bytes | None, Stage], Cast]
"""Makes the avatar of a room from its mode, face (none: one of ours) and stage. Called on the event loop."""


@dataclass(slots=True)
class RoomOptions:
    """How a room behaves from the start: given to ``RoomHall.open`` by the REST and the fault desk.

    Attributes:
        transcripts: Which way words are told.
        late_avatar_s: How long after the first person the avatar comes in; infinite: never.
        refuse_resume: A client that comes back is told to make a full reconnect.
        refuse_status: HTTP status with which the room refuses its websocket; 0: it accepts.
        refuse_text: What it says then.
        connect_delay_s: How long the room lets a joining client wait.
        codec: The picture's codec: VP8 or H264.
    """

    transcripts: TranscriptWay = TranscriptWay.BOTH
    late_avatar_s: float = 0.0
    refuse_resume: bool = False
    refuse_status: int = 0
    refuse_text: str = "the room refuses, as ordered"
    connect_delay_s: float = 0.0
    codec: str = "VP8"


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """What the fault desk and tests may know of a room now.

    Attributes:
        people: Identities that are in the room, the avatar's left out.
        viewers: Those of them who may only watch.
        tracks: Names of the tracks that people publish.
        frames_sent: Pictures handed to the encoders so far.
        speech_ms: How much sound of ``tts-audio`` was heard so far.
        microphone_ms: How much sound of microphones was heard so far.
        messages: How many chat messages arrived.
    """

    people: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    frames_sent: int = 0
    speech_ms: int = 0
    microphone_ms: int = 0
    messages: int = 0


class RoomDesk(Protocol):
    """A room as the REST and the fault desk see it. Event loop thread only."""

    session_id: str
    name: str
    options: RoomOptions

    @property
    def facts(self) -> RoomFacts:
        """What is going on in the room."""
        ...

    def token(self, identity: str = "") -> str:
        """A token for the person who made the session: may publish everything."""
        ...

    def viewer_token(self, viewer_id: str) -> str:
        """A subscribe-only token; ``viewer_id`` becomes the identity."""
        ...

    def set_face(self, face: bytes) -> bool:
        """Swaps the face and pushes it as metadata; whether the avatar was there to show it."""
        ...

    def drop_media(self, seconds: float | None = None) -> None:
        """Fault: no media packet leaves or is heard any more (none: for good); signalling stays up."""
        ...

    def freeze(self, seconds: float | None = None) -> None:
        """Fault: the avatar's picture and sound stop (none: for good); the connection stays up."""
        ...

    def close_socket(self) -> None:
        """Fault: cuts every websocket without a word; clients resume."""
        ...

    def refuse_resume(self, refuse: bool) -> None:
        """Fault: clients that come back must make a full reconnect."""
        ...

    def drop_network(self, seconds: float | None = None) -> None:
        """Fault: nothing passes between clients and room (none: for good), signalling neither."""
        ...

    def vanish(self) -> None:
        """Fault: the avatar leaves the room for good."""
        ...

    def return_avatar(self) -> None:
        """Ends ``vanish``: the avatar comes into the room as another participant."""
        ...

    def mute_tracks(self, muted: bool) -> None:
        """Fault: the server mutes what clients publish, or lets it be heard again."""
        ...

    def disconnect(self, reason: LeaveReason) -> None:
        """Fault: the server tells every client to leave."""
        ...

    def malformed(self, kind: Malformed) -> None:
        """Fault: sends something broken to every client."""
        ...

    def replace_video_track(self) -> None:
        """Fault: the avatar unpublishes its video and publishes another one."""
        ...

    def expel(self) -> None:
        """Fault: the server tells every client to leave, as when a room is deleted."""
        ...


class HallDesk(Protocol):
    """The hall of all rooms as the REST desk sees it. Event loop thread only."""

    def open(self, session_id: str, mode: str, face: bytes | None, options: RoomOptions) -> RoomDesk:
        """Opens a room; its avatar waits for the first person."""
        ...

    def room(self, session_id: str) -> RoomDesk | None:
        """The open room of a session."""
        ...

    async def close(self, session_id: str) -> None:
        """Ends a room: clients are told to leave, the avatar stops. Does nothing when it is closed."""
        ...

    async def aclose(self) -> None:
        """Ends all rooms."""
        ...
