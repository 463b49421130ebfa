"""Statistics of a call, read on demand from counters that run anyway."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from atlas_desktop.media.lipsync import SyncFigures

if TYPE_CHECKING:
    from atlas_desktop.session import AtlasSession
    from atlas_desktop.sound_client.sound_client import SoundClient
    from atlas_desktop.video.picture_view import PictureView


_LONGEST_LOOK_S = 3.0
_SHORTEST_LOOK_S = 0.2
"""A rate is given for an interval that is neither too short to count nor so long that it is stale."""


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Picture and sound of the session that runs; ``None`` where something is not known yet.

    Attributes:
        size_px: Width and height of the newest frame, as it was sent.
        rate_hz: Frames received a second since the last look.
        received: Frames since the session began.
        shown: Those that reached the screen.
        dropped: Those that came too late or too close to another one.
        unseen: Those that came while nobody could see the picture.
        sync: Delays, skew and hold.
        speaker_ms: What of the sound's delay is the speaker's own, by setting.
        sound_held_ms: What the speaker's buffer holds before a block is added.
        underruns: Times the speaker ran dry although sound had come in time.
        gaps: Those of them that were heard.
        starved: Times it ran dry because no sound came.
        round_trip_ms: To the room and back.
        painter: How frames are painted.
        paint_ms: Converting and painting one frame.
    """

    size_px: tuple[int, int] | None = None
    rate_hz: float | None = None
    received: int = 0
    shown: int = 0
    dropped: int = 0
    unseen: int = 0
    sync: SyncFigures = field(default_factory=SyncFigures)
    speaker_ms: float = 0.0
    sound_held_ms: float | None = None
    underruns: int = 0
    gaps: int = 0
    starved: int = 0
    round_trip_ms: float | None = None
    painter: str = ""
    paint_ms: float | None = None


class CallStatistics:
    """Reads the figures on demand; costs nothing in between. Thread: main."""

    def __init__(
        self,
        session: "AtlasSession",
        picture: "PictureView",
        sound: "SoundClient",
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._picture = picture
        self._sound = sound
        self._clock_s = clock_s
        self._heard = replace(sound.counters)
        self._looked_s: float | None = None
        self._received = 0

    def begin(self) -> None:
        """Count the speaker's underruns from here: a session starts."""
        self._heard = replace(self._sound.counters)
        self._looked_s = None

    def read(self) -> CallFigures:
        """Return the current figures; the rate is that since the last call."""
        session, painted = self._session, self._picture.counters
        heard, before = self._sound.counters, self._heard
        frame = session.video.latest()
        return CallFigures(
            size_px=None if frame is None else (frame.width, frame.height),
            rate_hz=self._rate_hz(),
            received=session.video.received,
            shown=painted.painted,
            dropped=session.video.dropped,
            unseen=painted.unseen,
            sync=session.lip_sync.figures,
            speaker_ms=session.lip_sync.speaker_ms,
            sound_held_ms=heard.held_ms if heard.writes > before.writes else None,
            underruns=heard.interruptions - before.interruptions,
            gaps=heard.heard_gaps - before.heard_gaps,
            starved=heard.starved - before.starved,
            round_trip_ms=session.snapshot.rtt_ms,
            painter=self._picture.painter,
            paint_ms=painted.cost_ms if painted.painted else None,
        )

    def _rate_hz(self) -> float | None:
        now_s, received = self._clock_s(), self._session.video.received
        before_s, self._looked_s = self._looked_s, now_s
        before, self._received = self._received, received
        if before_s is None or not _SHORTEST_LOOK_S <= now_s - before_s <= _LONGEST_LOOK_S:
            return None
        return max(0, received - before) / (now_s - before_s)
