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
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

from livekit import rtc
from livekit.rtc._ffi_client import FfiHandle

from atlas_desktop.aio import guarded
from atlas_desktop.media.room_arrivals import Arrivals
from atlas_desktop.media.room_attendance import Attendance, trim

K = TypeVar("K")
V = TypeVar("V")

FRAME_S: Final = 1 / 60
EVENTS_A_FRAME: Final = 16
MOST_WAITING: Final = 10_000
"""So many events may wait for the SDK; a room that sends more, faster than they are taken, is left."""
MOST_WAITING_BYTES: Final = 32_000_000
_SEGMENTS: Final = 24
_PORTIONS_A_FRAME: Final = 20
_SEGMENTS_S: Final = 0.003
"""Of the processor's time: so much a frame goes into legacy segments, and at least one portion."""
_OPENINGS_A_FRAME: Final = 16
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
        # Held for moments, in which the loop allocates nothing: a collection of garbage may call the SDK.
        self._lock = threading.Lock()
        self._room_handle = 0
        self._attendance = Attendance()
        self._events: deque[tuple[Callable[[Any], object], Any, int]] = deque()
        self._waiting_bytes = 0
        self._reading: dict[int, None] = {}
        self._arrivals = Arrivals()
        self._taken = Arrivals()
        self._is_flooded = self._is_closed = self._is_woken = False
        self._frame_end_s = 0.0
        self._events_left = EVENTS_A_FRAME

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
        handle = getattr(room, "_ffi_handle", None)
        with self._lock:
            self._attendance.add_all(room.local_participant.identity, people)
            self._room_handle = handle.handle if handle is not None else 0

    def close(self) -> None:
        """The room is left: only what the SDK needs for that is passed on."""
        with self._lock:
            self._is_closed = True
            self._reading.clear()

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
            is_asleep = not self._is_woken and self._is_waiting
            self._is_woken = self._is_woken or is_asleep
        if is_asleep and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hand_over)

    def _take_room_event(self, put: Callable[[Any], object], event: Any) -> None:
        room = event.room_event
        which = room.WhichOneof("message")
        detail = getattr(room, which)
        if not self._room_handle:
            # Not joined yet: whose it is can't be known, and the SDK sorts it out.
            self._attendance.takes(which, detail)
            self._pass_on(put, event)
        elif room.room_handle == self._room_handle:
            self._take_own(which, detail, put, event)

    def _take_own(self, which: str, detail: Any, put: Callable[[Any], object], event: Any) -> None:
        match which:
            case "transcription_received":
                self._arrivals.take_segments(detail)
            case "participant_attributes_changed":
                self._arrivals.take_attributes(detail, self._attribute)
            case "text_stream_opened":
                is_wanted = detail.reader.info.topic == self._topic and not self._is_closed
                if not is_wanted or not self._arrivals.take_opening(detail):
                    self._discard(which, detail)
            case _ if which in _UNUSED or not self._attendance.takes(which, detail):
                self._discard(which, detail)
            case _:
                self._pass_on(put, event)
        if self._attendance.is_crowded:
            self._attendance.is_crowded, self._arrivals.is_cut = False, True
        if self._attendance.is_flooded:
            self._flood()

    def _pass_on(self, put: Callable[[Any], object], event: Any) -> None:
        size = event.ByteSize()
        if len(self._events) >= MOST_WAITING or self._waiting_bytes + size > MOST_WAITING_BYTES:
            self._flood()
        room = event.room_event
        which = room.WhichOneof("message")
        if self._is_flooded and which is not None and which not in _ENDS:
            self._discard(which, getattr(room, which))
            return
        self._waiting_bytes += size
        self._events.append((put, event, size))

    def _flood(self) -> None:
        if not self._is_flooded:
            self._is_flooded = True
            self._loop.call_soon_threadsafe(self._tell_flood)

    def _take_piece(self, event: Any) -> None:
        handle = event.reader_handle
        if handle not in self._reading:
            return
        if event.WhichOneof("detail") == "eos":
            del self._reading[handle]
            self._arrivals.ended[handle] = None
        else:
            self._arrivals.take_piece(handle, event.chunk_received.content)

    def _discard(self, which: str, event: Any) -> None:
        handle = _HANDLES.get(which)
        if handle is not None and (number := handle(event)):
            self._arrivals.discarded.append(number)

    @property
    def _is_waiting(self) -> bool:
        return bool(self._events) or not self._arrivals.is_empty or not self._taken.is_empty

    # In the loop

    def _hand_over(self) -> None:
        if time.monotonic() >= self._frame_end_s:
            self._hand_over_words()
            self._events_left = EVENTS_A_FRAME
            self._frame_end_s = time.monotonic() + FRAME_S
        while self._events and self._events_left:
            put, event, size = self._events.popleft()
            self._events_left -= 1
            with self._lock:
                self._waiting_bytes -= size
            put(event)
        with self._lock:
            self._is_woken = self._is_waiting
        if self._is_woken:
            self._loop.call_later(max(0.0, self._frame_end_s - time.monotonic()), self._hand_over)

    @guarded("media.inbox")
    def _hand_over_words(self) -> None:
        if self._taken.is_empty:
            fresh = Arrivals()
            with self._lock:
                self._taken = self._arrivals
                self._arrivals = fresh
        taken = self._taken
        if self._is_closed:
            self._taken = Arrivals()
            taken.discarded += [opened.reader.handle.id for opened in taken.openings]
        while taken.discarded:
            self._dispose(taken.discarded.pop())
        if self._is_closed:
            return
        self._hand_over_texts(taken)
        self._hand_over_segments(taken)
        for _ in range(min(_OPENINGS_A_FRAME, len(taken.openings))):
            self._open_text(taken.openings.popleft())
        for identity, value in _some(taken.states, len(taken.states)):
            self._listener.state_arrived(identity, value)
        if taken.is_cut:
            taken.is_cut = False
            self._listener.room_cut()

    def _hand_over_segments(self, taken: Arrivals) -> None:
        until_s = time.thread_time() + _SEGMENTS_S
        for _ in range(_PORTIONS_A_FRAME):
            for (identity, segment_id, _number), (text, final) in _some(taken.segments, _SEGMENTS):
                self._listener.segment_arrived(identity, segment_id, text, final)
            if not taken.segments or time.thread_time() > until_s:
                return

    def _hand_over_texts(self, taken: Arrivals) -> None:
        for handle, pieces in _some(taken.texts, len(taken.texts)):
            self._listener.text_arrived(handle, "".join(pieces))
        for handle, _none in _some(taken.ended, len(taken.ended)):
            self._listener.text_ended(handle)

    def _open_text(self, opened: Any) -> None:
        handle, info = opened.reader.handle.id, opened.reader.info
        close = partial(self._forget, handle)
        self._listener.text_opened(
            handle, info.stream_id, info.attributes, opened.participant_identity, close
        )
        with self._lock:
            self._reading[handle] = None
        self._read(opened.reader)

    def _forget(self, handle: int) -> None:
        with self._lock:
            self._reading.pop(handle, None)

    def _tell_flood(self) -> None:
        if not self._is_closed:
            self._listener.room_flooded()


def _some(waiting: dict[K, V], most: int) -> list[tuple[K, V]]:
    """Takes so many of what waits, the oldest first."""
    return [(key, waiting.pop(key)) for key in list(islice(waiting, most))]
