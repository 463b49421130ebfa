"""What is taken in of a room's events: who and what is admitted, and a buffer until the next frame. Bounded.

Knows nothing of the SDK but its events.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

MOST_PARTICIPANTS: Final = 500
MOST_TRACKS: Final = 500
MOST_BYTES: Final = 16_000_000
"""Metadata of all participants together: the SDK's native side keeps every byte of it."""
_LONGEST_INFO_BYTES: Final = 16_000
_LONGEST_NAME: Final = 200
MOST_SEGMENTS: Final = 10_000
MOST_CHARACTERS: Final = 2_000_000
LONGEST_TEXT: Final = 100_000
_MOST_OPENINGS: Final = 256
_LONGEST_ID: Final = 200
_LONGEST_STATE: Final = 32
_numbers = count(1)

SegmentKey = tuple[str, str, int]
"""Identity, segment id, and a number where it has no id."""


class AdmissionPolicy:
    """Admits a limited number of participants and tracks; events about others are rejected from then on.

    The SDK would log events about unknown participants as errors. Thread: the SDK's, but for ``add_all``.

    Attributes:
        has_rejected: A participant or a track was rejected.
    """

    def __init__(self) -> None:
        self.has_rejected = False
        self._people: dict[str, int] = {}
        self._tracks: dict[str, str] = {}
        self._bytes = 0

    @property
    def is_flooded(self) -> bool:
        """Whether their metadata exceeds what memory should hold."""
        return self._bytes > MOST_BYTES

    def add_all(self, local_identity: str, people: dict[str, list[str]]) -> None:
        """Admit the participants present at the join, each with its track ids."""
        self._people.setdefault(local_identity, 0)
        for identity, tracks in people.items():
            self._people.setdefault(identity, 0)
            self._tracks.update(dict.fromkeys(tracks, identity))

    def admits(self, which: str, event: Any) -> bool:
        """Return whether to pass a room's event on to the SDK, and update the counts.

        Args:
            which: Its name in ``RoomEvent``.
            event: Its payload.
        """
        if which == "participant_connected":
            return self._admit_participant(event.info.info)
        identity = getattr(event, "participant_identity", None)
        if not isinstance(identity, str):
            return True
        if identity not in self._people:
            return False
        match which:
            case "participant_disconnected":
                self._remove_participant(identity)
            case "track_published":
                return self._admit_track(event.publication.info.sid, identity)
            case "track_unpublished":
                self._tracks.pop(event.publication_sid, None)
            case "track_subscribed":
                return event.track.info.sid in self._tracks
        return True

    def _admit_participant(self, info: Any) -> bool:
        size = info.ByteSize()
        trim(info)
        if info.identity not in self._people and len(self._people) >= MOST_PARTICIPANTS:
            self.has_rejected = True
            return False
        self._bytes += size - self._people.get(info.identity, 0)
        self._people[info.identity] = size
        return True

    def _remove_participant(self, identity: str) -> None:
        self._bytes -= self._people.pop(identity)
        for sid in [sid for sid, owner in self._tracks.items() if owner == identity]:
            del self._tracks[sid]

    def _admit_track(self, sid: str, identity: str) -> bool:
        if sid not in self._tracks and len(self._tracks) >= MOST_TRACKS:
            self.has_rejected = True
            return False
        self._tracks[sid] = identity
        return True


def trim(info: Any) -> None:
    """Remove from a large ``ParticipantInfo`` what is not used here: the SDK would keep a copy."""
    if info.ByteSize() > _LONGEST_INFO_BYTES:
        info.name = info.name[:_LONGEST_NAME]
        info.metadata = ""
        for name, value in tuple(info.attributes.items()):
            if len(name) + len(value) > _LONGEST_NAME:
                del info.attributes[name]


@dataclass(slots=True)
class EventBuffer:
    """Text, segments and states since the last frame. Filled in the SDK's thread, then moved to the loop's.

    Attributes:
        texts: Chunks of text streams, by handle.
        ended: Text streams that have ended.
        openings: Text streams that were opened.
        segments: The newest version of each legacy segment: its text, and whether it is final.
        states: The newest value of each participant's watched attribute.
        discarded: Native handles to be disposed of.
        is_cut: Something was dropped.
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
        """Whether there is nothing to deliver."""
        words = self.texts or self.ended or self.openings or self.segments or self.states
        return not (words or self.discarded or self.is_cut)

    def add_chunk(self, handle: int, chunk: str) -> None:
        """Add a chunk of a text stream."""
        size = self._sizes.get(handle, 0)
        kept = self._cut(chunk, LONGEST_TEXT - size)
        if kept:
            self.texts.setdefault(handle, []).append(kept)
            self._sizes[handle] = size + len(kept)
            self._characters += len(kept)

    def add_opening(self, opened: Any) -> bool:
        """Add an opened text stream; return False when too many open at once."""
        if len(self.openings) >= _MOST_OPENINGS:
            self.is_cut = True
            return False
        self.openings.append(opened)
        return True

    def add_segments(self, received: Any) -> None:
        """Add a packet of legacy segments."""
        for segment in received.segments:
            if segment.id:
                key = (received.participant_identity, segment.id[:_LONGEST_ID], 0)
                self._add_segment(key, segment)
            elif segment.final:
                # Without an id no later version can replace it.
                self._add_segment((received.participant_identity, "", next(_numbers)), segment)

    def add_attributes(self, changed: Any, name: str) -> None:
        """Add a participant's changed attributes."""
        for entry in changed.changed_attributes:
            if entry.key == name and len(self.states) < MOST_PARTICIPANTS:
                # Moved to the end: the newest comes last.
                self.states.pop(changed.participant_identity, None)
                self.states[changed.participant_identity] = entry.value[:_LONGEST_STATE]

    def _add_segment(self, key: SegmentKey, segment: Any) -> None:
        before = self.segments.get(key)
        if before is None and len(self.segments) >= MOST_SEGMENTS:
            self.is_cut = True
            return
        if before is not None:
            self._characters -= len(before[0])
        text = self._cut(segment.text, LONGEST_TEXT)
        self._characters += len(text)
        self.segments[key] = (text, segment.final)

    def _cut(self, text: str, longest: int) -> str:
        room = min(longest, MOST_CHARACTERS - self._characters)
        if len(text) <= room:
            return text
        self.is_cut = True
        return text[: max(0, room)]
