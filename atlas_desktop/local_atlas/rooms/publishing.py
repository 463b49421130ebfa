"""The tracks that one client publishes, from its request to its silence."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiortc import MediaStreamTrack
from livekit.protocol import models, rtc

from atlas_desktop.local_atlas.rooms.hearing import listen
from atlas_desktop.local_atlas.rooms.peer import Section
from atlas_desktop.local_atlas.rooms.presence import make_sid
from atlas_desktop.local_atlas.scope import Scope
from atlas_desktop.local_atlas.stage import Sound

_MOST_TRACKS = 1_000
_LONGEST_NAME = 256

Heard = Callable[[models.TrackInfo, Sound], None]
Hushed = Callable[[models.TrackInfo], None]
Incoming = Callable[[str], MediaStreamTrack | None]


@dataclass(slots=True)
class Publication:
    """A track that a client publishes; ``mid`` is empty until its offer came."""

    cid: str
    info: models.TrackInfo
    mid: str = ""
    task: asyncio.Task[None] | None = None


class Publications:
    """Knows what a client publishes and listens to it. Thread: the event loop's.

    Args:
        heard: Gets each sound of a track that is not muted.
        hushed: Is told when a track was muted or is gone.
    """

    def __init__(self, heard: Heard, hushed: Hushed) -> None:
        self._heard = heard
        self._hushed = hushed
        self._by_sid: dict[str, Publication] = {}
        self._scope = Scope("publications")

    @property
    def infos(self) -> list[models.TrackInfo]:
        """The entries of all tracks."""
        return [publication.info for publication in self._by_sid.values()]

    def add(self, request: rtc.AddTrackRequest) -> models.TrackInfo | None:
        """Admits a track, whose sound comes with one of the next offers; ``None`` where there are many."""
        if len(self._by_sid) >= _MOST_TRACKS or len(request.cid) > _LONGEST_NAME:
            return None
        info = models.TrackInfo(
            sid=make_sid("TR"),
            type=request.type,
            name=request.name[:_LONGEST_NAME],
            source=request.source,
            muted=request.muted,
            stream=request.stream[:_LONGEST_NAME],
            stereo=request.stereo,
            disable_dtx=request.disable_dtx,
            mime_type="audio/opus" if request.type == models.AUDIO else "",
        )
        self._by_sid[info.sid] = Publication(request.cid, info)
        return info

    def mute(self, request: rtc.MuteTrackRequest) -> None:
        """Mutes a track, or takes that back."""
        publication = self._by_sid.get(request.sid)
        if publication is not None:
            publication.info.muted = request.muted
            if request.muted:
                self._hushed(publication.info)

    def reconcile(self, sections: tuple[Section, ...], incoming: Incoming) -> list[str]:
        """Begins to hear what an offer adds, and stops what it no longer sends.

        Returns:
            The sids of the tracks that are heard from now on.
        """
        sending = {section.mid for section in sections if section.sends}
        for publication in tuple(self._by_sid.values()):
            if publication.mid and publication.mid not in sending:
                self._drop(publication)
        known = {publication.mid for publication in self._by_sid.values()}
        added = []
        for section in sections:
            if section.sends and section.mid not in known:
                track, meant = incoming(section.mid), self._meant_by(section)
                if track is not None and meant is not None:
                    self._begin(meant, section, track)
                    added.append(meant.info.sid)
        return added

    async def aclose(self) -> None:
        """Stops listening."""
        for publication in tuple(self._by_sid.values()):
            self._drop(publication)
        await self._scope.aclose()

    def _meant_by(self, section: Section) -> Publication | None:
        waiting = [p for p in self._by_sid.values() if not p.mid and _kind(p.info) == section.kind]
        # After a republish an offer can name the section's old track: then the one waiting longest is meant.
        return next((p for p in waiting if p.cid == section.cid), waiting[0] if waiting else None)

    def _begin(self, publication: Publication, section: Section, track: MediaStreamTrack) -> None:
        info = publication.info

        def heard(block: Sound) -> None:
            if not info.muted:
                self._heard(info, block)

        publication.mid = section.mid
        wanted = heard if section.kind == "audio" else None
        publication.task = self._scope.start(listen(track, wanted), f"listen {info.name}")

    def _drop(self, publication: Publication) -> None:
        del self._by_sid[publication.info.sid]
        if publication.task is not None:
            publication.task.cancel()
        self._hushed(publication.info)


def _kind(info: models.TrackInfo) -> str:
    return "audio" if info.type == models.AUDIO else "video"
