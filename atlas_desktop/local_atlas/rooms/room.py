"""A room: who is in it, what reaches whom, and which faults are ordered."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from livekit.protocol import models, rtc

from atlas_desktop.local_atlas.rooms.data import PacketPress, read_chat, read_packet
from atlas_desktop.local_atlas.rooms.host import Host
from atlas_desktop.local_atlas.rooms.malformed import broken_messages
from atlas_desktop.local_atlas.rooms.member import Leave, Member
from atlas_desktop.local_atlas.rooms.peer import RELIABLE, BadSignalError, OutgoingTrack
from atlas_desktop.local_atlas.rooms.presence import make_sid
from atlas_desktop.local_atlas.rooms.signalling import Link
from atlas_desktop.local_atlas.rooms.tokens import Grant, TokenDesk
from atlas_desktop.local_atlas.rooms.transcripts import Speaker
from atlas_desktop.local_atlas.scope import Scope
from atlas_desktop.local_atlas.stage import (
    SAMPLE_RATE_HZ,
    Casting,
    LeaveReason,
    Malformed,
    RoomFacts,
    RoomOptions,
    Sound,
)

log = logging.getLogger(__name__)

TTS_TRACK = "tts-audio"
GRACE_S = 10.0
_VIEWER_NAME = "Viewer"


@dataclass(slots=True)
class _Heard:
    speech_samples: int = 0
    microphone_samples: int = 0
    messages: int = 0


class Room:
    """One session's room. It is the members' floor and the REST desk's ``RoomDesk``.

    Thread: the event loop's.
    """

    def __init__(
        self,
        session_id: str,
        mode: str,
        face: bytes | None,
        options: RoomOptions,
        casting: Casting,
        tokens: TokenDesk,
    ) -> None:
        self.session_id = session_id
        self.name = f"room_{session_id}"
        self.options = options
        self._sid = make_sid("RM")
        self._tokens = tokens
        self._press = PacketPress()
        self._members: dict[str, Member] = {}
        self._heard = _Heard()
        self._scope = Scope(f"room {session_id}")
        self._farewells = Scope(f"farewells {session_id}")
        self._awaited = True
        self._media_is_cut = False
        self._reachable = asyncio.Event()
        self._reachable.set()
        self._host = Host(
            mode, face, options, casting, self._press, self._everybody, self._broadcast, self._announce
        )

    @property
    def facts(self) -> RoomFacts:
        """What is going on in the room."""
        members = tuple(self._members.values())
        heard = self._heard
        return RoomFacts(
            people=tuple(member.grant.identity for member in members),
            viewers=tuple(member.grant.identity for member in members if member.grant.is_viewer),
            tracks=tuple(info.name for member in members for info in member.publications.infos),
            frames_sent=self._host.show.frames,
            speech_ms=heard.speech_samples * 1000 // SAMPLE_RATE_HZ,
            microphone_ms=heard.microphone_samples * 1000 // SAMPLE_RATE_HZ,
            messages=heard.messages,
        )

    def token(self, identity: str = "") -> str:
        """A token that may publish everything."""
        return self._tokens.issue(Grant(self.name, identity or make_sid("user")))

    def viewer_token(self, viewer_id: str) -> str:
        """A subscribe-only token."""
        return self._tokens.issue(Grant(self.name, viewer_id, _VIEWER_NAME, False, False))

    # ---- coming and going

    async def wait_reachable(self) -> None:
        """Waits while the network is dropped."""
        await self._reachable.wait()

    async def serve(self, link: Link, grant: Grant, request: rtc.JoinRequest) -> None:
        """Serves one websocket to its end: a join, or the resumption of an earlier one."""
        member = self._returning(grant, request)
        if member is not None:
            old, member.link = member.link, None
            if old is not None:
                await old.aclose()
            member.resume(link)
        elif request.reconnect:
            link.send(leave=Leave(action=Leave.RECONNECT, can_reconnect=True, reason=models.STATE_MISMATCH))
            return
        else:
            member = self._admit(grant)
        try:
            if member.link is None:
                await member.join(link, request)
            await member.serve(link)
        except BadSignalError as error:
            log.info("%s is sent away: %s", member.sid, error)
            member.send_leave(Leave.DISCONNECT, models.JOIN_FAILURE)
            self.left(member)
        if member.link is link:
            member.link = None
            self._scope.start(self._wait_for(member), "grace")

    async def aclose(self) -> None:
        """Ends the room: everybody is told to leave, the avatar stops."""
        for member in self._members.values():
            member.send_leave(Leave.DISCONNECT, models.ROOM_DELETED)
        members, self._members = tuple(self._members.values()), {}
        await asyncio.gather(*(member.aclose() for member in members))
        await self._farewells.join()
        await self._scope.aclose()
        await self._host.aclose()

    def left(self, member: Member) -> None:
        """Part of ``Floor``: the member is gone for good."""
        if self._members.pop(member.sid, None) is None:
            return
        self._host.show.resting = not self._members
        for other in self._members.values():
            other.send_update(member.info(gone=True))
        self._farewells.start(member.aclose(), "farewell")

    def _returning(self, grant: Grant, request: rtc.JoinRequest) -> Member | None:
        if not request.reconnect or self.options.refuse_resume:
            return None
        member = self._members.get(request.participant_sid)
        if member is None or member.grant.identity != grant.identity or not member.peer.is_usable:
            return None
        return member

    def _admit(self, grant: Grant) -> Member:
        for double in [m for m in self._members.values() if m.grant.identity == grant.identity]:
            if not double.sent_away:
                double.send_leave(Leave.DISCONNECT, models.DUPLICATE_IDENTITY)
            self.left(double)
        member = Member(grant, self, self.options.codec)
        for other in self._members.values():
            other.send_update(member.info())
        self._members[member.sid] = member
        self._host.show.resting = False
        member.peer.cut(self._media_is_cut)
        if self._awaited:
            self._call_avatar()
        return member

    def _call_avatar(self) -> None:
        self._awaited = False
        if not self.options.late_avatar_s:
            self._host.enter()
        elif math.isfinite(self.options.late_avatar_s):
            self._host.enter_after(self.options.late_avatar_s)

    async def _wait_for(self, member: Member) -> None:
        await asyncio.sleep(GRACE_S)
        if member.link is None:
            self.left(member)

    # ---- what members see and say (``Floor``)

    def describe(self) -> models.Room:
        """Part of ``Floor``: the room's own entry."""
        return models.Room(
            sid=self._sid,
            name=self.name,
            creation_time=int(time.time()),
            num_participants=len(self._members) + 1,
            metadata=json.dumps({"session_id": self.session_id, "mode": self._host.mode}),
        )

    def others(self, member: Member) -> list[models.ParticipantInfo]:
        """Part of ``Floor``: the avatar, when it is there, and the other people."""
        avatar = [self._host.presence.info()] if self._host.presence.present else []
        return avatar + [other.info() for other in self._members.values() if other is not member]

    def outgoing(self) -> tuple[OutgoingTrack, ...]:
        """Part of ``Floor``: the avatar's tracks."""
        return self._host.presence.outgoing()

    def connected(self, member: Member) -> None:
        """Part of ``Floor``: the member's media can flow."""
        self._host.meet(member)

    def heard(self, member: Member, track: models.TrackInfo, block: Sound) -> None:
        """Part of ``Floor``: in passthrough only ``tts-audio`` counts, in conversation only microphones."""
        if track.name == TTS_TRACK:
            self._heard.speech_samples += len(block)
            if self._host.mode == "passthrough":
                self._host.hear_speech(block)
        elif self._host.mode == "conversation":
            self._heard.microphone_samples += len(block)
            self._host.hear_person(Speaker(member.sender, track.sid), block)

    def hushed(self, member: Member, track: models.TrackInfo) -> None:
        """Part of ``Floor``: what was said and not yet spoken is dropped at once."""
        if track.name == TTS_TRACK and self._host.mode == "passthrough":
            self._host.hush()

    def message(self, member: Member, label: str, message: bytes) -> None:
        """Part of ``Floor``: passes a packet on to the others, and chat to the avatar."""
        packet = read_packet(message) if label == RELIABLE and member.grant.can_publish_data else None
        if packet is None:
            return
        is_user = packet.HasField("user")
        text = read_chat(packet.user.payload) if is_user else member.chats.take(packet)
        if text is not None:
            self._heard.messages += 1
            self._host.hear_text(text)
        if len(self._members) > 1:
            sealed = self._press.seal(packet, member.sender)
            for other in self._members.values():
                if other is not member:
                    other.peer.send(sealed)

    # ---- orders of the REST and the fault desk (``RoomDesk``)

    def set_face(self, face: bytes) -> bool:
        """Swaps the face; whether the avatar was there to show it."""
        return self._host.set_face(face)

    def drop_media(self, seconds: float | None = None) -> None:
        """Fault: pulls every client's media cable, for ``seconds`` or for good."""
        self._cut_media(True)
        if seconds is not None:
            self._scope.start(self._mend_after(seconds), "mend")

    def drop_network(self, seconds: float | None = None) -> None:
        """Fault: media and signalling are cut, for ``seconds`` or for good; no connection is closed."""
        self._stall(True)
        self.drop_media(seconds)

    def freeze(self, seconds: float | None = None) -> None:
        """Fault: picture and sound stop, for ``seconds`` or for good; 0 goes on."""
        self._host.show.freeze(seconds)

    def close_socket(self) -> None:
        """Fault: cuts every websocket without a word."""
        for member in self._members.values():
            if member.link is not None:
                member.link.cut()

    def refuse_resume(self, refuse: bool) -> None:
        """Fault: clients that come back must begin anew."""
        self.options.refuse_resume = refuse

    def vanish(self) -> None:
        """Fault: the avatar leaves for good."""
        self._awaited = False
        self._host.vanish()

    def return_avatar(self) -> None:
        """Ends ``vanish``."""
        self._host.come_back()

    def mute_tracks(self, muted: bool) -> None:
        """Fault: mutes what clients publish, or lets it be heard again."""
        for member in self._members.values():
            member.send_mute(muted)

    def malformed(self, kind: Malformed) -> None:
        """Fault: sends something broken to every client."""
        for message in broken_messages(kind, self._press, self._host.presence.sender):
            self._broadcast(message)

    def replace_video_track(self) -> None:
        """Fault: the avatar's picture becomes another track."""
        self._host.replace_video()

    def expel(self) -> None:
        """Fault: tells every client to leave."""
        for member in self._members.values():
            member.send_leave(Leave.DISCONNECT, models.PARTICIPANT_REMOVED)

    def disconnect(self, reason: LeaveReason) -> None:
        """Fault: tells every client to leave."""
        for member in self._members.values():
            member.send_leave(Leave.DISCONNECT, getattr(models, reason.value))

    async def _mend_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._cut_media(False)
        self._stall(False)

    def _stall(self, is_stalled: bool) -> None:
        (self._reachable.clear if is_stalled else self._reachable.set)()
        for member in self._members.values():
            if member.link is not None:
                member.link.stall(is_stalled)

    def _cut_media(self, is_cut: bool) -> None:
        self._media_is_cut = is_cut
        for member in self._members.values():
            member.peer.cut(is_cut)

    # ---- for the host

    def _everybody(self) -> Iterator[Member]:
        return iter(self._members.values())

    def _broadcast(self, message: bytes) -> None:
        for member in self._members.values():
            member.peer.send(message)

    def _announce(self) -> None:
        info = self._host.presence.info()
        for member in self._members.values():
            member.send_update(info)
            if member.peer.lacks(self.outgoing()):
                member.ask_offer()
