"""The LiveKit room: the one module outside ``media`` that imports LiveKit.

Every handler of the SDK's events is a plain function that never raises: one that did would keep the SDK from
calling those after it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from livekit import rtc
from livekit.rtc.data_stream import StreamError

from atlas_desktop.aio import TaskScope, guarded
from atlas_desktop.api.address import checked_room_url
from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.errors import RoomError, RoomLostError
from atlas_desktop.media.feeds import AudioFeed, VideoFeed
from atlas_desktop.media.frames import ColourMatrix
from atlas_desktop.media.outgoing import OutgoingTrack
from atlas_desktop.media.room_inbox import RoomInbox
from atlas_desktop.media.tap import FfiTap
from atlas_desktop.session.room.active_track import ActiveTrack
from atlas_desktop.session.room.room_errors import first_line
from atlas_desktop.session.room.room_route import RoomRoute
from atlas_desktop.session.room.room_statistics import RoomStatistics, read_statistics
from atlas_desktop.session.room.transcription import (
    STATE_ATTRIBUTE,
    TRANSCRIPTION_TOPIC,
    TranscriptionReceiver,
)

if TYPE_CHECKING:
    from atlas_desktop.session.room_monitor import RoomMonitor
    from atlas_desktop.session.transcript import Role

log = logging.getLogger(__name__)

_TRACK_NAMES = {Mode.PASSTHROUGH: "tts-audio", Mode.CONVERSATION: "microphone"}
"""Of our one outgoing track: what the avatar says, or what its agent hears."""
_SIGNAL_LIMIT_S = 15.0
_SUBSCRIBER_LIMIT_S = 1.0  # there may never be one; then the clip starts all the same
_CHECK_STREAMS_EVERY_S = 0.5
_REFRESH_GAPS_S = (0.3, 0.6, 1.2)
"""A server merges an unsubscribe and a subscribe that arrive together into nothing: no track would come."""
_REFRESH_LIMIT_S = 1.5
_DISCONNECT_LIMIT_S = 15.0
_LONGEST_STREAM_BYTES = 1_000_000  # the SDK would collect a stream of any length
_MOST_SUBSCRIBED = 16  # of a kind


class LiveKitRoom:
    """One LiveKit room: joined once, left once. Thread: one event loop.

    Args:
        listener: Receives the room's events.
        video: Takes the newest video track's frames.
        audio: Takes the newest audio track's blocks.
        media_loop: Returns the loop that writes blocks; called when a track is first published.
    """

    def __init__(
        self,
        listener: "RoomMonitor",
        video: VideoFeed,
        audio: AudioFeed,
        media_loop: Callable[[], asyncio.AbstractEventLoop],
    ) -> None:
        self._listener = listener
        self._video = video
        self._media_loop = media_loop
        self._tap = tap = FfiTap()
        self._transcription = TranscriptionReceiver(listener, self._role)
        self._inbox = RoomInbox(self._transcription, TRANSCRIPTION_TOPIC, STATE_ATTRIBUTE)
        self._room = rtc.Room(loop=cast(asyncio.AbstractEventLoop, self._inbox))
        self._scope = TaskScope("room")
        self._picture = ActiveTrack(lambda track: tap.open_video(track, video), self._on_picture)
        self._sound = ActiveTrack(lambda track: tap.open_audio(track, audio), listener.audio_changed)
        self._subscribed: dict[str, rtc.TrackPublication] = {}
        self._outgoing: OutgoingTrack | None = None
        self._heard = asyncio.Event()
        self._pictured = asyncio.Event()
        self._leaving = False
        self._is_muted = self._is_barred = False
        self._is_refreshing = False
        self._checking: asyncio.Task[None] | None = None
        self._republishing: asyncio.Task[None] | None = None
        self._route: RoomRoute | None = None

    async def join(self, grant: SessionGrant) -> None:
        """Connect. To be awaited to its end: never cancelled, never given a time limit.

        A cancelled connect panics in native code (livekit/python-sdks#784).

        Raises:
            RoomRefusedError: The room did not let us in.
            BadRoomAddressError: The address is neither wss:// nor ws:// on this computer.
            BadProxyError: The proxy on the way can't be used.
            RoomProxyError: The proxy did not let us through.
            MediaBlockedError: It did, but WebRTC's own packets do not get through.
        """
        url = checked_room_url(grant.livekit_url)
        self._listen()
        options = rtc.RoomOptions(
            auto_subscribe=True,
            connect_timeout=_SIGNAL_LIMIT_S,
            data_stream=rtc.room.DataStreamOptions(max_payload_byte_length=_LONGEST_STREAM_BYTES),
        )
        self._route = await RoomRoute.open(url)
        try:
            await self._room.connect(url, grant.token, options)
        except rtc.ConnectError as error:
            raise self._route.error_for(error.message) from error
        self._inbox.joined(self._room)
        self._checking = self._scope.start(self._check_streams(), "streams check")
        for participant in self._room.remote_participants.values():
            self._read_state(participant)

    async def publish(self, mode: Mode) -> OutgoingTrack:
        """Publish the one outgoing track of ``mode`` and return the sink of its blocks.

        Raises:
            RoomError: It could not be published.
        """
        participant = self._participant()
        is_microphone = mode is Mode.CONVERSATION
        track = OutgoingTrack(_TRACK_NAMES[mode], self._media_loop(), is_microphone=is_microphone)
        self._heard.clear()
        await track.publish(participant)
        self._outgoing = track
        # What is sent before anybody subscribes is lost: the first syllable of the first clip.
        await self._wait_subscriber()
        return track

    def unmute(self) -> None:
        """Ask the room to unmute our track; ``voice_muted`` follows when it does."""
        if self._outgoing is not None:
            self._outgoing.unmute()

    async def wait_heard(self) -> None:
        """Wait until somebody is subscribed to our track after a reconnect; a second at most."""
        if self._outgoing is not None:
            await self._wait_subscriber()

    async def _wait_subscriber(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SUBSCRIBER_LIMIT_S):
                await self._heard.wait()

    async def send(self, payload: bytes) -> None:
        """Send one reliable data packet without a topic.

        Raises:
            RoomError: It was not sent.
        """
        try:
            await self._participant().publish_data(payload, reliable=True)
        except rtc.participant.PublishDataError as error:
            raise RoomError(detail=first_line(error.message)) from error

    async def statistics(self) -> RoomStatistics:
        """Read all figures in one call of about 1 ms: once a second, more often only in need."""
        # Not before there is a picture: until a sender's first report has a time, WebRTC's statistics contain
        # "-inf", and LiveKit 1.2.1 aborts the process when it parses that.
        if not self._room.isconnected() or self._video.last_frame_us is None:
            return RoomStatistics()
        try:
            stats = await self._room.get_rtc_stats()
        except RuntimeError as error:
            # The room was closed during the call.
            log.debug("no statistics: %s", error)
            return RoomStatistics()
        entries = [*stats.publisher_stats, *stats.subscriber_stats]
        publication = self._picture_publication()
        is_muted = publication is not None and publication.muted
        return read_statistics(entries, self._picture.name, self._sound.name, picture_muted=is_muted)

    def refresh_picture(self) -> None:
        """Resubscribe to the avatar's picture: it freezes for a moment, then starts without delay."""
        publication = self._picture_publication()
        if publication is not None and not self._is_refreshing:
            self._is_refreshing = True
            self._scope.start(self._refresh(publication), "refresh")

    async def _refresh(self, publication: rtc.RemoteTrackPublication) -> None:
        for gap_s in _REFRESH_GAPS_S:
            publication.set_subscribed(False)
            await asyncio.sleep(gap_s)
            if self._leaving or not self._is_published(publication):
                break
            self._pictured.clear()
            publication.set_subscribed(True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REFRESH_LIMIT_S):
                    await self._pictured.wait()
                break
        self._is_refreshing = False
        if self._picture.name is None and not self._leaving:
            self._listener.video_changed(False)

    def _is_published(self, publication: rtc.RemoteTrackPublication) -> bool:
        people = self._room.remote_participants.values()
        return any(publication.sid in person.track_publications for person in people)

    def _on_picture(self, present: bool) -> None:
        # One that is being resubscribed has not left.
        if present or not self._is_refreshing:
            self._listener.video_changed(present)

    def _picture_publication(self) -> rtc.RemoteTrackPublication | None:
        name = self._picture.name
        people = self._room.remote_participants.values()
        found = (person.track_publications.get(name) for person in people) if name else iter(())
        return next((publication for publication in found if publication is not None), None)

    async def _check_streams(self) -> None:
        """Reopen failed streams: an error in the native thread that delivers frames only sets a flag."""
        while True:
            await asyncio.sleep(_CHECK_STREAMS_EVERY_S)
            self._picture.reopen_failed()
            self._sound.reopen_failed()

    async def leave(self) -> None:
        """Close streams and disconnect. Allowed at any time but during a join; may be called twice."""
        if self._leaving:
            return
        self._leaving = True
        self._inbox.close()
        if self._checking is not None:
            self._checking.cancel()
        self._picture.clear()
        self._sound.clear()
        # Waits for the last frame in flight: not in the thread that paints.
        closing = self._scope.start(asyncio.to_thread(self._tap.close), "tap")
        # Offline a disconnect may block. It is left running then: cancelled, it would leave the room open.
        leaving = self._scope.start(self._room.disconnect(), "disconnect")
        await asyncio.wait({leaving, closing}, timeout=_DISCONNECT_LIMIT_S)
        if self._route is not None:
            await self._route.aclose()
        if self._outgoing is not None:
            await self._outgoing.aclose()
            self._outgoing = None

    def _participant(self) -> rtc.LocalParticipant:
        if not self._room.isconnected():
            raise RoomLostError(detail="not connected")
        return self._room.local_participant

    def _listen(self) -> None:
        handlers: dict[Any, Callable[..., None]] = {
            "track_subscribed": self._on_track,
            "track_unsubscribed": self._on_track_gone,
            "local_track_subscribed": self._on_heard,
            "participant_attributes_changed": self._on_attributes,
            "participant_connected": self._read_state,
            "participant_disconnected": self._on_participant_gone,
            "transcription_received": self._on_segments,
            "participant_permissions_changed": self._on_permissions,
            "track_muted": self._on_muted,
            "track_unmuted": self._on_unmuted,
            "reconnecting": self._on_reconnecting,
            "reconnected": self._on_reconnected,
            "disconnected": self._on_disconnected,
        }
        for event, handler in handlers.items():
            self._room.on(event, guarded(f"room.{event}")(handler))
        self._room.register_text_stream_handler(
            TRANSCRIPTION_TOPIC, guarded("room.text_stream")(self._on_text_stream)
        )

    def _on_track(self, track: rtc.Track, publication: rtc.TrackPublication, _participant: object) -> None:
        if not self._leaving:
            is_video = track.kind == rtc.TrackKind.KIND_VIDEO
            if is_video:
                self._video.matrix = ColourMatrix.of_codec(publication.mime_type)
                self._pictured.set()
            (self._picture if is_video else self._sound).add(track.sid, track)
            self._subscribed[track.sid] = publication
            self._drop_oldest(track.kind)

    def _drop_oldest(self, kind: rtc.TrackKind.ValueType) -> None:
        """Unsubscribe beyond a limit: each track is decoded, shown or not."""
        same = [sid for sid, publication in self._subscribed.items() if publication.kind == kind]
        for sid in same[:-_MOST_SUBSCRIBED]:
            publication = self._subscribed.pop(sid)
            if isinstance(publication, rtc.RemoteTrackPublication):
                publication.set_subscribed(False)
            self._transcription.room_cut()

    def _on_track_gone(self, track: rtc.Track | None, publication: rtc.TrackPublication) -> None:
        sid = publication.sid if track is None else track.sid
        self._subscribed.pop(sid, None)
        self._picture.remove(sid)
        self._sound.remove(sid)

    def _on_heard(self, _track: rtc.Track) -> None:
        self._heard.set()

    def _on_reconnecting(self) -> None:
        # Subscribers may have to subscribe to our track again.
        self._heard.clear()
        self._listener.connection_changed(False)

    def _on_reconnected(self) -> None:
        self._listener.connection_changed(True)

    def _on_muted(self, participant: rtc.Participant, _publication: object) -> None:
        # We never mute it ourselves (the feeder sends silence instead), so it was the room.
        if isinstance(participant, rtc.LocalParticipant):
            self._is_muted = True
            self._notify_voice()

    def _on_unmuted(self, participant: rtc.Participant, _publication: object) -> None:
        if isinstance(participant, rtc.LocalParticipant):
            self._is_muted = False
            self._notify_voice()

    def _on_permissions(self, participant: rtc.Participant, permission: Any) -> None:
        """Publish again when allowed: a server that revokes the permission removes our track silently."""
        if self._outgoing is None or not isinstance(participant, rtc.LocalParticipant):
            return
        if not self._outgoing.is_allowed_by(permission):
            self._is_barred = True
            self._notify_voice()
        elif self._is_barred and (self._republishing is None or self._republishing.done()):
            # One at a time, however often the permission changes.
            again = self._publish_again(self._outgoing)
            self._republishing = self._scope.start(again, "publish again")

    async def _publish_again(self, track: OutgoingTrack) -> None:
        self._heard.clear()
        try:
            await track.publish_again(self._participant())
        except RoomError as error:
            log.warning("our track could not be published again: %s", error)
            return
        await self._wait_subscriber()
        self._is_barred = False
        self._notify_voice()

    def _notify_voice(self) -> None:
        self._listener.voice_muted(self._is_muted or self._is_barred)

    def _on_attributes(self, _changed: object, participant: rtc.Participant) -> None:
        self._read_state(participant)

    def _on_participant_gone(self, participant: rtc.Participant) -> None:
        self._transcription.participant_gone(participant.identity)

    def _read_state(self, participant: rtc.Participant) -> None:
        # Of any participant: an avatar's worker publishes on behalf of the agent that has the state.
        self._transcription.state_arrived(
            participant.identity, participant.attributes.get(STATE_ATTRIBUTE, "")
        )

    def _on_segments(
        self, segments: list[rtc.TranscriptionSegment], participant: rtc.Participant | None
    ) -> None:
        identity = participant.identity if participant is not None else ""
        for segment in segments:
            self._transcription.segment_arrived(identity, segment.id, segment.text, segment.final)

    def _on_text_stream(self, reader: rtc.TextStreamReader, identity: str) -> None:
        if self._leaving:
            reader.close()
            return
        info = reader.info
        self._transcription.text_opened(reader, info.stream_id, info.attributes or {}, identity, reader.close)
        self._scope.start(self._drain(reader), "transcription")

    async def _drain(self, reader: rtc.TextStreamReader) -> None:
        try:
            async for piece in reader:
                self._transcription.text_arrived(reader, piece)
        except StreamError as error:
            log.info("a transcription broke off: %s", error)
        finally:
            self._transcription.text_ended(reader)
            reader.close()

    def _role(self, identity: str) -> "Role":
        return "user" if identity == self._room.local_participant.identity else "agent"

    def _on_disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        if not self._leaving:
            proxy = self._route.barred_by if self._route is not None else ""
            known = reason in rtc.DisconnectReason.values()
            self._listener.room_lost(rtc.DisconnectReason.Name(reason) if known else str(reason), proxy)
