"""A room's events on their way from the SDK's native thread to our loop: bounded, and once a frame.

The SDK queues every event on the loop, where each costs half a millisecond; a room that sends words in
pieces of eight bytes, or a thousand segments a second, would have the window to itself. Here its words are
put together in the native thread, as the tap takes pictures, and what is left for the SDK follows a few
events at a time.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, Final, Protocol

from livekit import rtc
from livekit.rtc._ffi_client import FfiHandle

from atlas_desktop.aio import guarded
from atlas_desktop.media.room_attendance import MOST_PARTICIPANTS, Attendance, trim

FRAME_S: Final = 1 / 60
EVENTS_A_FRAME: Final = 16
SEGMENTS_A_FRAME: Final = 64
MOST_WAITING: Final = 10_000
"""So many events may wait for the SDK; a room that sends more, faster than they are taken, is left."""
MOST_WAITING_BYTES: Final = 32_000_000
MOST_SEGMENTS: Final = 2_000
MOST_CHARACTERS: Final = 2_000_000
"""Of words that wait for the next frame."""
LONGEST_TEXT: Final = 100_000
_MOST_OPENINGS: Final = 256
_OPENINGS_A_FRAME: Final = 16
_LONGEST_ID: Final = 200
_LONGEST_STATE: Final = 32
_HANDLES: Final[dict[str, Callable[[Any], int]]] = {
    "participant_connected": lambda event: event.info.handle.id,
    "track_published": lambda event: event.publication.handle.id,
    "track_subscribed": lambda event: event.track.handle.id,
    "text_stream_opened": lambda event: event.reader.handle.id,
    "byte_stream_opened": lambda event: event.reader.handle.id,
    "data_track_published": lambda event: event.track.handle.id,
    "data_packet_received": lambda event: event.user.data.handle.id,
}
"""What an event owns: it is given back where the SDK does not hear of it."""
_UNUSED: Final = frozenset(
    (
        *("data_packet_received", "byte_stream_opened", "data_track_published", "data_track_unpublished"),
        *("active_speakers_changed", "connection_quality_changed", "data_channel_low_threshold_changed"),
        *("participant_metadata_changed", "participant_name_changed", "room_metadata_changed"),
        *("participant_encryption_status_changed", "e2ee_state_changed", "chat_message"),
        *("stream_header_received", "stream_chunk_received", "stream_trailer_received"),
        *("participants_updated", "track_subscription_failed"),
    )
)
"""Nobody here listens to these."""
_ENDS: Final = frozenset(("eos", "disconnected", "connection_state_changed"))
"""For these the SDK waits before it takes a room for left."""

_Key = tuple[str, str, int]


class InboxListener(Protocol):
    """Hears what a room says. Thread: the loop."""

    def text_opened(
        self,
        key: Hashable,
        stream_id: str,
        attributes: Mapping[str, str],
        identity: str,
        close: Callable[[], None],
    ) -> None:
        """A text stream began, which is ``key`` from here on; ``close`` ends its reading."""

    def text_arrived(self, key: Hashable, text: str) -> None:
        """So much more of a text stream came."""

    def text_ended(self, key: Hashable) -> None:
        """A text stream is over; all of it has arrived."""

    def segment_arrived(self, identity: str, segment_id: str, text: str, final: bool) -> None:
        """The newest version of a legacy segment."""

    def state_arrived(self, identity: str, value: str) -> None:
        """The newest value of the attribute that is watched."""

    def room_cut(self) -> None:
        """Some of what the room said was left out."""

    def room_flooded(self) -> None:
        """The room sends more than can be taken. It should be left."""


@dataclass(slots=True)
class _Text:
    """A text stream that is read: what has not been handed over."""

    pieces: list[str] = field(default_factory=list)
    characters: int = 0
    is_over: bool = False


def _read(owned: Any) -> None:
    # The SDK's reader asks for the pieces; its own queue, on which each costs a turn of the loop, goes.
    rtc.TextStreamReader(owned).close()


class RoomInbox:
    """The loop of an ``rtc.Room``, as far as that uses one: it takes the place of the real one.

    Thread: ``call_soon_threadsafe`` is the SDK's, under its lock: it never raises, waits or calls the SDK.
    All else the loop's.

    Args:
        listener: Hears what the room says.
        topic: Text streams of other topics are not read.
        attribute: The participants' attribute that is watched.
        dispose: Gives a native handle back.
        read: Has a text stream's pieces sent.
    """

    def __init__(
        self,
        listener: InboxListener,
        topic: str,
        attribute: str,
        dispose: Callable[[int], None] = lambda number: FfiHandle(number).dispose(),
        read: Callable[[Any], None] = _read,
    ) -> None:
        self._listener = listener
        self._dispose = dispose
        self._read = read
        self._topic = topic
        self._attribute = attribute
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._room_handle = 0
        self._attendance = Attendance()
        self._events: deque[tuple[Callable[[Any], object], Any, int]] = deque()
        self._waiting_bytes = 0
        self._texts: dict[int, _Text] = {}
        self._changed_texts: dict[int, None] = {}
        self._openings: deque[Any] = deque()
        self._segments: dict[_Key, tuple[str, bool]] = {}
        self._numbers = count(1)
        self._states: dict[str, str] = {}
        self._characters = 0
        self._discarded: list[int] = []
        self._is_cut = self._is_flooded = self._is_closed = False
        self._is_woken = self._is_flood_told = False
        self._frame_end_s = 0.0
        self._events_left = EVENTS_A_FRAME
        self._handlers: dict[str, Callable[[Any], None]] = {
            "transcription_received": self._take_segments,
            "participant_attributes_changed": self._take_attributes,
            "text_stream_opened": self._take_opening,
        }

    def create_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """As a loop's: the SDK's own task."""
        return self._loop.create_task(work)

    def call_soon_threadsafe(self, put: Callable[[Any], object], event: Any) -> None:
        """As a loop's: ``put`` is that of the SDK's queue."""
        self._take(put, event)

    def joined(self, room: rtc.Room) -> None:
        """The room is connected: from now on its events are known from those of others."""
        people = {
            identity: list(person.track_publications) for identity, person in room.remote_participants.items()
        }
        with self._lock:
            self._attendance.add_all(room.local_participant.identity, people)
            handle = getattr(room, "_ffi_handle", None)
            self._room_handle = handle.handle if handle is not None else 0

    def close(self) -> None:
        """The room is left: only what the SDK needs for that is passed on."""
        with self._lock:
            self._is_closed = True
            self._texts.clear()
            self._changed_texts.clear()
            self._segments.clear()
            self._states.clear()

    # In the SDK's thread

    @guarded("media.inbox")
    def _take(self, put: Callable[[Any], object], event: Any) -> None:
        with self._lock:
            match event.WhichOneof("message"):
                case "room_event":
                    self._take_room_event(put, event)
                case "text_stream_reader_event":
                    self._take_piece(event.text_stream_reader_event)
                case "connect":
                    for one in event.connect.result.participants:
                        trim(one.participant.info)
                case "publish_track" | "unpublish_track":
                    self._pass_on(put, event)
                case "rpc_method_invocation" if len(self._events) < EVENTS_A_FRAME:
                    self._pass_on(put, event)
            if self._is_waiting:
                self._wake()

    def _take_room_event(self, put: Callable[[Any], object], event: Any) -> None:
        room = event.room_event
        which = room.WhichOneof("message")
        if not self._room_handle:
            # Not joined yet: whose it is can't be known, and the SDK sorts it out.
            self._attendance.takes(which, getattr(room, which))
            self._pass_on(put, event)
        elif room.room_handle == self._room_handle:
            detail = getattr(room, which)
            handler = None if self._is_closed else self._handlers.get(which)
            if handler is not None:
                handler(detail)
            elif which in _UNUSED or which in self._handlers or not self._attendance.takes(which, detail):
                self._discard(which, detail)
            else:
                self._pass_on(put, event)
            self._is_cut = self._is_cut or self._attendance.is_crowded
            self._is_flooded = self._is_flooded or self._attendance.is_flooded

    def _pass_on(self, put: Callable[[Any], object], event: Any) -> None:
        size = event.ByteSize()
        if len(self._events) >= MOST_WAITING or self._waiting_bytes + size > MOST_WAITING_BYTES:
            self._is_flooded = True
        room = event.room_event
        which = room.WhichOneof("message")
        if self._is_flooded and which is not None and which not in _ENDS:
            self._discard(which, getattr(room, which))
            return
        self._waiting_bytes += size
        self._events.append((put, event, size))

    def _take_piece(self, event: Any) -> None:
        text = self._texts.get(event.reader_handle)
        if text is None or text.is_over:
            return
        if event.WhichOneof("detail") == "eos":
            text.is_over = True
        else:
            piece = self._fitting(event.chunk_received.content, text.characters)
            if not piece:
                return
            text.pieces.append(piece)
            text.characters += len(piece)
            self._characters += len(piece)
        self._changed_texts[event.reader_handle] = None

    def _take_opening(self, opened: Any) -> None:
        if opened.reader.info.topic == self._topic and not self._is_closed:
            if len(self._openings) < _MOST_OPENINGS:
                self._openings.append(opened)
                return
            self._is_cut = True
        self._discard("text_stream_opened", opened)

    def _take_segments(self, received: Any) -> None:
        for segment in received.segments:
            if not segment.id and not segment.final:
                continue
            # What has no id can be replaced by nothing: it waits alone.
            number = 0 if segment.id else next(self._numbers)
            key = (received.participant_identity, segment.id[:_LONGEST_ID], number)
            before = self._segments.get(key)
            if before is None and len(self._segments) >= MOST_SEGMENTS:
                self._is_cut = True
                continue
            known = len(before[0]) if before is not None else 0
            text = self._fitting(segment.text, 0, known)
            self._characters += len(text) - known
            self._segments[key] = (text, segment.final)

    def _take_attributes(self, changed: Any) -> None:
        for entry in changed.changed_attributes:
            has_room = len(self._states) < MOST_PARTICIPANTS
            if entry.key == self._attribute and has_room:
                self._states.pop(changed.participant_identity, None)
                self._states[changed.participant_identity] = entry.value[:_LONGEST_STATE]

    def _fitting(self, text: str, has: int, replaces: int = 0) -> str:
        room = min(LONGEST_TEXT - has, MOST_CHARACTERS - self._characters + replaces)
        if len(text) <= room:
            return text
        self._is_cut = True
        return text[: max(0, room)]

    def _discard(self, which: str, event: Any) -> None:
        handle = _HANDLES.get(which)
        if handle is not None and (number := handle(event)):
            self._discarded.append(number)

    def _wake(self) -> None:
        if not self._is_woken and not self._loop.is_closed():
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._hand_over)

    # In the loop

    def _hand_over(self) -> None:
        if time.monotonic() >= self._frame_end_s:
            self._hand_over_words()
            self._events_left = EVENTS_A_FRAME
            self._frame_end_s = time.monotonic() + FRAME_S
        with self._lock:
            events = [self._events.popleft() for _ in range(min(self._events_left, len(self._events)))]
            self._events_left -= len(events)
            self._waiting_bytes -= sum(size for _put, _event, size in events)
        for put, event, _size in events:
            put(event)
        with self._lock:
            self._is_woken = self._is_waiting
            left_s = self._frame_end_s - time.monotonic()
        if self._is_woken:
            self._loop.call_later(max(0.0, left_s), self._hand_over)

    @property
    def _is_waiting(self) -> bool:
        words = self._changed_texts or self._openings or self._segments or self._states
        untold = self._is_cut or self._is_flooded is not self._is_flood_told
        return bool(words or self._events or self._discarded or untold)

    @guarded("media.inbox")
    def _hand_over_words(self) -> None:
        with self._lock:
            texts = self._taken_texts()
            openings = [self._openings.popleft() for _ in range(min(_OPENINGS_A_FRAME, len(self._openings)))]
            segments = self._taken_segments()
            states, self._states = self._states, {}
            discarded, self._discarded = self._discarded, []
            is_cut, self._is_cut = self._is_cut, False
            self._attendance.is_crowded = False
            is_closed = self._is_closed
            is_flooded = self._is_flooded and not self._is_flood_told
            self._is_flood_told = self._is_flooded
        if is_closed:
            discarded += [opened.reader.handle.id for opened in openings]
        for number in discarded:
            self._dispose(number)
        if is_closed:
            return
        for handle, words, is_over in texts:
            if words:
                self._listener.text_arrived(handle, words)
            if is_over:
                self._listener.text_ended(handle)
        for (identity, segment_id, _number), (text, final) in segments:
            self._listener.segment_arrived(identity, segment_id, text, final)
        for opened in openings:
            self._open_text(opened)
        for identity, value in states.items():
            self._listener.state_arrived(identity, value)
        if is_cut:
            self._listener.room_cut()
        if is_flooded:
            self._listener.room_flooded()

    def _open_text(self, opened: Any) -> None:
        handle, info = opened.reader.handle.id, opened.reader.info
        close = partial(self._forget, handle)
        self._listener.text_opened(
            handle, info.stream_id, info.attributes, opened.participant_identity, close
        )
        with self._lock:
            self._texts[handle] = _Text()
        self._read(opened.reader)

    def _forget(self, handle: int) -> None:
        with self._lock:
            text = self._texts.pop(handle, None)
            self._changed_texts.pop(handle, None)
            self._characters -= text.characters if text is not None else 0

    def _taken_texts(self) -> list[tuple[int, str, bool]]:
        taken = []
        for handle in self._changed_texts:
            text = self._texts[handle]
            taken.append((handle, "".join(text.pieces), text.is_over))
            self._characters -= text.characters
            text.pieces, text.characters = [], 0
            if text.is_over:
                del self._texts[handle]
        self._changed_texts.clear()
        return taken

    def _taken_segments(self) -> list[tuple[_Key, tuple[str, bool]]]:
        keys = list(self._segments)[:SEGMENTS_A_FRAME]
        taken = [(key, self._segments.pop(key)) for key in keys]
        self._characters -= sum(len(text) for _key, (text, _final) in taken)
        return taken
