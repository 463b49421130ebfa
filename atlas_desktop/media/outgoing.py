"""The LiveKit side of what we send: an audio source and the track published from it."""

import asyncio
import contextlib
import logging
from types import TracebackType
from typing import Any

from livekit import rtc

from atlas_desktop.errors import SpeechRefusedError
from atlas_desktop.media.blocks import BLOCK_MS, SAMPLE_RATE_HZ, Block
from atlas_desktop.media.feeder import LEAD_MS

log = logging.getLogger(__name__)


class _LostFrame:
    """Swallows the SDK's complaint about one frame, and nothing else.

    ``AudioSource.capture_frame`` raises the bare class ``Exception`` ("InvalidState – failed to capture
    frame"), maybe once after ``clear_queue``. Source: livekit 1.2.1, audio_source.py.
    """

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if kind is not Exception:
            return False
        self.count += 1
        if self.count == 1:
            log.info("a frame was lost: %s", error)
        return True


class OutgoingTrack:
    """A local audio track, 48 kHz mono, that a feeder writes to (a ``BlockSink``).

    The native source sends 10 ms of silence by itself whenever nothing was written, so the track is
    alive from its publishing to the room's end at no cost to us. Source: livekit rust-sdks, audio_track.cpp.

    Thread: ``write`` and ``clear`` on the feeder's loop, the rest on the room's loop.

    Attributes:
        name: The track's name in the room.
    """

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, *, is_microphone: bool = False) -> None:
        """Makes the source.

        Args:
            name: The track's name in the room.
            loop: The feeder's loop, which awaits the hand-overs.
            is_microphone: Publish with source Microphone, else Unknown.
        """
        self.name = name
        self._is_microphone = is_microphone
        self._source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=LEAD_MS, loop=loop)
        self._track = rtc.LocalAudioTrack.create_audio_track(name, self._source)
        self._lost = _LostFrame()

    @property
    def lost_frames(self) -> int:
        """How many hand-overs the SDK refused."""
        return self._lost.count

    async def publish(self, participant: rtc.LocalParticipant) -> None:
        """Puts the track into the room; returns when the server has acknowledged it.

        Raises:
            SpeechRefusedError: The room did not take it.
        """
        options = rtc.TrackPublishOptions()
        options.source = self._track_source
        try:
            await participant.publish_track(self._track, options)
        except rtc.participant.PublishTrackError as error:
            raise SpeechRefusedError(detail=error.message) from error

    async def publish_again(self, participant: rtc.LocalParticipant) -> None:
        """Puts the track into the room once more, after the server has removed it.

        Raises:
            SpeechRefusedError: The room did not take it.
        """
        # The SDK still takes it for published.
        with contextlib.suppress(rtc.participant.UnpublishTrackError):
            await participant.unpublish_track(self._track.sid)
        await self.publish(participant)

    def is_allowed_by(self, permission: Any) -> bool:
        """Whether a LiveKit ``ParticipantPermission`` lets the track be published; no sources means all."""
        sources = permission.can_publish_sources
        return bool(permission.can_publish) and (not sources or self._track_source in sources)

    @property
    def _track_source(self) -> "rtc.TrackSource.ValueType":
        return rtc.TrackSource.SOURCE_MICROPHONE if self._is_microphone else rtc.TrackSource.SOURCE_UNKNOWN

    async def write(self, block: Block) -> None:
        """Hands int16 (n × 480, 1) to the SDK; returns when it has taken it."""
        frame = rtc.AudioFrame(block.tobytes(), SAMPLE_RATE_HZ, 1, len(block))
        lost = self._lost.count
        with self._lost:
            await self._source.capture_frame(frame)
        if self._lost.count != lost:
            await asyncio.sleep(BLOCK_MS / 1000)

    def clear(self) -> None:
        """Empties the source's queue: nothing handed over before is sent after this."""
        self._source.clear_queue()

    def unmute(self) -> None:
        """Takes back that the room muted the track; it says so when it is heard again."""
        self._track.unmute()

    async def aclose(self) -> None:
        """Lets go of the source; the feeder must have been detached."""
        await self._source.aclose()
