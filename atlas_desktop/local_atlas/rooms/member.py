"""One client of a room: its signalling, its connection and the tracks that it publishes."""

import time
from typing import Protocol

from livekit.protocol import models, rtc

from atlas_desktop.local_atlas.rooms.data import ChatStreams, Sender
from atlas_desktop.local_atlas.rooms.peer import OutgoingTrack, Peer
from atlas_desktop.local_atlas.rooms.presence import make_sid, person_info
from atlas_desktop.local_atlas.rooms.publishing import Publications
from atlas_desktop.local_atlas.rooms.signalling import PING_INTERVAL_S, PING_TIMEOUT_S, Link
from atlas_desktop.local_atlas.rooms.tokens import Grant
from atlas_desktop.local_atlas.stage import Sound

Leave = rtc.LeaveRequest


class Floor(Protocol):
    """The room as a member sees it. Thread: the event loop's."""

    def describe(self) -> models.Room:
        """The room's own entry."""
        ...

    def others(self, member: "Member") -> list[models.ParticipantInfo]:
        """Everybody but ``member``."""
        ...

    def outgoing(self) -> tuple[OutgoingTrack, ...]:
        """The avatar's tracks now."""
        ...

    def connected(self, member: "Member") -> None:
        """The member's media can flow."""
        ...

    def heard(self, member: "Member", track: models.TrackInfo, block: Sound) -> None:
        """The member's track sounds."""
        ...

    def hushed(self, member: "Member", track: models.TrackInfo) -> None:
        """The member's track was muted or unpublished."""
        ...

    def message(self, member: "Member", label: str, message: bytes) -> None:
        """The member sent a data message."""
        ...

    def left(self, member: "Member") -> None:
        """The member said goodbye, or is lost for good."""
        ...


class Member:
    """A client, from its first join to its end, through any number of websockets."""

    def __init__(self, grant: Grant, floor: Floor, codec: str) -> None:
        self.sid = make_sid("PA")
        self.grant = grant
        self.link: Link | None = None
        self.chats = ChatStreams()
        self.peer = Peer(codec, self)
        self.publications = Publications(
            lambda info, block: floor.heard(self, info, block), lambda info: floor.hushed(self, info)
        )
        self.sent_away = False
        self._floor = floor
        self._version = 0

    @property
    def sender(self) -> Sender:
        """The member as the sender of packets."""
        return Sender(self.grant.identity, self.sid)

    def info(self, *, gone: bool = False, with_tracks: bool = False) -> models.ParticipantInfo:
        """The member's entry; others don't see its tracks, which only the avatar hears."""
        self._version += 1
        tracks = self.publications.infos if with_tracks else []
        return person_info(self.sid, self.grant, tracks, gone=gone, version=self._version)

    async def join(self, link: Link, request: rtc.JoinRequest) -> None:
        """Lets the client in: the join answer, then the answer to the offer that it brought."""
        self.link = link
        join = rtc.JoinResponse(
            room=self._floor.describe(),
            participant=self.info(with_tracks=True),
            other_participants=self._floor.others(self),
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            server_info=models.ServerInfo(version="1.9.0", protocol=16, region="local"),
            server_version="1.9.0",
            enabled_publish_codecs=[models.Codec(mime="audio/opus")],
        )
        link.send(join=join)
        for track in request.add_track_requests:
            self._add_track(track)
        if request.HasField("publisher_offer"):
            await self._answer(request.publisher_offer)

    def resume(self, link: Link) -> None:
        """Takes a client back that lost its websocket; its connection and tracks are still there."""
        self.link = link
        link.send(reconnect=rtc.ReconnectResponse())
        link.send(update=rtc.ParticipantUpdate(participants=self._floor.others(self)))

    async def serve(self, link: Link) -> None:
        """Does what the client asks, in order, until its websocket ends."""
        async for request in link.requests():
            if link is not self.link:
                return
            await self._do(request)

    def send_update(self, info: models.ParticipantInfo) -> None:
        """Tells the client about another participant."""
        if self.link is not None:
            self.link.send(update=rtc.ParticipantUpdate(participants=[info]))

    def ask_offer(self, audios: int = 0, videos: int = 0) -> None:
        """Makes the client offer anew, with that many more sections: tracks were added or removed."""
        if self.link is not None:
            self.link.send(
                media_sections_requirement=rtc.MediaSectionsRequirement(num_audios=audios, num_videos=videos)
            )

    def send_mute(self, muted: bool) -> None:
        """Mutes what the client publishes, as the server may, or takes that back."""
        for info in self.publications.infos:
            request = rtc.MuteTrackRequest(sid=info.sid, muted=muted)
            self.publications.mute(request)
            if self.link is not None:
                self.link.send(mute=request)

    def send_leave(self, action: rtc.LeaveRequest.Action, reason: models.DisconnectReason) -> None:
        """Tells the client to go, or to reconnect from scratch."""
        self.sent_away = True
        if self.link is not None:
            again = action != Leave.DISCONNECT
            self.link.send(leave=Leave(action=action, reason=reason, can_reconnect=again))

    async def aclose(self) -> None:
        """Ends link, connection and tasks."""
        link, self.link = self.link, None
        if link is not None:
            await link.aclose()
        await self.publications.aclose()
        await self.peer.aclose()

    def peer_connected(self) -> None:
        """Media can flow."""
        self._floor.connected(self)

    def peer_lost(self) -> None:
        """The connection broke: with a websocket the client is told to begin anew."""
        if self.link is not None:
            self.send_leave(Leave.RECONNECT, models.STATE_MISMATCH)

    def peer_data(self, label: str, message: bytes) -> None:
        """A data message came in."""
        self._floor.message(self, label, message)

    async def _do(self, request: rtc.SignalRequest) -> None:
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
            self._subscribe(request.subscription)
        elif kind in ("ping", "ping_req"):
            self._pong(request)
        elif kind == "leave":
            self._floor.left(self)
        elif kind == "simulate":
            self._simulate(request.simulate)
        elif kind == "update_metadata":
            self._refuse(update_metadata=request.update_metadata)

    def _subscribe(self, request: rtc.UpdateSubscription) -> None:
        """A track let go, and wanted again, comes in another section: as if it were new."""
        sids = {*request.track_sids, *(sid for one in request.participant_tracks for sid in one.track_sids)}
        self.peer.forget(sids)
        if request.subscribe and self.peer.lacks(self._floor.outgoing()):
            self.ask_offer()

    def _pong(self, request: rtc.SignalRequest) -> None:
        if self.link is None:
            return
        now_ms = time.time_ns() // 1_000_000
        if request.HasField("ping_req"):
            asked_ms = request.ping_req.timestamp
            self.link.send(pong_resp=rtc.Pong(last_ping_timestamp=asked_ms, timestamp=now_ms))
        else:
            self.link.send(pong=now_ms)

    async def _answer(self, offer: rtc.SessionDescription) -> None:
        answer = await self.peer.answer(offer.sdp, self._floor.outgoing())
        if self.link is None:
            return
        self.link.send(
            answer=rtc.SessionDescription(
                type="answer", sdp=answer.sdp, id=offer.id, mid_to_track_id=answer.mids
            )
        )
        for sid in self.publications.reconcile(answer.sections, self.peer.incoming):
            self.link.send(track_subscribed=rtc.TrackSubscribed(track_sid=sid))
        if answer.unplaced:
            kinds = [track.kind for track in answer.unplaced]
            self.ask_offer(kinds.count("audio"), kinds.count("video"))

    def _add_track(self, request: rtc.AddTrackRequest) -> None:
        if not self.grant.can_publish:
            self._refuse(add_track=request)
            return
        info = self.publications.add(request)
        if info is None:
            self._refuse(add_track=request, reason=rtc.RequestResponse.LIMIT_EXCEEDED)
        elif self.link is not None:
            self.link.send(track_published=rtc.TrackPublishedResponse(cid=request.cid, track=info))

    def _refuse(
        self,
        add_track: rtc.AddTrackRequest | None = None,
        update_metadata: rtc.UpdateParticipantMetadata | None = None,
        reason: rtc.RequestResponse.Reason = rtc.RequestResponse.NOT_ALLOWED,
    ) -> None:
        if self.link is not None:
            self.link.send(
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
        elif kind == "node_failure" and self.link is not None:
            self.link.cut()
