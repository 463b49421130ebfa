"""A room's events on their way from the SDK's native thread to our loop: bounded, delivered once a frame.

The SDK queues every event on the loop, where each costs half a millisecond; a room that sends text in chunks
of eight bytes, or a thousand segments a second, would block the window. Here text is coalesced in the native
thread, as the tap takes pictures there, and the events left for the SDK follow a few at a time.
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
from atlas_desktop.media.room_intake import AdmissionPolicy, EventBuffer, trim

K = TypeVar("K")
V = TypeVar("V")

FRAME_S: Final = 1 / 60
EVENTS_A_FRAME: Final = 16
MOST_WAITING: Final = 10_000
"""How many events may wait for the SDK; a room that sends more, faster than they are processed, is left."""
MOST_WAITING_BYTES: Final = 32_000_000
_SEGMENTS: Final = 24
_PORTIONS_A_FRAME: Final = 20
_SEGMENTS_S: Final = 0.003
"""CPU time per frame for legacy segments; at least one portion is delivered."""
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
"""The native handle that an event owns, which is disposed of when the SDK does not get the event."""
_IGNORED: Final = frozenset(
    (
        *("data_packet_received", "byte_stream_opened", "data_track_published", "data_track_unpublished"),
        *("active_speakers_changed", "connection_quality_changed", "data_channel_low_threshold_changed"),
        *("participant_metadata_changed", "participant_name_changed", "room_metadata_changed"),
        *("participant_encryption_status_changed", "e2ee_state_changed", "chat_message"),
        *("stream_header_received", "stream_chunk_received", "stream_trailer_received"),
        *("participants_updated", "track_subscription_failed"),
    )
)
"""Events without a listener here."""
_ENDS: Final = frozenset(("eos", "disconnected", "connection_state_changed"))
"""The SDK waits for these before it considers a room left."""


class InboxListener(Protocol):
    """Receives a room's text and states. Thread: the loop."""

    def text_opened(
        self,
        key: Hashable,
        stream_id: str,
        attributes: Mapping[str, str],
        identity: str,
        close: Callable[[], None],
    ) -> None:
        """Handle an opened text stream, named ``key`` from here on; ``close`` stops reading it."""

    def text_arrived(self, key: Hashable, text: str) -> None:
        """Handle further text of a stream."""

    def text_ended(self, key: Hashable) -> None:
        """Handle the end of a text stream; all of it has arrived."""

    def segment_arrived(self, identity: str, segment_id: str, text: str, final: bool) -> None:
        """Handle the newest version of a legacy segment."""

    def state_arrived(self, identity: str, value: str) -> None:
        """Handle the newest value of the watched attribute."""

    def room_cut(self) -> None:
        """Handle that something of what the room sent was dropped."""

    def room_flooded(self) -> None:
        """Handle a room that sends more than can be processed: leave it."""


def _read(owned: Any) -> None:
    # The SDK's reader requests the chunks; its queue, where each costs a turn of the loop, is closed.
    rtc.TextStreamReader(owned).close()


class RoomInbox:
    """Stands in for the event loop of an ``rtc.Room``, as far as that uses one.

    Thread: the SDK calls ``call_soon_threadsafe`` under its lock, so it never raises, waits or calls the SDK.
    Everything else is called on the loop.

    Args:
        listener: Receives the room's text and states.
        topic: Text streams of other topics are not read.
        attribute: The watched attribute of participants.
        dispose: Disposes of a native handle.
        read: Requests a text stream's chunks.
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
        # Held briefly, and the loop allocates nothing meanwhile: a garbage collection may call the SDK.
        self._lock = threading.Lock()
        self._room_handle = 0
        self._admission = AdmissionPolicy()
        self._events: deque[tuple[Callable[[Any], object], Any, int]] = deque()
        self._waiting_bytes = 0
        self._reading: dict[int, None] = {}
        self._buffer = EventBuffer()
        self._delivering = EventBuffer()
        self._is_flooded = self._is_closed = self._is_scheduled = False
        self._frame_end_s = 0.0
        self._events_left = EVENTS_A_FRAME

    def create_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Create the SDK's own task, as a loop does."""
        return self._loop.create_task(work)

    def call_soon_threadsafe(self, put: Callable[[Any], object], event: Any) -> None:
        """Take an event, as a loop does; ``put`` is that of the SDK's queue."""
        self._take(put, event)

    def joined(self, room: rtc.Room) -> None:
        """Recognise the events of the connected ``room`` from now on."""
        people = {
            identity: list(person.track_publications) for identity, person in room.remote_participants.items()
        }
        handle = getattr(room, "_ffi_handle", None)
        with self._lock:
            self._admission.add_all(room.local_participant.identity, people)
            self._room_handle = handle.handle if handle is not None else 0

    def close(self) -> None:
        """Leave the room: pass on only what the SDK needs for that."""
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
                    self._take_chunk(event.text_stream_reader_event)
                case "connect":
                    for one in event.connect.result.participants:
                        trim(one.participant.info)
                case "publish_track" | "unpublish_track":
                    self._pass_on(put, event)
                case "rpc_method_invocation" if len(self._events) < EVENTS_A_FRAME:
                    self._pass_on(put, event)
            needs_wake = not self._is_scheduled and self._is_waiting
            self._is_scheduled = self._is_scheduled or needs_wake
        if needs_wake and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver)

    def _take_room_event(self, put: Callable[[Any], object], event: Any) -> None:
        room = event.room_event
        which = room.WhichOneof("message")
        detail = getattr(room, which)
        if not self._room_handle:
            # Not joined yet: the SDK finds out whose event it is.
            self._admission.admits(which, detail)
            self._pass_on(put, event)
        elif room.room_handle == self._room_handle:
            self._take_own(which, detail, put, event)

    def _take_own(self, which: str, detail: Any, put: Callable[[Any], object], event: Any) -> None:
        match which:
            case "transcription_received":
                self._buffer.add_segments(detail)
            case "participant_attributes_changed":
                self._buffer.add_attributes(detail, self._attribute)
            case "text_stream_opened":
                is_wanted = detail.reader.info.topic == self._topic and not self._is_closed
                if not is_wanted or not self._buffer.add_opening(detail):
                    self._discard(which, detail)
            case _ if which in _IGNORED or not self._admission.admits(which, detail):
                self._discard(which, detail)
            case _:
                self._pass_on(put, event)
        if self._admission.has_rejected:
            self._admission.has_rejected, self._buffer.is_cut = False, True
        if self._admission.is_flooded:
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
            self._loop.call_soon_threadsafe(self._notify_flood)

    def _take_chunk(self, event: Any) -> None:
        handle = event.reader_handle
        if handle not in self._reading:
            return
        if event.WhichOneof("detail") == "eos":
            del self._reading[handle]
            self._buffer.ended[handle] = None
        else:
            self._buffer.add_chunk(handle, event.chunk_received.content)

    def _discard(self, which: str, event: Any) -> None:
        handle = _HANDLES.get(which)
        if handle is not None and (number := handle(event)):
            self._buffer.discarded.append(number)

    @property
    def _is_waiting(self) -> bool:
        return bool(self._events) or not self._buffer.is_empty or not self._delivering.is_empty

    # In the loop

    def _deliver(self) -> None:
        if time.monotonic() >= self._frame_end_s:
            self._deliver_text_and_states()
            self._events_left = EVENTS_A_FRAME
            self._frame_end_s = time.monotonic() + FRAME_S
        while self._events and self._events_left:
            put, event, size = self._events.popleft()
            self._events_left -= 1
            with self._lock:
                self._waiting_bytes -= size
            put(event)
        with self._lock:
            self._is_scheduled = self._is_waiting
        if self._is_scheduled:
            self._loop.call_later(max(0.0, self._frame_end_s - time.monotonic()), self._deliver)

    @guarded("media.inbox")
    def _deliver_text_and_states(self) -> None:
        if self._delivering.is_empty:
            fresh = EventBuffer()
            with self._lock:
                self._delivering = self._buffer
                self._buffer = fresh
        buffer = self._delivering
        if self._is_closed:
            self._delivering = EventBuffer()
            buffer.discarded += [opened.reader.handle.id for opened in buffer.openings]
        while buffer.discarded:
            self._dispose(buffer.discarded.pop())
        if self._is_closed:
            return
        self._deliver_texts(buffer)
        self._deliver_segments(buffer)
        for _ in range(min(_OPENINGS_A_FRAME, len(buffer.openings))):
            self._open_text(buffer.openings.popleft())
        for identity, value in _pop_oldest(buffer.states, len(buffer.states)):
            self._listener.state_arrived(identity, value)
        if buffer.is_cut:
            buffer.is_cut = False
            self._listener.room_cut()

    def _deliver_segments(self, buffer: EventBuffer) -> None:
        until_s = time.thread_time() + _SEGMENTS_S
        for _ in range(_PORTIONS_A_FRAME):
            for (identity, segment_id, _number), (text, final) in _pop_oldest(buffer.segments, _SEGMENTS):
                self._listener.segment_arrived(identity, segment_id, text, final)
            if not buffer.segments or time.thread_time() > until_s:
                return

    def _deliver_texts(self, buffer: EventBuffer) -> None:
        for handle, chunks in _pop_oldest(buffer.texts, len(buffer.texts)):
            self._listener.text_arrived(handle, "".join(chunks))
        for handle, _none in _pop_oldest(buffer.ended, len(buffer.ended)):
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

    def _notify_flood(self) -> None:
        if not self._is_closed:
            self._listener.room_flooded()


def _pop_oldest(waiting: dict[K, V], most: int) -> list[tuple[K, V]]:
    """Remove and return up to ``most`` items, the oldest first."""
    return [(key, waiting.pop(key)) for key in list(islice(waiting, most))]
