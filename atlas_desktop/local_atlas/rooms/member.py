"""One client of a room: its signalling, its peer connection and the tracks that it publishes."""

import time
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

from atlas_desktop.local_atlas.rooms.access_tokens import Grant
from atlas_desktop.local_atlas.rooms.data_packets import ChatStreams, PacketSender
from atlas_desktop.local_atlas.rooms.peer import Peer
from atlas_desktop.local_atlas.rooms.publications import Publications
from atlas_desktop.local_atlas.rooms.signalling import (
    PING_INTERVAL_S,
    PING_TIMEOUT_S,
    SignalConnection,
    make_sid,
)

if TYPE_CHECKING:
    from atlas_desktop.local_atlas.rooms.room import Room

Leave = rtc.LeaveRequest


class Member:
    """A client, from its first join to its end, through any number of websockets."""

    def __init__(self, grant: Grant, room: "Room", codec: str) -> None:
        self.sid = make_sid("PA")
        self.grant = grant
        self.signalling: SignalConnection | None = None
        self.chats = ChatStreams()
        self.peer = Peer(
            codec, self._connection_changed, lambda label, message: room.receive(self, label, message)
        )
        self.publications = Publications(
            lambda info, block: room.receive_audio(self, info, block), room.end_audio
        )
        self.is_dismissed = False
        self._room = room
        self._version = 0

    @property
    def sender(self) -> PacketSender:
        """The member as the sender of packets."""
        return PacketSender(self.grant.identity, self.sid)

    def info(self, *, gone: bool = False, with_tracks: bool = False) -> models.ParticipantInfo:
        """Return LiveKit's description; others don't see its tracks, to which only the avatar listens."""
        self._version += 1
        tracks = self.publications.infos if with_tracks else []
        return models.ParticipantInfo(
            sid=self.sid,
            identity=self.grant.identity,
            name=self.grant.name,
            state=models.ParticipantInfo.DISCONNECTED if gone else models.ParticipantInfo.ACTIVE,
            joined_at=int(time.time()),
            version=self._version,
            is_publisher=bool(tracks),
            tracks=tracks,
            permission=models.ParticipantPermission(
                can_subscribe=True,
                can_publish=self.grant.can_publish,
                can_publish_data=self.grant.can_publish_data,
            ),
        )

    async def join(self, signalling: SignalConnection, request: rtc.JoinRequest) -> None:
        """Send the join response, then the answer to the offer in the join request."""
        self.signalling = signalling
        join = rtc.JoinResponse(
            room=self._room.describe(),
            participant=self.info(with_tracks=True),
            other_participants=self._room.others(self),
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            server_info=models.ServerInfo(version="1.9.0", protocol=16, region="local"),
            server_version="1.9.0",
            enabled_publish_codecs=[models.Codec(mime="audio/opus")],
        )
        signalling.send(join=join)
        for track in request.add_track_requests:
            self._add_track(track)
        if request.HasField("publisher_offer"):
            await self._answer(request.publisher_offer)

    def resume(self, signalling: SignalConnection) -> None:
        """Resume after a lost websocket; peer connection and tracks are still there."""
        self.signalling = signalling
        signalling.send(reconnect=rtc.ReconnectResponse())
        signalling.send(update=rtc.ParticipantUpdate(participants=self._room.others(self)))

    async def serve(self, signalling: SignalConnection) -> None:
        """Handle the client's requests in order until its websocket ends."""
        async for request in signalling.requests():
            if signalling is not self.signalling:
                return
            await self._handle(request)

    def send_update(self, info: models.ParticipantInfo) -> None:
        """Send an update of another participant."""
        if self.signalling is not None:
            self.signalling.send(update=rtc.ParticipantUpdate(participants=[info]))

    def request_offer(self, audios: int = 0, videos: int = 0) -> None:
        """Request a new offer with that many more sections: tracks were added or removed."""
        if self.signalling is not None:
            self.signalling.send(
                media_sections_requirement=rtc.MediaSectionsRequirement(num_audios=audios, num_videos=videos)
            )

    def send_mute(self, muted: bool) -> None:
        """Mute what the client publishes, as a server may, or unmute it."""
        for info in self.publications.infos:
            request = rtc.MuteTrackRequest(sid=info.sid, muted=muted)
            self.publications.mute(request)
            if self.signalling is not None:
                self.signalling.send(mute=request)

    def send_leave(self, action: rtc.LeaveRequest.Action, reason: models.DisconnectReason) -> None:
        """Tell the client to leave, or to make a full reconnect."""
        self.is_dismissed = True
        if self.signalling is not None:
            may_return = action != Leave.DISCONNECT
            self.signalling.send(leave=Leave(action=action, reason=reason, can_reconnect=may_return))

    async def aclose(self) -> None:
        """Close websocket, peer connection and tasks."""
        signalling, self.signalling = self.signalling, None
        if signalling is not None:
            await signalling.aclose()
        await self.publications.aclose()
        await self.peer.aclose()

    def _connection_changed(self) -> None:
        if self.peer.is_connected:
            self._room.connected(self)
        elif not self.peer.is_usable and self.signalling is not None:
            self.send_leave(Leave.RECONNECT, models.STATE_MISMATCH)

    async def _handle(self, request: rtc.SignalRequest) -> None:
        kind = request.WhichOneof("message")
        if kind == "offer":
            await self._answer(request.offer)
        elif kind == "trickle":
            await self.peer.trickle(request.trickle.candidateInit)
        elif kind == "add_track":
            self._add_track(request.add_track)
        elif kind == "sync_state" and request.sync_state.HasField("offer"):
            pass  # the client's real offer follows
        elif kind == "mute":
            self.publications.mute(request.mute)
        elif kind == "subscription":
            self._update_subscription(request.subscription)
        elif kind in ("ping", "ping_req"):
            self._pong(request)
        elif kind == "leave":
            self._room.left(self)
        elif kind == "simulate":
            self._simulate(request.simulate)
        elif kind == "update_metadata":
            self._refuse(update_metadata=request.update_metadata)

    def _update_subscription(self, request: rtc.UpdateSubscription) -> None:
        """Unsubscribe tracks; one subscribed again comes in another section, as if it were new."""
        sids = {*request.track_sids, *(sid for one in request.participant_tracks for sid in one.track_sids)}
        self.peer.unsubscribe(sids)
        if request.subscribe and self.peer.needs_offer(self._room.subscribed_tracks()):
            self.request_offer()

    def _pong(self, request: rtc.SignalRequest) -> None:
        if self.signalling is None:
            return
        now_ms = time.time_ns() // 1_000_000
        if request.HasField("ping_req"):
            sent_ms = request.ping_req.timestamp
            self.signalling.send(pong_resp=rtc.Pong(last_ping_timestamp=sent_ms, timestamp=now_ms))
        else:
            self.signalling.send(pong=now_ms)

    async def _answer(self, offer: rtc.SessionDescription) -> None:
        answer = await self.peer.answer(offer.sdp, self._room.subscribed_tracks())
        if self.signalling is None:
            return
        self.signalling.send(
            answer=rtc.SessionDescription(
                type="answer", sdp=answer.sdp, id=offer.id, mid_to_track_id=answer.mids
            )
        )
        for sid in self.publications.reconcile(answer.sections, self.peer.remote_track):
            self.signalling.send(track_subscribed=rtc.TrackSubscribed(track_sid=sid))
        if answer.unplaced:
            kinds = [track.kind for track in answer.unplaced]
            self.request_offer(kinds.count("audio"), kinds.count("video"))

    def _add_track(self, request: rtc.AddTrackRequest) -> None:
        if not self.grant.can_publish:
            self._refuse(add_track=request)
            return
        info = self.publications.add(request)
        if info is None:
            self._refuse(add_track=request, reason=rtc.RequestResponse.LIMIT_EXCEEDED)
        elif self.signalling is not None:
            self.signalling.send(track_published=rtc.TrackPublishedResponse(cid=request.cid, track=info))

    def _refuse(
        self,
        add_track: rtc.AddTrackRequest | None = None,
        update_metadata: rtc.UpdateParticipantMetadata | None = None,
        reason: rtc.RequestResponse.Reason = rtc.RequestResponse.NOT_ALLOWED,
    ) -> None:
        if self.signalling is not None:
            self.signalling.send(
                request_response=rtc.RequestResponse(
                    request_id=update_metadata.request_id if update_metadata else 0,
                    reason=reason,
                    message="this is not allowed",
                    add_track=add_track,
                    update_metadata=update_metadata,
                )
            )

    def _simulate(self, scenario: rtc.SimulateScenario) -> None:
        kind = scenario.WhichOneof("scenario")
        if kind == "leave_request_full_reconnect":
            self.send_leave(Leave.RECONNECT, models.UNKNOWN_REASON)
        elif kind == "server_leave":
            self.send_leave(Leave.DISCONNECT, models.SERVER_SHUTDOWN)
        elif kind == "node_failure" and self.signalling is not None:
            self.signalling.abort()
