"""The peer connection to one client: everything that is private to aiortc stays in this file.

Written against aiortc 1.16.0, whose private names it uses; the contract tests of the room guard the pin.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.rtp import RtcpSrPacket
from aiortc.sdp import SessionDescription

from atlas_desktop.aio import TaskScope
from atlas_desktop.errors import N_, AppError
from atlas_desktop.local_atlas.rooms.encoders import EncodedPacket
from atlas_desktop.local_atlas.rooms.ice import IceTransport, clean_offer, parse_candidate
from atlas_desktop.local_atlas.rooms.packet_track import EncodedTrack, ImmediateJitterBuffer

log = logging.getLogger(__name__)

RELIABLE = "_reliable"
_KINDS = ("audio", "video", "application")
_CHANNELS = (RELIABLE, "_lossy", "_data_track")
_QUEUED_MESSAGES = 256  # before the reliable channel opens
_CLOSE_LIMIT_S = 3.0
# aiortc takes quadratic time over an offer in places, and each media section becomes a transceiver.
_MAX_OFFER_CHARS = 400_000
_MAX_SECTIONS = 300  # a client keeps the sections of all tracks that it ever had
_MAX_SECTION_LINES = 500
_MAX_CANDIDATES = 200
_MAX_CANDIDATE_CHARS = 2_000
_MAX_BUFFERED_BYTES = 4_000_000  # unsent; a client that does not acknowledge loses messages
# What aiortc raises over malformed signals: its own errors, and those of its parser.
_AIORTC_ERRORS = (InternalError, InvalidAccessError, InvalidStateError, OperationError)
_PARSER_ERRORS = (ValueError, LookupError, AssertionError, AttributeError, TypeError, ArithmeticError)
_SIGNAL_ERRORS = (*_AIORTC_ERRORS, *_PARSER_ERRORS, RuntimeError, StopIteration)


class BadSignalError(AppError):
    """An offer or a candidate of a client that can't be used."""

    code = "bad_signal"
    title = N_("What a client signals can't be used: {detail}")


@dataclass(frozen=True, slots=True)
class SubscribedTrack:
    """A track of the avatar to which a client subscribes. ``stream`` groups those that play in sync."""

    sid: str
    kind: str
    stream: str


@dataclass(frozen=True, slots=True)
class MediaSection:
    """A media section of a client's offer. ``cid`` is the track's id in its msid, possibly empty."""

    mid: str
    kind: str
    sends: bool
    receives: bool
    cid: str


@dataclass(frozen=True, slots=True)
class SdpAnswer:
    """An answer to an offer.

    Attributes:
        sdp: The answer itself.
        mids: Which track is sent in which section: mid to track sid.
        sections: The media sections of the offer.
        unplaced: Subscribed tracks for which the offer had no section.
    """

    sdp: str
    mids: dict[str, str]
    sections: tuple[MediaSection, ...]
    unplaced: tuple[SubscribedTrack, ...]


class Peer:
    """Answers one client's offers and carries its media and data. Thread: the event loop's.

    Args:
        codec: Video codec of the avatar: VP8 or H264.
        on_state_change: Called when the connection is established or lost.
        on_message: Called with the label of a data channel and a message received on it.
    """

    def __init__(
        self, codec: str, on_state_change: Callable[[], None], on_message: Callable[[str, bytes], None]
    ) -> None:
        self._on_message = on_message
        self._codec_mime = f"video/{codec}".lower()
        self._ice: IceTransport | None = None
        self._is_disconnected = False
        self._placed: dict[str, SubscribedTrack] = {}
        self._tracks: dict[str, EncodedTrack] = {}
        self._playing = asyncio.Event()
        self._channels: dict[str, RTCDataChannel] = {}
        self._queued: deque[bytes] = deque(maxlen=_QUEUED_MESSAGES)
        self._scope = TaskScope("peer")
        self._early_candidates: list[RTCIceCandidate] = []
        self._candidate_count = 0
        # No servers: with the default, aiortc asks a public STUN server.
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._pc.on("connectionstatechange", on_state_change)
        self._pc.on("datachannel", self._channel_opened)

    @property
    def is_usable(self) -> bool:
        """Whether the connection is established or still being established."""
        return self._pc.connectionState not in ("failed", "closed")

    @property
    def is_connected(self) -> bool:
        """Whether media can flow."""
        return self._pc.connectionState == "connected"

    @property
    def wants_key(self) -> bool:
        """Whether the client sees nothing until the next key frame."""
        return any(track.wants_key for track in self._tracks.values())

    async def wait_playing(self) -> None:
        """Wait until the first frame is on its way to the client; that may never happen."""
        await self._playing.wait()

    def needs_offer(self, subscribed: tuple[SubscribedTrack, ...]) -> bool:
        """Return whether a new offer is needed to send exactly these tracks."""
        return set(self._placed.values()) != set(subscribed)

    def unsubscribe(self, sids: set[str]) -> None:
        """Stop sending these tracks until an offer brings another section for each."""
        self._placed = {mid: track for mid, track in self._placed.items() if track.sid not in sids}

    async def answer(self, sdp: str, subscribed: tuple[SubscribedTrack, ...]) -> SdpAnswer:
        """Answer an offer; each subscribed track gets a section in which the client can receive.

        Raises:
            BadSignalError: It is malformed.
        """
        sections = sdp[:_MAX_OFFER_CHARS].split("\nm=")
        is_long = len(sdp) > _MAX_OFFER_CHARS or len(sections) > _MAX_SECTIONS
        if is_long or any(section.count("\n") > _MAX_SECTION_LINES for section in sections):
            raise BadSignalError(detail="an offer that is too large")
        if sdp.count("a=candidate:") > _MAX_CANDIDATES:
            raise BadSignalError(detail="too many candidates")
        # Every change of the client's network brings a new offer and new candidates.
        self._candidate_count = 0
        try:
            return await self._answer(clean_offer(sdp), subscribed)
        except _SIGNAL_ERRORS as error:
            raise BadSignalError(detail=f"an offer ({type(error).__name__})") from error

    async def _answer(self, sdp: str, subscribed: tuple[SubscribedTrack, ...]) -> SdpAnswer:
        sections = _parse_sections(sdp)
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        if self._ice is None:
            self._ice = IceTransport(self._pc)
        self._ice.apply_restart(sdp)
        unplaced = self._place(sections, subscribed)
        for transceiver in self._pc.getTransceivers():
            self._configure(transceiver)
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        for candidate in self._early_candidates:
            await self._pc.addIceCandidate(candidate)
        self._early_candidates.clear()
        if self._is_disconnected:
            self._ice.disconnect()
        mids = {mid: track.sid for mid, track in self._placed.items()}
        return SdpAnswer(self._pc.localDescription.sdp, mids, sections, unplaced)

    async def trickle(self, candidate_json: str) -> None:
        """Add a candidate, as the client's library writes it; those before the first offer are queued.

        Raises:
            BadSignalError: It is malformed.
        """
        self._candidate_count += 1
        if self._candidate_count > _MAX_CANDIDATES or len(candidate_json) > _MAX_CANDIDATE_CHARS:
            raise BadSignalError(detail="too many candidates, or too long a one")
        try:
            await self._trickle(json.loads(candidate_json or "{}"))
        except _SIGNAL_ERRORS as error:
            raise BadSignalError(detail=f"a candidate ({type(error).__name__})") from error

    async def _trickle(self, init: dict[str, Any]) -> None:
        line, mid, index = init.get("candidate"), init.get("sdpMid"), init.get("sdpMLineIndex")
        candidate = parse_candidate(line or "", mid, index)
        if candidate is None:
            return
        if self._ice is not None:
            await self._pc.addIceCandidate(candidate)
        else:
            self._early_candidates.append(candidate)

    def push(self, kind: str, packets: list[EncodedPacket]) -> None:
        """Send encoded audio or video to the client, if it subscribes to it."""
        for mid, track in self._placed.items():
            if track.kind == kind:
                for packet in packets:
                    self._tracks[mid].push(packet)

    def send(self, message: bytes) -> None:
        """Send a message on the reliable channel as soon as that is open."""
        channel = self._channels.get(RELIABLE)
        if channel is None or channel.readyState != "open":
            self._queued.append(message)
        elif self.is_connected and channel.bufferedAmount < _MAX_BUFFERED_BYTES:
            channel.send(message)

    def remote_track(self, mid: str) -> MediaStreamTrack | None:
        """Return the track that the client sends in a section; it must be drained."""
        for transceiver in self._pc.getTransceivers():
            if transceiver.mid == mid:
                return transceiver.receiver.track
        return None

    def set_disconnected(self, is_disconnected: bool) -> None:
        """Fault: drop all datagrams, or let them through again."""
        self._is_disconnected = is_disconnected
        if self._ice is not None:
            (self._ice.disconnect if is_disconnected else self._ice.reconnect)()

    async def aclose(self) -> None:
        """Close the connection and its threads."""
        self._pc.remove_all_listeners("connectionstatechange")
        # In a task of its own: aiortc never recovers from a close that is cancelled half-way.
        self._scope.start(self._pc.close(), "close")
        await self._scope.join(_CLOSE_LIMIT_S)
        if len(self._scope):
            log.warning("a peer connection did not close in time")

    def _place(
        self, sections: tuple[MediaSection, ...], subscribed: tuple[SubscribedTrack, ...]
    ) -> tuple[SubscribedTrack, ...]:
        open_mids = {s.mid for s in sections if s.receives}
        self._placed = {m: t for m, t in self._placed.items() if t in subscribed and m in open_mids}
        unplaced = []
        for track in subscribed:
            if track in self._placed.values():
                continue
            # A section is used for one track only: clients do not always notice a second one in it.
            free = (s.mid for s in sections if s.receives and s.kind == track.kind)
            mid = next((mid for mid in free if mid not in self._tracks), None)
            if mid is None:
                unplaced.append(track)
            else:
                self._placed[mid] = track
                self._tracks[mid] = EncodedTrack(track.kind, self._playing)
        return tuple(unplaced)

    def _configure(self, transceiver: RTCRtpTransceiver) -> None:
        """Set direction, codec and sent track of a section before the answer is created."""
        sender: Any = transceiver.sender
        receiver: Any = transceiver.receiver
        mid = transceiver.mid or ""
        track = self._placed.get(mid)
        if track is None:
            transceiver.direction = "recvonly"
            # The answer needs an id here too, and the one of a track that moved must not appear twice.
            sender._track_id = f"unused-{mid}"
        else:
            transceiver.direction = "sendrecv"
            sender._stream_id, sender._track_id = track.stream, track.sid
            encoded = self._tracks[mid]
            if sender.track is not encoded:
                sender.replaceTrack(encoded)
                sender._track_id = track.sid
                sender._send_keyframe = encoded.request_key
        if transceiver.kind == "video":
            self._prefer_codec(transceiver)
        elif not receiver._RTCRtpReceiver__started:
            receiver._RTCRtpReceiver__jitter_buffer = ImmediateJitterBuffer()
        _suppress_empty_reports(sender)

    def _prefer_codec(self, transceiver: Any) -> None:
        # Frames are encoded already, so the answer must list that codec first. setCodecPreferences would
        # be too late: aiortc creates the transceiver and chooses its codecs in one step.
        codecs = transceiver._codecs
        ours = [codec for codec in codecs if codec.mimeType.lower() == self._codec_mime][:1]
        types = {codec.payloadType for codec in ours}
        retransmission = [codec for codec in codecs if codec.parameters.get("apt") in types]
        transceiver._codecs = ours + retransmission or codecs

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        label = channel.label
        if label not in _CHANNELS:
            return
        self._channels[label] = channel

        def received(message: str | bytes) -> None:
            self._on_message(label, message.encode() if isinstance(message, str) else message)

        channel.on("message", received)
        if label == RELIABLE:
            while self._queued:
                channel.send(self._queued.popleft())


def _suppress_empty_reports(sender: Any) -> None:
    """Suppress RTCP sender reports until the first packet was sent.

    Before that aiortc's has the NTP time 0, which libwebrtc's statistics print as "-inf": that is not JSON,
    and livekit 1.2.1 aborts the client's process over it.
    """
    send = RTCRtpSender._send_rtcp

    async def send_reports(packets: list[Any]) -> None:
        first = packets[0]
        if not isinstance(first, RtcpSrPacket) or first.sender_info.ntp_timestamp:
            await send(sender, packets)

    sender._send_rtcp = send_reports


def _check_bundle(description: SessionDescription) -> None:
    """Refuse an offer whose sections do not share one transport, as those of LiveKit's clients do.

    aiortc would give some of them no transport, and fail once it connects, or another one.
    """
    mids = [media.rtp.muxId for media in description.media]
    bundled = next((group.items for group in description.group if group.semantic == "BUNDLE"), [])
    known = {media.rtp.muxId for media in description.media if media.kind in _KINDS}
    alone = [media for media in description.media if media.port and media.rtp.muxId not in bundled]
    if len(set(mids)) < len(mids) or alone or not bundled or bundled[0] not in known:
        raise BadSignalError(detail="an offer whose sections are not bundled")


def _check_transport(description: SessionDescription) -> None:
    """Refuse what would only fail later, in a task of aiortc's, once it connects."""
    for media in description.media:
        if media.kind in _KINDS and not (media.dtls and media.dtls.fingerprints):
            raise BadSignalError(detail="an offer without a certificate's fingerprint")
        if media.kind == "application" and not (media.sctpCapabilities and media.sctp_port):
            raise BadSignalError(detail="an offer without what data channels need")


def _parse_sections(sdp: str) -> tuple[MediaSection, ...]:
    description = SessionDescription.parse(sdp)
    _check_bundle(description)
    _check_transport(description)
    found = []
    for media in description.media:
        if media.kind not in ("audio", "video"):
            continue
        cid = (media.msid or "").split(" ")[-1]
        sends = media.direction in ("sendonly", "sendrecv")
        receives = media.direction in ("recvonly", "sendrecv")
        found.append(MediaSection(media.rtp.muxId, media.kind, sends, receives, cid))
    return tuple(found)
