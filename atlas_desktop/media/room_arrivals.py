"""What a room has said since that was last handed over: put together, and bounded."""

from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from atlas_desktop.media.room_attendance import MOST_PARTICIPANTS

MOST_SEGMENTS: Final = 10_000
MOST_CHARACTERS: Final = 2_000_000
LONGEST_TEXT: Final = 100_000
_MOST_OPENINGS: Final = 256
_LONGEST_ID: Final = 200
_LONGEST_STATE: Final = 32
_numbers = count(1)

SegmentKey = tuple[str, str, int]
"""Who said it, its id, and a number where it has none."""


@dataclass(slots=True)
class Arrivals:
    """Filled in the SDK's thread, then taken away whole by the loop's.

    Attributes:
        texts: The pieces of text streams, by handle.
        ended: Text streams that are over.
        openings: Text streams that begin.
        segments: Of each legacy segment the newest version: its text, and whether it is final.
        states: Of each participant the newest value of the attribute that is watched.
        discarded: Native handles to be given back.
        is_cut: Something was left out.
    """

    texts: dict[int, list[str]] = field(default_factory=dict)
    ended: dict[int, None] = field(default_factory=dict)
    openings: deque[Any] = field(default_factory=deque)
    segments: dict[SegmentKey, tuple[str, bool]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    discarded: list[int] = field(default_factory=list)
    is_cut: bool = False
    _sizes: dict[int, int] = field(default_factory=dict)
    _characters: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to hand over."""
        words = self.texts or self.ended or self.openings or self.segments or self.states
        return not (words or self.discarded or self.is_cut)

    def take_piece(self, handle: int, piece: str) -> None:
        """More of a text stream."""
        size = self._sizes.get(handle, 0)
        fitting = self._fitting(piece, LONGEST_TEXT - size)
        if fitting:
            self.texts.setdefault(handle, []).append(fitting)
            self._sizes[handle] = size + len(fitting)
            self._characters += len(fitting)

    def take_opening(self, opened: Any) -> bool:
        """A text stream begins; False when too many do at once."""
        if len(self.openings) >= _MOST_OPENINGS:
            self.is_cut = True
            return False
        self.openings.append(opened)
        return True

    def take_segments(self, received: Any) -> None:
        """A packet of legacy segments."""
        for segment in received.segments:
            if segment.id:
                key = (received.participant_identity, segment.id[:_LONGEST_ID], 0)
                self._take_segment(key, segment)
            elif segment.final:
                # What has no id can be replaced by nothing: it waits alone.
                self._take_segment((received.participant_identity, "", next(_numbers)), segment)

    def take_attributes(self, changed: Any, name: str) -> None:
        """A participant says something else of itself."""
        for entry in changed.changed_attributes:
            if entry.key == name and len(self.states) < MOST_PARTICIPANTS:
                # The newest comes last.
                self.states.pop(changed.participant_identity, None)
                self.states[changed.participant_identity] = entry.value[:_LONGEST_STATE]

    def _take_segment(self, key: SegmentKey, segment: Any) -> None:
        before = self.segments.get(key)
        if before is None and len(self.segments) >= MOST_SEGMENTS:
            self.is_cut = True
            return
        if before is not None:
            self._characters -= len(before[0])
        text = self._fitting(segment.text, LONGEST_TEXT)
        self._characters += len(text)
        self.segments[key] = (text, segment.final)

    def _fitting(self, text: str, longest: int) -> str:
        room = min(longest, MOST_CHARACTERS - self._characters)
        if len(text) <= room:
            return text
        self.is_cut = True
        return text[: max(0, room)]
