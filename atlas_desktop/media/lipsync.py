"""How much later than its own time a picture is to be shown, so that it meets its sound."""

import math
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.blocks import BLOCK_MS

LONGEST_HOLD_US = 400_000
"""No picture waits longer, however late the sound is."""
HALF_BLOCK_MS = BLOCK_MS / 2
"""Sound comes in such blocks."""
LEAD_MS = 4.0
"""So much a picture comes before its sound, as it does to who stands 1.4 m away."""
STEP_MS_PER_S = 5.0
SETTLE_MEASURES = 4
SETTLED_WITHIN_MS = 10.0
SETTLE_MOST = 12
APART_USUAL_MS = 8.0
"""Assumed until the tracks have sent sender reports, which takes some seconds."""
MOST_APART_MS = 1_000.0
"""A larger difference of the two tracks is not believed."""
MOST_SINK_MS = 500.0
STALLED_S = 2.5
"""Measures are a second apart; after a longer gap the next one measures a stall, not the path."""
OVERSLEPT_MS = 100.0
"""A picture this much late after it was due: the machine or the program stalled."""
_RECENT = 5
_SHOWN = 9
MOST_STALLS = 3
"""So many measurements in a row are passed over; then what looks like a stall is how it is now."""


@dataclass(frozen=True, slots=True)
class SyncFigures:
    """Where picture and sound are, for the statistics. Milliseconds.

    Attributes:
        lip_sync: Whether pictures wait for their sound.
        settled: Whether the hold has found its place.
        hold_ms: How long a picture is held.
        sound_ms: How much later than the room's clock says the sound is heard; ``None`` when not known.
        picture_ms: The same for the picture.
        skew_ms: What remains: the sound comes so much later than its picture (+), or earlier (−).
    """

    lip_sync: bool = True
    settled: bool = False
    hold_ms: float = 0.0
    sound_ms: float | None = None
    picture_ms: float | None = None
    skew_ms: float | None = None


class LipSync:
    """Follows the path of the sound and says how long a picture waits. Thread: main.

    Measurements come once a second. At the start it takes their median at once; once that has settled it
    moves by 5 ms a second at most, and only with a measurement: in a stall it stays.

    Attributes:
        enabled: False: lowest delay, every picture is shown at once.
        speaker_ms: What comes behind the sound server, which no program can read.
        server_ms: What the sound server keeps beyond its usual; known, and so followed at once.
    """

    def __init__(
        self, enabled: bool = True, speaker_ms: float = 0.0, clock_us: Callable[[], int] = monotonic_us
    ) -> None:
        self.enabled = enabled
        self.speaker_ms = speaker_ms
        self.server_ms = 0.0
        self._clock_us = clock_us
        self._read_sink_ms: Callable[[], float | None] = lambda: None
        self._read_server_ms: Callable[[], float] = lambda: 0.0
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._path_ms: float | None = None
        self._measured = 0
        self._settled = False
        self._told_us: int | None = None
        self._stalled = False
        self._stalls = 0
        self._shown_ms: deque[float] = deque(maxlen=_SHOWN)

    def attach_speaker(
        self, sink_ms: Callable[[], float | None], server_ms: Callable[[], float] = lambda: 0.0
    ) -> None:
        """Set what ``measure_now`` reads of the speaker. Without a speaker no picture waits.

        Args:
            sink_ms: What its buffer holds before a block is added; ``None`` while nothing is played.
            server_ms: What the sound server keeps beyond its usual.
        """
        self._read_sink_ms, self._read_server_ms = sink_ms, server_ms

    def reset(self) -> None:
        """Other tracks: nothing is known of them."""
        self._recent.clear()
        self._shown_ms.clear()
        self._path_ms = self._told_us = None
        self._measured, self._settled, self._stalled, self._stalls = 0, False, False, 0

    @property
    def hold_us(self) -> int | None:
        """How much later than its own time a picture is shown; ``None``: at once, in its order of arrival."""
        if not self.enabled or self._path_ms is None:
            return None
        hold_ms = self._path_ms + self._behind_ms - LEAD_MS
        return max(0, min(LONGEST_HOLD_US, round(hold_ms * 1000)))

    @property
    def _behind_ms(self) -> float:
        return self.speaker_ms + self.server_ms

    @property
    def figures(self) -> SyncFigures:
        """What is known now."""
        sound_ms = _median(self._recent) + self._behind_ms if self._recent else None
        picture_ms = _median(self._shown_ms) if self._shown_ms else None
        return SyncFigures(
            lip_sync=self.enabled,
            settled=self._settled,
            hold_ms=(self.hold_us or 0) / 1000,
            sound_ms=sound_ms,
            picture_ms=picture_ms,
            skew_ms=None if sound_ms is None or picture_ms is None else sound_ms - picture_ms,
        )

    def measure_now(self, apart_ms: float | None) -> None:
        """Measure with the speaker's present figures, about once a second."""
        self.server_ms = self._read_server_ms()
        self.measure(self._clock_us(), apart_ms, self._read_sink_ms())

    def measure(self, now_us: int, apart_ms: float | None, sink_ms: float | None) -> None:
        """Takes one measurement, about once a second.

        Args:
            now_us: CLOCK_MONOTONIC.
            apart_ms: By how much the picture's playout is ahead of the sound's, as the SDK hands them out.
            sink_ms: What the speaker's buffer holds before a block is added.
        """
        before_us, self._told_us = self._told_us, now_us
        was_stalled, self._stalled = self._stalled, False
        if before_us is not None and not 0 < now_us - before_us < STALLED_S * 1e6:
            was_stalled = True
        self._stalls = self._stalls + 1 if was_stalled else 0
        if was_stalled and self._stalls <= MOST_STALLS:
            return
        if apart_ms is None and self._measured == 0 and _is_within(sink_ms, MOST_SINK_MS):
            assert sink_ms is not None
            self._path_ms = APART_USUAL_MS + sink_ms + HALF_BLOCK_MS
        if not _is_within(apart_ms, MOST_APART_MS) or not _is_within(sink_ms, MOST_SINK_MS):
            return
        assert apart_ms is not None
        assert sink_ms is not None
        self._recent.append(apart_ms + sink_ms + HALF_BLOCK_MS)
        elapsed_s = 1.0 if before_us is None else min(1.0, (now_us - before_us) / 1e6)
        self._move(_median(self._recent), elapsed_s)

    def shown(self, base_us: int, shown_us: int) -> None:
        """A picture reached the screen; ``base_us`` is its own time."""
        picture_ms = (shown_us - base_us) / 1000
        hold_us = self.hold_us
        if hold_us is not None and picture_ms > hold_us / 1000 + OVERSLEPT_MS:
            self._stalled = True
        self._shown_ms.append(picture_ms)

    def _move(self, wanted_ms: float, elapsed_s: float) -> None:
        self._measured += 1
        if not self._settled or self._path_ms is None:
            self._path_ms = wanted_ms
            is_still = max(self._recent) - min(self._recent) <= SETTLED_WITHIN_MS
            self._settled = (self._measured >= SETTLE_MEASURES and is_still) or self._measured >= SETTLE_MOST
            return
        step_ms = STEP_MS_PER_S * elapsed_s
        self._path_ms += max(-step_ms, min(step_ms, wanted_ms - self._path_ms))


def _median(values: Collection[float]) -> float:
    return sorted(values)[len(values) // 2]


def _is_within(value: float | None, most: float) -> bool:
    return value is not None and math.isfinite(value) and abs(value) <= most
