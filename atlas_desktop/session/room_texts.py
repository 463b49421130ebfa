"""The text streams of a room that are open, and whose words they bring: bounded."""

from collections.abc import Callable, Hashable, Mapping
from typing import Final

from atlas_desktop.session.ports import RoomListener
from atlas_desktop.session.segment_stream import SegmentStream
from atlas_desktop.session.transcript import Role

TRANSCRIPTION_TOPIC: Final = "lk.transcription"
MOST_STREAMS: Final = 64
"""So many may be open; who never closes one loses it to the next."""
_SEGMENT_ATTRIBUTE: Final = "lk.segment_id"
_FINAL_ATTRIBUTE: Final = "lk.transcription_final"


class RoomTexts:
    """Leads each stream's pieces to the transcript. Thread: the room's loop.

    Args:
        listener: Gives the place in the transcript.
        role_of: Who an identity is.
    """

    def __init__(self, listener: RoomListener, role_of: Callable[[str], Role]) -> None:
        self._listener = listener
        self._role_of = role_of
        self._open: dict[Hashable, tuple[SegmentStream, Callable[[], None]]] = {}

    def open(
        self,
        key: Hashable,
        stream_id: str,
        attributes: Mapping[str, str],
        identity: str,
        close: Callable[[], None],
    ) -> None:
        """A stream began.

        Args:
            key: Names it from here on.
            stream_id: Its own id, which a sender may use again.
            attributes: Those of its header.
            identity: Who sends it.
            close: Ends its reading; called when another one needs its place.
        """
        if len(self._open) >= MOST_STREAMS:
            self._close_oldest()
        segment_id = attributes.get(_SEGMENT_ATTRIBUTE) or stream_id
        final = attributes.get(_FINAL_ATTRIBUTE, "").lower() == "true"
        stream = self._listener.stream_opened(segment_id, self._role_of(identity), final)
        self._open[key] = stream, close

    def add(self, key: Hashable, text: str) -> None:
        """So much more of a stream came."""
        found = self._open.get(key)
        if found is not None:
            found[0].add(text)

    def end(self, key: Hashable) -> None:
        """A stream is over, or broke: what it brought stands."""
        found = self._open.pop(key, None)
        if found is not None:
            found[0].close()

    def _close_oldest(self) -> None:
        key = next(iter(self._open))
        _stream, close = self._open[key]
        self.end(key)
        close()
