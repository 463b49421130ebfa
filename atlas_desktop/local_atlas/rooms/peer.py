"""The WebRTC connection to one client: everything that is private to aiortc stays in this file.

Written against aiortc 1.16.0, whose private names it uses; the room's tests guard the pin.
"""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

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

from atlas_desktop.errors import N_, AppError
from atlas_desktop.local_atlas.rooms.encoding import EncodedPacket
from atlas_desktop.local_atlas.rooms.ice import IcePath, clean_offer, parse_candidate
from atlas_desktop.local_atlas.rooms.outlet import Outlet, PromptBuffer
from atlas_desktop.local_atlas.scope import Scope

RELIABLE = "_reliable"
_KINDS = ("audio", "video", "application")
_CHANNELS = (RELIABLE, "_lossy", "_data_track")
_QUEUED_MESSAGES = 256
_CLOSE_LIMIT_S = 3.0
# aiortc's way through an offer is quadratic in places, and each section is a transceiver.
_LONGEST_OFFER = 400_000
_MOST_SECTIONS = 300  # a client keeps those of all tracks that there were
_MOST_LINES = 500  # of one of them
_MOST_CANDIDATES = 200
_LONGEST_CANDIDATE = 2_000
_MOST_UNSENT_BYTES = 4_000_000
# What aiortc raises over what it can't read: its own errors, and whatever its parser runs into.
_OF_AIORTC = (InternalError, InvalidAccessError, InvalidStateError, OperationError)
_OF_PARSING = (ValueError, LookupError, AssertionError, AttributeError, TypeError, ArithmeticError)
_UNREADABLE = (*_OF_AIORTC, *_OF_PARSING, RuntimeError, StopIteration)


class BadSignalError(AppError):
    """An offer or a candidate of a client that can't be used."""

    code = "bad_signal"
    title = N_("What a client signals can't be used: {detail}")


@dataclass(frozen=True, slots=True)
class OutgoingTrack:
    """A track of the avatar that a client should get. ``stream`` groups those that play in sync."""

    sid: str
    kind: str
    stream: str


@dataclass(frozen=True, slots=True)
class Section:
    """A media section of a client's offer. ``cid`` is the track's id in its msid, maybe empty."""

    mid: str
    kind: str
    sends: bool
    receives: bool
    cid: str


class PeerEvents(Protocol):
    """What a peer tells its owner. Thread: the event loop's."""

    def peer_connected(self) -> None:
        """Media can flow."""
        ...

    def peer_lost(self) -> None:
        """The connection is broken for good."""
        ...

    def peer_data(self, label: str, message: bytes) -> None:
        """A message came in on a data channel."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to an offer.

    Attributes:
        sdp: The answer itself.
        mids: Which track of ours is sent in which section, mid to track sid.
        sections: The offer's own media sections.
        unplaced: Wanted tracks for which the offer had no section.
    """

    sdp: str
    mids: dict[str, str]
    sections: tuple[Section, ...]
    unplaced: tuple[OutgoingTrack, ...]


class Peer:
    """Answers one client's offers and carries its media and data. Thread: the event loop's."""

    def __init__(self, codec: str, events: PeerEvents) -> None:
        self._events = events
        self._codec_mime = f"video/{codec}".lower()
        self._path: IcePath | None = None
        self._is_cut = False
        self._placed: dict[str, OutgoingTrack] = {}
        self._outlets: dict[str, Outlet] = {}
        self._seen = asyncio.Event()
        self._channels: dict[str, RTCDataChannel] = {}
        self._queued: deque[bytes] = deque(maxlen=_QUEUED_MESSAGES)
        self._scope = Scope("peer")
        self._early: list[RTCIceCandidate] = []
        self._candidates = 0
        # No servers: with the default, aiortc asks a public STUN server.
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._pc.on("connectionstatechange", self._state_changed)
        self._pc.on("datachannel", self._channel_opened)

    @property
    def is_usable(self) -> bool:
        """Whether the connection is up or still coming up."""
        return self._pc.connectionState not in ("failed", "closed")

    @property
    def is_connected(self) -> bool:
        """Whether media can flow."""
        return self._pc.connectionState == "connected"

    @property
    def wants_key(self) -> bool:
        """Whether the client sees nothing until the next key frame."""
        return any(outlet.wants_key for outlet in self._outlets.values())

    async def wait_seen(self) -> None:
        """Waits until the first picture is on its way to the client; that may never be."""
        await self._seen.wait()

    def lacks(self, wanted: tuple[OutgoingTrack, ...]) -> bool:
        """Whether what is sent is not what is wanted: a new offer is needed."""
        return set(self._placed.values()) != set(wanted)

    def forget(self, sids: set[str]) -> None:
        """Sends these tracks no more, until an offer brings another section for each."""
        self._placed = {mid: track for mid, track in self._placed.items() if track.sid not in sids}

    async def answer(self, sdp: str, wanted: tuple[OutgoingTrack, ...]) -> Answer:
        """Answers an offer; each wanted track gets a section in which the client can receive.

        Raises:
            BadSignalError: It can't be used.
        """
        sections = sdp[:_LONGEST_OFFER].split("\nm=")
        is_long = len(sdp) > _LONGEST_OFFER or len(sections) > _MOST_SECTIONS
        if is_long or any(section.count("\n") > _MOST_LINES for section in sections):
            raise BadSignalError(detail="an offer that is too large")
        if sdp.count("a=candidate:") > _MOST_CANDIDATES:
            raise BadSignalError(detail="too many candidates")
        # A network that comes and goes brings an offer each time, and its candidates.
        self._candidates = 0
        try:
            return await self._answer(clean_offer(sdp), wanted)
        except _UNREADABLE as error:
            raise BadSignalError(detail=f"an offer ({type(error).__name__})") from error

    async def _answer(self, sdp: str, wanted: tuple[OutgoingTrack, ...]) -> Answer:
        sections = _sections(sdp)
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        if self._path is None:
            self._path = IcePath(self._pc)
        self._path.take_restart(sdp)
        unplaced = self._place(sections, wanted)
        for transceiver in self._pc.getTransceivers():
            self._shape(transceiver)
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        for candidate in self._early:
            await self._pc.addIceCandidate(candidate)
        self._early.clear()
        if self._is_cut:
            self._path.cut()
        mids = {mid: track.sid for mid, track in self._placed.items()}
        return Answer(self._pc.localDescription.sdp, mids, sections, unplaced)

    async def trickle(self, candidate_json: str) -> None:
        """Takes a candidate as the client's library writes it; those that come too early wait.

        Raises:
            BadSignalError: It can't be used.
        """
        self._candidates += 1
        if self._candidates > _MOST_CANDIDATES or len(candidate_json) > _LONGEST_CANDIDATE:
            raise BadSignalError(detail="too many candidates, or too long a one")
        try:
            await self._trickle(json.loads(candidate_json or "{}"))
        except _UNREADABLE as error:
            raise BadSignalError(detail=f"a candidate ({type(error).__name__})") from error

    async def _trickle(self, init: dict[str, Any]) -> None:
        line, mid, index = init.get("candidate"), init.get("sdpMid"), init.get("sdpMLineIndex")
        candidate = parse_candidate(line or "", mid, index)
        if candidate is None:
            return
        if self._path is not None:
            await self._pc.addIceCandidate(candidate)
        else:
            self._early.append(candidate)

    def offer(self, kind: str, packets: list[EncodedPacket]) -> None:
        """Sends encoded sound or pictures to the client, if it is there and plays them."""
        for mid, track in self._placed.items():
            if track.kind == kind:
                for packet in packets:
                    self._outlets[mid].offer(packet)

    def send(self, message: bytes) -> None:
        """Sends a message on the reliable channel, as soon as it is open."""
        channel = self._channels.get(RELIABLE)
        if channel is None or channel.readyState != "open":
            self._queued.append(message)
        elif self.is_connected and channel.bufferedAmount < _MOST_UNSENT_BYTES:
            channel.send(message)

    def incoming(self, mid: str) -> MediaStreamTrack | None:
        """The track that the client sends in a section; it must be drained."""
        for transceiver in self._pc.getTransceivers():
            if transceiver.mid == mid:
                return transceiver.receiver.track
        return None

    def cut(self, is_cut: bool) -> None:
        """Fault: pulls the cable, or puts it back."""
        self._is_cut = is_cut
        if self._path is not None:
            (self._path.cut if is_cut else self._path.mend)()

    async def aclose(self) -> None:
        """Ends the connection and its threads."""
        self._pc.remove_all_listeners("connectionstatechange")
        # In a task of its own: aiortc never recovers from a close that is cancelled half-way.
        self._scope.start(self._pc.close(), "close")
        await self._scope.join(_CLOSE_LIMIT_S)

    def _place(
        self, sections: tuple[Section, ...], wanted: tuple[OutgoingTrack, ...]
    ) -> tuple[OutgoingTrack, ...]:
        open_mids = {s.mid for s in sections if s.receives}
        self._placed = {m: t for m, t in self._placed.items() if t in wanted and m in open_mids}
        unplaced = []
        for track in wanted:
            if track in self._placed.values():
                continue
            # A section is used for one track only: a client does not always notice a second one in it.
            free = (s.mid for s in sections if s.receives and s.kind == track.kind)
            mid = next((mid for mid in free if mid not in self._outlets), None)
            if mid is None:
                unplaced.append(track)
            else:
                self._placed[mid] = track
                self._outlets[mid] = Outlet(track.kind, self._seen)
        return tuple(unplaced)

    def _shape(self, transceiver: RTCRtpTransceiver) -> None:
        """Gives a section its direction, its codec and what it sends, before the answer is made."""
        sender: Any = transceiver.sender
        receiver: Any = transceiver.receiver
        mid = transceiver.mid or ""
        track = self._placed.get(mid)
        if track is None:
            transceiver.direction = "recvonly"
            # Named all the same; a track that moved to another section must not be named twice.
            sender._track_id = f"unused-{mid}"
        else:
            transceiver.direction = "sendrecv"
            sender._stream_id, sender._track_id = track.stream, track.sid
            outlet = self._outlets[mid]
            if sender.track is not outlet:
                sender.replaceTrack(outlet)
                sender._track_id = track.sid
                sender._send_keyframe = outlet.ask_key
        if transceiver.kind == "video":
            self._prefer_codec(transceiver)
        elif not receiver._RTCRtpReceiver__started:
            receiver._RTCRtpReceiver__jitter_buffer = PromptBuffer()
        _hold_empty_reports(sender)

    def _prefer_codec(self, transceiver: Any) -> None:
        # Pictures come encoded, so the answer must name that codec first. setCodecPreferences would
        # be too late here: aiortc makes the transceiver and picks its codecs in one go.
        codecs = transceiver._codecs
        ours = [codec for codec in codecs if codec.mimeType.lower() == self._codec_mime][:1]
        types = {codec.payloadType for codec in ours}
        again = [codec for codec in codecs if codec.parameters.get("apt") in types]
        transceiver._codecs = ours + again or codecs

    def _state_changed(self) -> None:
        if self.is_connected:
            self._events.peer_connected()
        elif not self.is_usable:
            self._events.peer_lost()

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        label = channel.label
        if label not in _CHANNELS:
            return
        self._channels[label] = channel

        def received(message: str | bytes) -> None:
            self._events.peer_data(label, message.encode() if isinstance(message, str) else message)

        channel.on("message", received)
        if label == RELIABLE:
            while self._queued:
                channel.send(self._queued.popleft())


def _hold_empty_reports(sender: Any) -> None:
    """Lets a sender report go out only once something was sent.

    Before that aiortc's has the time 0, which WebRTC's statistics call "-inf": no JSON, and LiveKit
    1.2.1 aborts the client's process over it.
    """
    send = RTCRtpSender._send_rtcp

    async def send_reports(packets: list[Any]) -> None:
        first = packets[0]
        if not isinstance(first, RtcpSrPacket) or first.sender_info.ntp_timestamp:
            await send(sender, packets)

    sender._send_rtcp = send_reports


def _check_bundle(description: SessionDescription) -> None:
    """Refuses an offer whose sections do not share one transport, as LiveKit's clients' do.

    aiortc would leave them without any, and fail once it connects; others it would have listen elsewhere.
    """
    mids = [media.rtp.muxId for media in description.media]
    bundled = next((group.items for group in description.group if group.semantic == "BUNDLE"), [])
    known = {media.rtp.muxId for media in description.media if media.kind in _KINDS}
    alone = [media for media in description.media if media.port and media.rtp.muxId not in bundled]
    if len(set(mids)) < len(mids) or alone or not bundled or bundled[0] not in known:
        raise BadSignalError(detail="an offer whose sections are not bundled")


def _check_transport(description: SessionDescription) -> None:
    """Refuses what aiortc would stumble over in a task of its own, once it connects."""
    for media in description.media:
        if media.kind in _KINDS and not (media.dtls and media.dtls.fingerprints):
            raise BadSignalError(detail="an offer without a certificate's fingerprint")
        if media.kind == "application" and not (media.sctpCapabilities and media.sctp_port):
            raise BadSignalError(detail="an offer without what data channels need")


def _sections(sdp: str) -> tuple[Section, ...]:
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
        found.append(Section(media.rtp.muxId, media.kind, sends, receives, cid))
    return tuple(found)
