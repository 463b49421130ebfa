"""The small media classes at aiortc's edges: what goes out to one client, what comes in from it."""

import asyncio
from collections import deque
from typing import Any

from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamTrack

from atlas_desktop.local_atlas.rooms.encoding import EncodedPacket

_VIDEO_DEPTH = 8
_AUDIO_DEPTH = 12


class Outlet(MediaStreamTrack):
    """One encoded stream on its way to one client.

    It is offered packets and hands them to aiortc's sender, which only packs them. It lives as long
    as its section of the connection, through replaced tracks: aiortc can't restart a sender.
    Nothing is kept for a client that isn't connected yet, and a picture starts at a key frame;
    ``seen`` is set when the first one is on its way.
    Thread: the event loop's.
    """

    def __init__(self, kind: str, seen: asyncio.Event) -> None:
        super().__init__()
        self.kind = kind
        self.needs_key = kind == "video"
        self._seen = seen
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = False
        depth = _VIDEO_DEPTH if kind == "video" else _AUDIO_DEPTH
        self._packets: deque[EncodedPacket] = deque(maxlen=depth)

    @property
    def wants_key(self) -> bool:
        """Whether the next packet must be a key frame for the client to see anything."""
        return self._wanted and self.needs_key

    def ask_key(self) -> None:
        """Lets nothing but a key frame through next (the client asked for it, or missed something)."""
        self.needs_key = self.kind == "video"

    def offer(self, packet: EncodedPacket) -> None:
        """Takes the next packet, unless the client isn't there or waits for a key frame."""
        if not self._wanted:
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
        """Returns the next packet: called by aiortc's sender, first when the client is connected."""
        self._wanted = True
        while not self._packets:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self.kind == "video":
            self._seen.set()
        return self._packets.popleft()

    def _overflow(self) -> None:
        # A lost sound packet is a click; a lost picture packet spoils all until the next key frame.
        if self.kind == "video":
            self._packets.clear()
            self.needs_key = True


class PromptBuffer:
    """Takes the place of aiortc's jitter buffer for sound, which would hold back 80 ms.

    Each Opus packet is a frame of its own and goes to the decoder at once; on this computer's own
    network none overtakes another, and one that did is dropped.
    """

    capacity = 1

    def __init__(self) -> None:
        self._last: int | None = None

    def add(self, packet: Any) -> tuple[bool, JitterFrame | None]:
        """Returns whether a key frame is needed (never), and the frame to decode now."""
        number = packet.sequence_number
        if self._last is not None and not 0 < (number - self._last) & 0xFFFF < 0x8000:
            return False, None
        self._last = number
        return False, JitterFrame(data=packet._data, timestamp=packet.timestamp)
