"""The avatar as a participant of its room: it publishes its media and transcripts, and is spoken to."""

import asyncio
import json
import time
from collections.abc import Mapping

from livekit.protocol import models

from atlas_desktop.aio import TaskScope
from atlas_desktop.local_atlas.interfaces import AgentOutput, AgentState, AvatarFactory, Pcm, RoomOptions
from atlas_desktop.local_atlas.rooms.data_packets import PacketBuilder, PacketSender
from atlas_desktop.local_atlas.rooms.encoders import EncodedPacket
from atlas_desktop.local_atlas.rooms.media_loop import MediaLoop
from atlas_desktop.local_atlas.rooms.member import Member
from atlas_desktop.local_atlas.rooms.peer import SubscribedTrack
from atlas_desktop.local_atlas.rooms.signalling import make_sid
from atlas_desktop.local_atlas.rooms.transcription import TranscribedTrack, TranscriptPublisher

AVATAR_IDENTITY = "atlas-avatar"
_AVATAR_NAME = "Atlas avatar"
_STATE_ATTRIBUTE = "lk.agent.state"


class AvatarParticipant(AgentOutput):
    """Connects renderer and agent with the members of a room. Thread: the event loop's.

    Args:
        create_avatar: Creates the avatar.
        builder: Numbers the room's packets.
        members: Everybody in the room now, by sid: the room's own table.

    Attributes:
        present: Whether it is in the room.
        media: Its media clock.
    """

    def __init__(
        self,
        mode: str,
        face: bytes | None,
        options: RoomOptions,
        create_avatar: AvatarFactory,
        builder: PacketBuilder,
        members: Mapping[str, Member],
    ) -> None:
        self.mode = mode
        self.present = False
        self._members = members
        self._codec = options.codec
        self._sid, self._video_sid, self._audio_sid = make_sid("PA"), make_sid("TR"), make_sid("TR")
        self._attributes: dict[str, str] = {}
        self._metadata = ""
        self._joined_ms = self._version = self._face_version = 0
        self._greeted = False
        self._scope = TaskScope("avatar")
        self._user_track: TranscribedTrack | None = None
        self._transcripts = TranscriptPublisher(builder, self.broadcast, options.transcripts)
        avatar = create_avatar(mode, face, self)
        self._renderer, self._agent, self._format = avatar.renderer, avatar.agent, avatar.format
        if mode == "conversation":
            self._attributes[_STATE_ATTRIBUTE] = AgentState.INITIALIZING.value
        self.media = MediaLoop(self._renderer, options.codec, self._deliver, self._format)

    async def aclose(self) -> None:
        """Stop agent, media clock and tasks."""
        self.present = False
        await self._scope.aclose()
        await self._agent.aclose()
        await self.media.aclose()

    # ---- joining and leaving

    def join_after(self, delay_s: float) -> None:
        """Join after ``delay_s``; the media clock starts at once, so that it is warmed up by then."""
        self.media.start()
        self._scope.start(self._join_later(delay_s), "join")

    def join(self) -> None:
        """Join the room, unless present."""
        if not self.present:
            self.media.start()
            self.present = True
            self._joined_ms = time.time_ns() // 1_000_000
            self._announce()

    def leave(self) -> None:
        """Leave the room."""
        if self.present:
            self.present = False
            self._announce()

    def rejoin(self) -> None:
        """Join again after leaving, as a new participant."""
        if not self.present:
            self._sid, self._video_sid, self._audio_sid = make_sid("PA"), make_sid("TR"), make_sid("TR")
            self.join()

    def replace_video(self) -> None:
        """Unpublish the video and publish it as another track."""
        self._video_sid = ""
        self._announce()
        self._video_sid = make_sid("TR")
        self._announce()

    def set_face(self, face: bytes) -> bool:
        """Change the face; return whether the avatar was present to show it."""
        self._renderer.set_face(face)
        self._agent.set_face(face)
        self._face_version += 1
        self._metadata = json.dumps({"face_version": self._face_version})
        if self.present:
            self._announce()
        return self.present

    # ---- how clients see it

    @property
    def sender(self) -> PacketSender:
        """The avatar as the sender of packets."""
        return PacketSender(AVATAR_IDENTITY, self._sid)

    def subscribed_tracks(self) -> tuple[SubscribedTrack, ...]:
        """Return the tracks to which every client subscribes now."""
        if not self.present:
            return ()
        # One stream for both: the client then keeps them in lip sync.
        stream = f"{self._sid}|camera"
        audio = SubscribedTrack(self._audio_sid, "audio", stream)
        video = SubscribedTrack(self._video_sid, "video", stream)
        return (audio, video) if self._video_sid else (audio,)

    def info(self) -> models.ParticipantInfo:
        """Return LiveKit's description, with a higher version each time."""
        self._version += 1
        return models.ParticipantInfo(
            sid=self._sid,
            identity=AVATAR_IDENTITY,
            name=_AVATAR_NAME,
            state=models.ParticipantInfo.ACTIVE if self.present else models.ParticipantInfo.DISCONNECTED,
            kind=models.ParticipantInfo.AGENT,
            attributes=self._attributes,
            metadata=self._metadata,
            joined_at=self._joined_ms // 1000,
            joined_at_ms=self._joined_ms,
            version=self._version,
            is_publisher=True,
            permission=models.ParticipantPermission(
                can_subscribe=True, can_publish=True, can_publish_data=True, agent=True
            ),
            tracks=self._track_infos() if self.present else (),
        )

    def broadcast(self, message: bytes) -> None:
        """Send a serialised data packet to all members."""
        for member in self._members.values():
            member.peer.send(message)

    # ---- what clients say

    def greet(self, member: Member) -> None:
        """Greet the first participant as soon as it sees the avatar."""
        if not self._greeted and not member.grant.is_viewer:
            self._greeted = True
            self._scope.start(self._greet(member), "greet")

    def receive_speech(self, block: Pcm) -> None:
        """Passthrough: speak this audio."""
        self._renderer.push_audio(block)

    def flush_speech(self) -> None:
        """Passthrough: drop the speech that is still queued."""
        self._renderer.flush()

    def receive_microphone(self, track: TranscribedTrack, block: Pcm) -> None:
        """Conversation: pass a microphone's audio to the agent."""
        self._user_track = track
        self._agent.receive_audio(block)

    def receive_text(self, text: str) -> None:
        """Conversation: pass a typed message to the agent."""
        if self.present:
            self._agent.receive_text(text)

    # ---- what the agent says (AgentOutput)

    def agent_segment(self, segment_id: str, delta: str, final: bool) -> None:
        """Send a delta of what the avatar says."""
        track = TranscribedTrack(self.sender, self._audio_sid)
        self._transcripts.agent_segment(track, segment_id, delta, final)

    def user_segment(self, segment_id: str, text: str, final: bool) -> None:
        """Send what was said into the microphone that was received last."""
        if self._user_track is not None:
            self._transcripts.user_segment(self._user_track, self.sender, segment_id, text, final)

    def agent_state(self, state: AgentState) -> None:
        """Publish the agent's state as an attribute."""
        if self._attributes.get(_STATE_ATTRIBUTE) != state.value:
            self._attributes[_STATE_ATTRIBUTE] = state.value
            if self.present:
                self._announce()

    async def _join_later(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self.join()

    async def _greet(self, member: Member) -> None:
        await member.peer.wait_playing()
        self._agent.greet()

    def _announce(self) -> None:
        info = self.info()
        for member in self._members.values():
            member.send_update(info)
            if member.peer.needs_offer(self.subscribed_tracks()):
                member.request_offer()

    def _deliver(self, kind: str, packets: list[EncodedPacket]) -> None:
        if not self.present:
            return
        wants_key = False
        for member in self._members.values():
            member.peer.push(kind, packets)
            wants_key = wants_key or member.peer.wants_key
        if wants_key:
            self.media.request_key()

    def _track_infos(self) -> list[models.TrackInfo]:
        audio = models.TrackInfo(
            sid=self._audio_sid,
            type=models.AUDIO,
            name="avatar-voice",
            source=models.MICROPHONE,
            mime_type="audio/opus",
            stream="camera",
        )
        video = models.TrackInfo(
            sid=self._video_sid,
            type=models.VIDEO,
            name="avatar-picture",
            source=models.CAMERA,
            mime_type=f"video/{self._codec}",
            stream="camera",
            width=self._format.width_px,
            height=self._format.height_px,
        )
        return [audio, video] if self._video_sid else [audio]
