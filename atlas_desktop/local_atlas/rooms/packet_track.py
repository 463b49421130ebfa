"""The media classes at aiortc's edges: encoded packets to one client, received RTP from it."""

import asyncio
from collections import deque
from typing import Any

from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamTrack

from atlas_desktop.local_atlas.rooms.encoders import EncodedPacket

# Packets queued for one client: a quarter to a third of a second.
_VIDEO_DEPTH = 8
_AUDIO_DEPTH = 12


class EncodedTrack(MediaStreamTrack):
    """A track of packets that are encoded already: aiortc's sender only payloads them.

    It lives as long as its section of the connection, through replaced tracks: aiortc can't restart a
    sender. Nothing is queued before the client is connected, and video starts at a key frame; ``playing``
    is set when the first frame is on its way. Thread: the event loop's.
    """

    def __init__(self, kind: str, playing: asyncio.Event) -> None:
        super().__init__()
        self.kind = kind
        self.needs_key = kind == "video"
        self._playing = playing
        self._waiter: asyncio.Future[None] | None = None
        self._connected = False
        depth = _VIDEO_DEPTH if kind == "video" else _AUDIO_DEPTH
        self._packets: deque[EncodedPacket] = deque(maxlen=depth)

    @property
    def wants_key(self) -> bool:
        """Whether the client sees nothing until the next key frame."""
        return self._connected and self.needs_key

    def request_key(self) -> None:
        """Drop frames up to the next key frame (the client sent a PLI, or packets were dropped)."""
        self.needs_key = self.kind == "video"

    def push(self, packet: EncodedPacket) -> None:
        """Queue the next packet, unless the client isn't connected or needs a key frame first."""
        if not self._connected:
            return
        if len(self._packets) == self._packets.maxlen:
            self._overflow()
        if self.needs_key and not packet.is_keyframe:
            return
        self.needs_key = False
        self._packets.append(packet)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def recv(self) -> Any:
        """Return the next packet: called by aiortc's sender once the client is connected."""
        self._connected = True
        while not self._packets:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self.kind == "video":
            self._playing.set()
        return self._packets.popleft()

    def _overflow(self) -> None:
        # A dropped audio packet is a click; after a dropped frame all is broken until the next key frame.
        if self.kind == "video":
            self._packets.clear()
            self.needs_key = True


class ImmediateJitterBuffer:
    """Replaces aiortc's jitter buffer for audio, which would add 80 ms.

    Each Opus packet is a frame of its own and is decoded at once. On loopback packets arrive in order; one
    that does not is dropped.
    """

    capacity = 1

    def __init__(self) -> None:
        self._last: int | None = None

    def add(self, packet: Any) -> tuple[bool, JitterFrame | None]:
        """Return whether to send a PLI (never), and the frame to decode now."""
        number = packet.sequence_number
        # Sequence numbers wrap at 16 bits: anything in the lower half after the last one is newer.
        if self._last is not None and not 0 < (number - self._last) & 0xFFFF < 0x8000:
            return False, None
        self._last = number
        return False, JitterFrame(data=packet._data, timestamp=packet.timestamp)
