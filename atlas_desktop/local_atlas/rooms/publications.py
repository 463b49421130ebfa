"""The tracks that one client publishes: from its request to the last audio received."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame
from livekit.protocol import models, rtc

from atlas_desktop.aio import TaskScope
from atlas_desktop.local_atlas.interfaces import SAMPLE_RATE_HZ, Pcm
from atlas_desktop.local_atlas.rooms.peer import MediaSection
from atlas_desktop.local_atlas.rooms.signalling import make_sid

_MAX_TRACKS = 1_000  # at a time: far more than any client publishes
_MAX_NAME_CHARS = 256


@dataclass(slots=True)
class Publication:
    """A track that a client publishes; ``mid`` is empty until an offer contains it."""

    cid: str
    info: models.TrackInfo
    mid: str = ""
    task: asyncio.Task[None] | None = None


class Publications:
    """All tracks that a client publishes. Thread: the event loop's.

    Args:
        on_audio: Called with each block received on a track that is not muted.
        on_silence: Called when a track is muted or unpublished.
    """

    def __init__(
        self,
        on_audio: Callable[[models.TrackInfo, Pcm], None],
        on_silence: Callable[[models.TrackInfo], None],
    ) -> None:
        self._on_audio = on_audio
        self._on_silence = on_silence
        self._by_sid: dict[str, Publication] = {}
        self._scope = TaskScope("publications")

    @property
    def infos(self) -> list[models.TrackInfo]:
        """LiveKit's descriptions of all tracks."""
        return [publication.info for publication in self._by_sid.values()]

    def add(self, request: rtc.AddTrackRequest) -> models.TrackInfo | None:
        """Add a track, whose media comes with one of the next offers; ``None`` above the limit."""
        if len(self._by_sid) >= _MAX_TRACKS or len(request.cid) > _MAX_NAME_CHARS:
            return None
        info = models.TrackInfo(
            sid=make_sid("TR"),
            type=request.type,
            name=request.name[:_MAX_NAME_CHARS],
            source=request.source,
            muted=request.muted,
            stream=request.stream[:_MAX_NAME_CHARS],
            stereo=request.stereo,
            disable_dtx=request.disable_dtx,
            mime_type="audio/opus" if request.type == models.AUDIO else "",
        )
        self._by_sid[info.sid] = Publication(request.cid, info)
        return info

    def mute(self, request: rtc.MuteTrackRequest) -> None:
        """Mute or unmute a track."""
        publication = self._by_sid.get(request.sid)
        if publication is not None:
            publication.info.muted = request.muted
            if request.muted:
                self._on_silence(publication.info)

    def reconcile(
        self,
        sections: tuple[MediaSection, ...],
        remote_track: Callable[[str], MediaStreamTrack | None],
    ) -> list[str]:
        """Receive the tracks that an offer adds, and remove those that it no longer sends.

        Returns:
            The sids of the tracks that are received from now on.
        """
        sending = {section.mid for section in sections if section.sends}
        for publication in tuple(self._by_sid.values()):
            if publication.mid and publication.mid not in sending:
                self._remove(publication)
        known = {publication.mid for publication in self._by_sid.values()}
        added = []
        for section in sections:
            if section.sends and section.mid not in known:
                track, publication_for = remote_track(section.mid), self._publication_for(section)
                if track is not None and publication_for is not None:
                    self._receive(publication_for, section, track)
                    added.append(publication_for.info.sid)
        return added

    async def aclose(self) -> None:
        """Remove all tracks."""
        for publication in tuple(self._by_sid.values()):
            self._remove(publication)
        await self._scope.aclose()

    def _publication_for(self, section: MediaSection) -> Publication | None:
        waiting = [p for p in self._by_sid.values() if not p.mid and _kind(p.info) == section.kind]
        # After a republish the msid of an offer can name the section's previous track: then it is the track
        # that has waited the longest.
        return next((p for p in waiting if p.cid == section.cid), waiting[0] if waiting else None)

    def _receive(self, publication: Publication, section: MediaSection, track: MediaStreamTrack) -> None:
        info = publication.info

        def on_audio(block: Pcm) -> None:
            if not info.muted:
                self._on_audio(info, block)

        publication.mid = section.mid
        wanted = on_audio if section.kind == "audio" else None
        publication.task = self._scope.start(receive_track(track, wanted), f"receive {info.name}")

    def _remove(self, publication: Publication) -> None:
        del self._by_sid[publication.info.sid]
        if publication.task is not None:
            publication.task.cancel()
        self._on_silence(publication.info)


async def receive_track(track: MediaStreamTrack, on_audio: Callable[[Pcm], None] | None) -> None:
    """Receive ``track`` until it ends; without ``on_audio`` its frames are discarded.

    Every remote track must be drained: aiortc's queue is unbounded.
    """
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if on_audio is not None and _is_usable(frame):
            on_audio(to_mono(frame))


def to_mono(frame: AudioFrame) -> Pcm:
    """Return a decoded frame (packed int16, mono or stereo) as mono: int16, (samples, 1)."""
    channels = len(frame.layout.channels)
    # Straight from the plane, without its padding: this runs 50 times a second for each track.
    plane = np.frombuffer(memoryview(frame.planes[0]), np.int16)
    samples: Pcm = plane[: frame.samples * channels].reshape(-1, channels)
    mixed: Pcm = samples.copy() if channels == 1 else (samples[:, :1] >> 1) + (samples[:, 1:2] >> 1)
    return mixed


def _is_usable(frame: object) -> TypeGuard[AudioFrame]:
    if not isinstance(frame, AudioFrame):
        return False
    return frame.sample_rate == SAMPLE_RATE_HZ and frame.format.name == "s16"


def _kind(info: models.TrackInfo) -> str:
    return "audio" if info.type == models.AUDIO else "video"
