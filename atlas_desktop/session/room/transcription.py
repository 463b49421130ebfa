"""What a room says: transcription segments, text streams and agent states, bounded and forwarded."""

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Final

from atlas_desktop.session.room.room_errors import FLOODED

if TYPE_CHECKING:
    from atlas_desktop.session.room_monitor import RoomMonitor
    from atlas_desktop.session.segment_stream import SegmentStream
    from atlas_desktop.session.transcript import Role

TRANSCRIPTION_TOPIC: Final = "lk.transcription"
STATE_ATTRIBUTE: Final = "lk.agent.state"
MOST_STREAMS: Final = 64
"""Open text streams; one that is never closed gives its place to the next."""
_MOST_STATES: Final = 500
_SEGMENT_ATTRIBUTE: Final = "lk.segment_id"
_FINAL_ATTRIBUTE: Final = "lk.transcription_final"


class TranscriptionReceiver:
    """Resolves roles and ids, and calls a listener. Satisfies ``InboxListener``.

    Thread: the room's loop.

    Args:
        listener: Receives the events.
        role_of: Returns the role of an identity.
    """

    def __init__(self, listener: "RoomMonitor", role_of: "Callable[[str], Role]") -> None:
        self._listener = listener
        self._role_of = role_of
        self._open: dict[Hashable, tuple[SegmentStream, Callable[[], None]]] = {}
        self._states: dict[str, str] = {}
        self._is_flooded = False

    def text_opened(
        self,
        key: Hashable,
        stream_id: str,
        attributes: Mapping[str, str],
        identity: str,
        close: Callable[[], None],
    ) -> None:
        """Open a text stream.

        Args:
            key: Identifies it from here on: a sender may reuse ``stream_id``.
            stream_id: Its own id.
            attributes: Those of its header.
            identity: Who sends it.
            close: Ends its reading; called when another stream needs its place.
        """
        if len(self._open) >= MOST_STREAMS:
            self._close_oldest()
        segment_id = attributes.get(_SEGMENT_ATTRIBUTE) or stream_id
        final = attributes.get(_FINAL_ATTRIBUTE, "").lower() == "true"
        stream = self._listener.stream_opened(segment_id, self._role_of(identity), final)
        self._open[key] = stream, close

    def text_arrived(self, key: Hashable, text: str) -> None:
        """Add a chunk to a stream."""
        found = self._open.get(key)
        if found is not None:
            found[0].add(text)

    def text_ended(self, key: Hashable) -> None:
        """Close a stream that ended or broke; what it brought is kept."""
        found = self._open.pop(key, None)
        if found is not None:
            found[0].close()

    def segment_arrived(self, identity: str, segment_id: str, text: str, final: bool) -> None:
        """Forward a legacy segment: its whole text so far."""
        self._listener.segment_received(segment_id, self._role_of(identity), text, final)

    def state_arrived(self, identity: str, value: str) -> None:
        """Take an agent's state; that of the participant who reported last counts."""
        if not value or self._states.get(identity) == value:
            return
        self._states.pop(identity, None)
        if len(self._states) >= _MOST_STATES:
            del self._states[next(iter(self._states))]
        self._states[identity] = value
        self._notify_state()

    def participant_gone(self, identity: str) -> None:
        """Forget a participant's state."""
        if self._states.pop(identity, None) is not None:
            self._notify_state()

    def room_cut(self) -> None:
        """Report that part of what the room sent was dropped."""
        self._listener.room_cut()

    def room_flooded(self) -> None:
        """Report, once, that the room sends more than can be processed: it counts as lost."""
        if not self._is_flooded:
            self._is_flooded = True
            self._listener.room_lost(FLOODED)

    def _notify_state(self) -> None:
        self._listener.agent_state_changed(next(reversed(self._states.values()), None))

    def _close_oldest(self) -> None:
        key = next(iter(self._open))
        _stream, close = self._open[key]
        self.text_ended(key)
        close()
