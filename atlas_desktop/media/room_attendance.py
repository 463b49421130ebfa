"""Who and what is in a room, as far as it is let into this program: bounded. Knows no SDK but its events."""

from typing import Any, Final

MOST_PARTICIPANTS: Final = 500
MOST_TRACKS: Final = 500
MOST_BYTES: Final = 16_000_000
"""What all participants together may say of themselves: the SDK's native side keeps every byte of it."""
_LONGEST_INFO_BYTES: Final = 16_000
_LONGEST_NAME: Final = 200


class Attendance:
    """Keeps count of participants and their tracks; what is one too many is not let in, nor heard of again.

    Events of the SDK about somebody whom it was not told of would be errors in its log.
    Thread: the one that takes events, but ``add_all``.

    Attributes:
        is_crowded: Somebody or something was not let in.
    """

    def __init__(self) -> None:
        self.is_crowded = False
        self._people: dict[str, int] = {}
        self._tracks: dict[str, str] = {}
        self._bytes = 0

    @property
    def is_flooded(self) -> bool:
        """Whether they say more of themselves than memory should hold."""
        return self._bytes > MOST_BYTES

    def add_all(self, local_identity: str, people: dict[str, list[str]]) -> None:
        """Those who are there already: each with the ids of the tracks."""
        self._people.setdefault(local_identity, 0)
        for identity, tracks in people.items():
            self._people.setdefault(identity, 0)
            self._tracks.update(dict.fromkeys(tracks, identity))

    def takes(self, which: str, event: Any) -> bool:
        """Whether the SDK is to hear of a room's event.

        Args:
            which: Its name in ``RoomEvent``.
            event: What it says.
        """
        if which == "participant_connected":
            return self._comes(event.info.info)
        identity = getattr(event, "participant_identity", None)
        if not isinstance(identity, str):
            return True
        if identity not in self._people:
            return False
        match which:
            case "participant_disconnected":
                self._goes(identity)
            case "track_published":
                return self._is_published(event.publication.info.sid, identity)
            case "track_unpublished":
                self._tracks.pop(event.publication_sid, None)
            case "track_subscribed":
                return event.track.info.sid in self._tracks
        return True

    def _comes(self, info: Any) -> bool:
        size = info.ByteSize()
        trim(info)
        if info.identity not in self._people and len(self._people) >= MOST_PARTICIPANTS:
            self.is_crowded = True
            return False
        self._bytes += size - self._people.get(info.identity, 0)
        self._people[info.identity] = size
        return True

    def _goes(self, identity: str) -> None:
        self._bytes -= self._people.pop(identity)
        for sid in [sid for sid, owner in self._tracks.items() if owner == identity]:
            del self._tracks[sid]

    def _is_published(self, sid: str, identity: str) -> bool:
        if sid not in self._tracks and len(self._tracks) >= MOST_TRACKS:
            self.is_crowded = True
            return False
        self._tracks[sid] = identity
        return True


def trim(info: Any) -> None:
    """Takes out of a large ``ParticipantInfo`` what nobody here reads. The SDK would keep a copy."""
    if info.ByteSize() > _LONGEST_INFO_BYTES:
        info.name = info.name[:_LONGEST_NAME]
        info.metadata = ""
        for name, value in tuple(info.attributes.items()):
            if len(name) + len(value) > _LONGEST_NAME:
                del info.attributes[name]
