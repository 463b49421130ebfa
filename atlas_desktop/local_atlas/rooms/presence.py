"""How the avatar and the people of a room look in LiveKit's participant lists."""

import secrets
import time
from dataclasses import dataclass, field

from livekit.protocol import models

from atlas_desktop.local_atlas.rooms.data import Sender
from atlas_desktop.local_atlas.rooms.peer import OutgoingTrack
from atlas_desktop.local_atlas.rooms.tokens import Grant
from atlas_desktop.local_atlas.stage import PICTURE_SIZE_PX

STATE_ATTRIBUTE = "lk.agent.state"
AVATAR_IDENTITY = "atlas-avatar"
_AVATAR_NAME = "Atlas avatar"


def make_sid(prefix: str) -> str:
    """Returns a new server id, for example ``PA_`` and 12 characters."""
    return f"{prefix}_{secrets.token_hex(6)}"


@dataclass(slots=True)
class AvatarPresence:
    """The avatar as a participant: it publishes a picture and a voice that play in sync."""

    codec: str
    width_px: int = PICTURE_SIZE_PX
    height_px: int = PICTURE_SIZE_PX
    sid: str = field(default_factory=lambda: make_sid("PA"))
    video_sid: str = field(default_factory=lambda: make_sid("TR"))
    audio_sid: str = field(default_factory=lambda: make_sid("TR"))
    attributes: dict[str, str] = field(default_factory=dict)
    metadata: str = ""
    present: bool = False
    joined_ms: int = 0
    version: int = 0

    @property
    def sender(self) -> Sender:
        """The avatar as the sender of packets."""
        return Sender(AVATAR_IDENTITY, self.sid)

    def enter(self) -> None:
        """Comes into the room."""
        self.present = True
        self.joined_ms = time.time_ns() // 1_000_000

    def outgoing(self) -> tuple[OutgoingTrack, ...]:
        """The tracks that every client should get now."""
        if not self.present:
            return ()
        # One stream for both: the client then keeps voice and lips together.
        stream = f"{self.sid}|camera"
        audio = OutgoingTrack(self.audio_sid, "audio", stream)
        video = OutgoingTrack(self.video_sid, "video", stream)
        return (audio, video) if self.video_sid else (audio,)

    def info(self) -> models.ParticipantInfo:
        """The avatar's entry; each has a higher version than the one before."""
        self.version += 1
        return models.ParticipantInfo(
            sid=self.sid,
            identity=AVATAR_IDENTITY,
            name=_AVATAR_NAME,
            state=models.ParticipantInfo.ACTIVE if self.present else models.ParticipantInfo.DISCONNECTED,
            kind=models.ParticipantInfo.AGENT,
            attributes=self.attributes,
            metadata=self.metadata,
            joined_at=self.joined_ms // 1000,
            joined_at_ms=self.joined_ms,
            version=self.version,
            is_publisher=True,
            permission=models.ParticipantPermission(
                can_subscribe=True, can_publish=True, can_publish_data=True, agent=True
            ),
            tracks=self._tracks() if self.present else (),
        )

    def _tracks(self) -> list[models.TrackInfo]:
        audio = models.TrackInfo(
            sid=self.audio_sid,
            type=models.AUDIO,
            name="avatar-voice",
            source=models.MICROPHONE,
            mime_type="audio/opus",
            stream="camera",
        )
        video = models.TrackInfo(
            sid=self.video_sid,
            type=models.VIDEO,
            name="avatar-picture",
            source=models.CAMERA,
            mime_type=f"video/{self.codec}",
            stream="camera",
            width=self.width_px,
            height=self.height_px,
        )
        return [audio, video] if self.video_sid else [audio]


def person_info(
    sid: str, grant: Grant, tracks: list[models.TrackInfo], *, gone: bool = False, version: int = 0
) -> models.ParticipantInfo:
    """A person's entry in the participant list."""
    return models.ParticipantInfo(
        sid=sid,
        identity=grant.identity,
        name=grant.name,
        state=models.ParticipantInfo.DISCONNECTED if gone else models.ParticipantInfo.ACTIVE,
        joined_at=int(time.time()),
        version=version,
        is_publisher=bool(tracks),
        tracks=tracks,
        permission=models.ParticipantPermission(
            can_subscribe=True, can_publish=grant.can_publish, can_publish_data=grant.can_publish_data
        ),
    )
