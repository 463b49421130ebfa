"""What a room says, in words and states, handed to those it concerns: bounded."""

from collections.abc import Callable, Hashable, Mapping
from typing import Final

from atlas_desktop.session.ports import LegacySegment, RoomListener
from atlas_desktop.session.room_errors import FLOODED
from atlas_desktop.session.segment_stream import SegmentStream
from atlas_desktop.session.transcript import Role

TRANSCRIPTION_TOPIC: Final = "lk.transcription"
STATE_ATTRIBUTE: Final = "lk.agent.state"
MOST_STREAMS: Final = 64
"""So many text streams may be open; one that is never closed loses its place to the next."""
_MOST_STATES: Final = 500
_SEGMENT_ATTRIBUTE: Final = "lk.segment_id"
_FINAL_ATTRIBUTE: Final = "lk.transcription_final"


class RoomWords:
    """Leads segments, text streams and states to a listener. Satisfies ``InboxListener``.

    Thread: the room's loop.

    Args:
        listener: Hears of them.
        role_of: Who an identity is.
    """

    def __init__(self, listener: RoomListener, role_of: Callable[[str], Role]) -> None:
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
        """A text stream began.

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

    def text_arrived(self, key: Hashable, text: str) -> None:
        """So much more of a stream came."""
        found = self._open.get(key)
        if found is not None:
            found[0].add(text)

    def text_ended(self, key: Hashable) -> None:
        """A stream is over, or broke: what it brought stands."""
        found = self._open.pop(key, None)
        if found is not None:
            found[0].close()

    def segment_arrived(self, identity: str, segment_id: str, text: str, final: bool) -> None:
        """A legacy segment, whole as far as it goes."""
        self._listener.segment_received(LegacySegment(segment_id, self._role_of(identity), text, final))

    def state_arrived(self, identity: str, value: str) -> None:
        """What an agent says of itself. Whoever said something last counts."""
        if not value or self._states.get(identity) == value:
            return
        self._states.pop(identity, None)
        if len(self._states) >= _MOST_STATES:
            del self._states[next(iter(self._states))]
        self._states[identity] = value
        self._tell_state()

    def participant_gone(self, identity: str) -> None:
        """What it said of itself no longer counts."""
        if self._states.pop(identity, None) is not None:
            self._tell_state()

    def room_cut(self) -> None:
        """Some of what the room says was left out."""
        self._listener.room_cut()

    def room_flooded(self) -> None:
        """The room sends more than can be taken: it is as good as lost."""
        if not self._is_flooded:
            self._is_flooded = True
            self._listener.room_lost(FLOODED)

    def _tell_state(self) -> None:
        self._listener.agent_state_changed(next(reversed(self._states.values()), None))

    def _close_oldest(self) -> None:
        key = next(iter(self._open))
        _stream, close = self._open[key]
        self.text_ended(key)
        close()
