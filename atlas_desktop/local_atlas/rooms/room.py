"""A room: its members, the routing between them and the avatar, and the faults injected into it."""

import asyncio
import json
import logging
import math
import time

from livekit.protocol import models, rtc

from atlas_desktop.aio import TaskScope
from atlas_desktop.local_atlas.interfaces import (
    SAMPLE_RATE_HZ,
    AvatarFactory,
    MalformedPacket,
    Pcm,
    RoomOptions,
    RoomStats,
)
from atlas_desktop.local_atlas.rooms.access_tokens import Grant, TokenIssuer
from atlas_desktop.local_atlas.rooms.avatar_participant import AvatarParticipant
from atlas_desktop.local_atlas.rooms.data_packets import PacketBuilder, parse_chat, parse_packet
from atlas_desktop.local_atlas.rooms.member import Leave, Member
from atlas_desktop.local_atlas.rooms.peer import RELIABLE, BadSignalError, SubscribedTrack
from atlas_desktop.local_atlas.rooms.signalling import SignalConnection, make_sid
from atlas_desktop.local_atlas.rooms.transcription import TranscribedTrack

log = logging.getLogger(__name__)

TTS_TRACK = "tts-audio"
RESUME_LIMIT_S = 10.0  # how long a client without a websocket stays a member
_CLOSE_LIMIT_S = 5.0
_VIEWER_NAME = "Viewer"


class Room:
    """One session's room. Thread: the event loop's."""

    def __init__(
        self,
        session_id: str,
        mode: str,
        face: bytes | None,
        options: RoomOptions,
        create_avatar: AvatarFactory,
        tokens: TokenIssuer,
    ) -> None:
        self.session_id = session_id
        self.name = f"room_{session_id}"
        self.options = options
        self._sid = make_sid("RM")
        self._tokens = tokens
        self._builder = PacketBuilder()
        self._members: dict[str, Member] = {}
        self._speech_samples = self._microphone_samples = self._messages = 0
        self._scope = TaskScope(f"room {session_id}")
        self._closing_members = TaskScope(f"members {session_id}")
        self._closed = False
        self._avatar_is_due = True
        self._is_disconnected = False
        self._reachable = asyncio.Event()
        self._reachable.set()
        self._avatar = AvatarParticipant(mode, face, options, create_avatar, self._builder, self._members)

    @property
    def stats(self) -> RoomStats:
        """A snapshot of the room."""
        members = tuple(self._members.values())
        return RoomStats(
            people=tuple(member.grant.identity for member in members),
            viewers=tuple(member.grant.identity for member in members if member.grant.is_viewer),
            tracks=tuple(info.name for member in members for info in member.publications.infos),
            frames_sent=self._avatar.media.frames,
            speech_ms=self._speech_samples * 1000 // SAMPLE_RATE_HZ,
            microphone_ms=self._microphone_samples * 1000 // SAMPLE_RATE_HZ,
            messages=self._messages,
        )

    def token(self, identity: str = "") -> str:
        """Return a token for the person who created the session: it may publish everything."""
        return self._tokens.issue(Grant(self.name, identity or make_sid("user")))

    def viewer_token(self, viewer_id: str) -> str:
        """Return a subscribe-only token; ``viewer_id`` becomes the identity."""
        return self._tokens.issue(Grant(self.name, viewer_id, _VIEWER_NAME, False, False))

    def set_face(self, face: bytes) -> bool:
        """Change the avatar's face; return whether the avatar was present to show it."""
        return self._avatar.set_face(face)

    # ---- joining and leaving

    async def wait_reachable(self) -> None:
        """Wait while the network is dropped."""
        await self._reachable.wait()

    async def serve(self, signalling: SignalConnection, grant: Grant, request: rtc.JoinRequest) -> None:
        """Serve one websocket to its end: a join, or the resumption of an earlier one."""
        if self._closed:  # while the websocket was opened
            return
        member = self._resumable(grant, request)
        if member is not None:
            old, member.signalling = member.signalling, None
            if old is not None:
                await old.aclose()
            member.resume(signalling)
        elif request.reconnect:
            leave = Leave(action=Leave.RECONNECT, can_reconnect=True, reason=models.STATE_MISMATCH)
            signalling.send(leave=leave)
            return
        else:
            member = self._add_member(grant)
        try:
            if member.signalling is None:
                await member.join(signalling, request)
            await member.serve(signalling)
        except BadSignalError as error:
            log.info("%s is disconnected: %s", member.sid, error)
            member.send_leave(Leave.DISCONNECT, models.JOIN_FAILURE)
            self.left(member)
        if member.signalling is signalling and not self._closed:
            member.signalling = None
            self._scope.start(self._wait_for_resume(member), "resume")

    async def aclose(self) -> None:
        """Close the room: all clients are disconnected, the avatar stops."""
        self._closed = True
        members = tuple(self._members.values())
        for member in members:
            member.send_leave(Leave.DISCONNECT, models.ROOM_DELETED)
        self._members.clear()
        await asyncio.gather(*(member.aclose() for member in members))
        await self._closing_members.join(_CLOSE_LIMIT_S)
        await self._scope.aclose(_CLOSE_LIMIT_S)
        await self._avatar.aclose()

    def left(self, member: Member) -> None:
        """Remove a member that left, or is lost for good."""
        if self._members.pop(member.sid, None) is None:
            return
        self._avatar.media.paused = not self._members
        for other in self._members.values():
            other.send_update(member.info(gone=True))
        self._closing_members.start(member.aclose(), "close")

    def _resumable(self, grant: Grant, request: rtc.JoinRequest) -> Member | None:
        if not request.reconnect or self.options.refuse_resume:
            return None
        member = self._members.get(request.participant_sid)
        if member is None or member.grant.identity != grant.identity or not member.peer.is_usable:
            return None
        return member

    def _add_member(self, grant: Grant) -> Member:
        for duplicate in [m for m in self._members.values() if m.grant.identity == grant.identity]:
            if not duplicate.is_dismissed:
                duplicate.send_leave(Leave.DISCONNECT, models.DUPLICATE_IDENTITY)
            self.left(duplicate)
        member = Member(grant, self, self.options.codec)
        for other in self._members.values():
            other.send_update(member.info())
        self._members[member.sid] = member
        self._avatar.media.paused = False
        member.peer.set_disconnected(self._is_disconnected)
        if self._avatar_is_due:
            self._avatar_is_due = False
            if not self.options.late_avatar_s:
                self._avatar.join()
            elif math.isfinite(self.options.late_avatar_s):
                self._avatar.join_after(self.options.late_avatar_s)
        return member

    async def _wait_for_resume(self, member: Member) -> None:
        await asyncio.sleep(RESUME_LIMIT_S)
        if member.signalling is None:
            self.left(member)

    # ---- called by members

    def describe(self) -> models.Room:
        """Return LiveKit's description of the room."""
        return models.Room(
            sid=self._sid,
            name=self.name,
            creation_time=int(time.time()),
            num_participants=len(self._members) + 1,
            metadata=json.dumps({"session_id": self.session_id, "mode": self._avatar.mode}),
        )

    def others(self, member: Member) -> list[models.ParticipantInfo]:
        """Return the descriptions of the avatar, when present, and of the other members."""
        avatar = [self._avatar.info()] if self._avatar.present else []
        return avatar + [other.info() for other in self._members.values() if other is not member]

    def subscribed_tracks(self) -> tuple[SubscribedTrack, ...]:
        """Return the avatar's tracks, to which every member subscribes."""
        return self._avatar.subscribed_tracks()

    def connected(self, member: Member) -> None:
        """Handle an established peer connection."""
        self._avatar.greet(member)

    def receive_audio(self, member: Member, track: models.TrackInfo, block: Pcm) -> None:
        """Route audio: in passthrough only ``tts-audio`` counts, in conversation only microphones."""
        if track.name == TTS_TRACK:
            self._speech_samples += len(block)
            if self._avatar.mode == "passthrough":
                self._avatar.receive_speech(block)
        elif self._avatar.mode == "conversation":
            self._microphone_samples += len(block)
            self._avatar.receive_microphone(TranscribedTrack(member.sender, track.sid), block)

    def end_audio(self, track: models.TrackInfo) -> None:
        """Handle a track that was muted or unpublished: queued speech is dropped at once."""
        if track.name == TTS_TRACK and self._avatar.mode == "passthrough":
            self._avatar.flush_speech()

    def receive(self, member: Member, label: str, message: bytes) -> None:
        """Forward a data packet to the other members, and chat to the avatar."""
        packet = parse_packet(message) if label == RELIABLE and member.grant.can_publish_data else None
        if packet is None:
            return
        is_user = packet.HasField("user")
        text = parse_chat(packet.user.payload) if is_user else member.chats.take(packet)
        if text is not None:
            self._messages += 1
            self._avatar.receive_text(text)
        if len(self._members) > 1:
            serialized = self._builder.serialize(packet, member.sender)
            for other in self._members.values():
                if other is not member:
                    other.peer.send(serialized)

    # ---- injected faults

    def drop_media(self, seconds: float | None = None) -> None:
        """Drop all media and data packets, for ``seconds`` or for good; signalling goes on."""
        self._set_disconnected(True)
        if seconds is not None:
            self._scope.start(self._reconnect_after(seconds), "reconnect")

    def drop_network(self, seconds: float | None = None) -> None:
        """Drop media and hold back signalling, for ``seconds`` or for good; no connection is closed."""
        self._stall_signalling(True)
        self.drop_media(seconds)

    def freeze(self, seconds: float | None = None) -> None:
        """Stop the avatar's audio and video, for ``seconds`` or for good; 0 resumes."""
        self._avatar.media.freeze(seconds)

    def close_socket(self) -> None:
        """Abort every websocket; clients resume."""
        for member in self._members.values():
            if member.signalling is not None:
                member.signalling.abort()

    def refuse_resume(self, refuse: bool) -> None:
        """Make clients that reconnect do so fully, or let them resume again."""
        self.options.refuse_resume = refuse

    def vanish(self) -> None:
        """Make the avatar leave for good."""
        self._avatar_is_due = False
        self._avatar.leave()

    def return_avatar(self) -> None:
        """Make the avatar join again as a new participant."""
        self._avatar.rejoin()

    def mute_tracks(self, muted: bool) -> None:
        """Mute or unmute what clients publish, as a server may."""
        for member in self._members.values():
            member.send_mute(muted)

    def malformed(self, kind: MalformedPacket) -> None:
        """Send a malformed message to every client."""
        for message in self._builder.malformed(kind, self._avatar.sender):
            self._avatar.broadcast(message)

    def replace_video_track(self) -> None:
        """Make the avatar unpublish its video and publish another track."""
        self._avatar.replace_video()

    def expel(self) -> None:
        """Remove every client, as when it is kicked out of the room."""
        self.disconnect("PARTICIPANT_REMOVED")

    def disconnect(self, reason: str) -> None:
        """Disconnect every client; ``reason`` is a name of LiveKit's ``DisconnectReason``."""
        for member in self._members.values():
            member.send_leave(Leave.DISCONNECT, getattr(models, reason))

    async def _reconnect_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._set_disconnected(False)
        self._stall_signalling(False)

    def _stall_signalling(self, is_stalled: bool) -> None:
        (self._reachable.clear if is_stalled else self._reachable.set)()
        for member in self._members.values():
            if member.signalling is not None:
                member.signalling.stall(is_stalled)

    def _set_disconnected(self, is_disconnected: bool) -> None:
        self._is_disconnected = is_disconnected
        for member in self._members.values():
            member.peer.set_disconnected(is_disconnected)
