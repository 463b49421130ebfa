"""The transcript: what was said and typed, ordered by first word. Pure: it knows no room."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import Final, Literal

from atlas_desktop.aio import ErrorHandler
from atlas_desktop.session.callbacks import Callbacks, Unsubscribe
from atlas_desktop.session.frame_throttle import FrameThrottle
from atlas_desktop.session.segment_stream import LONGEST_MESSAGE, SegmentStream, clean

Role = Literal["user", "agent"]
Channel = Literal["legacy", "stream", "typed"]

MOST_MESSAGES: Final = 10_000
"""Messages of a room that are kept: a day's conversation."""
MOST_CHARACTERS: Final = 4_000_000
"""All messages together; beyond that a room's words are dropped."""
LONGEST_ID: Final = 200
"""Ids are kept as keys, and a room may send them at any length."""
_MESSAGES_PER_FRAME: Final = 16
_PUBLISHING_S: Final = 0.004
"""Observers' time per frame: a flood of messages must leave the window responsive."""
_RECENT: Final = 64
"""Entries per channel that are searched for a duplicate."""
_LONGEST_ECHO: Final = 20_000
"""No typed message is longer: a packet holds 15 KiB."""
_COMPARED: Final = 500
"""Characters compared between the two channels, which may each be at another word."""
ECHO_WINDOW_MS = 15_000
"""A user's segment with the same words as a message typed within this time is its echo."""


class Delivery(StrEnum):
    """Whether a message that the user typed was sent."""

    SENT = "sent"
    """Sent; all that was spoken has this, too."""
    WAITING = "waiting"
    """Queued until somebody is there to read it."""
    NOT_SENT = "not_sent"
    """Its session ended first; it can be sent again."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said or typed. ``timestamp_ms`` counts from the epoch, at its first word."""

    id: str
    role: Role
    text: str
    final: bool
    timestamp_ms: int
    delivery: Delivery = Delivery.SENT


@dataclass(slots=True)
class _Entry:
    """A message's index, and the channel its words come from."""

    index: int
    channel: Channel
    claimed: bool = False
    """An echo of it was seen, or the other channel took it over: no other segment may match it."""


class Transcript:
    """The ordered messages of a session, and of those it was switched from.

    Two channels may bring the same words under different ids: text streams are preferred, and once
    one was seen, the legacy segments of that session are ignored. What a room sends is bounded here, and
    observers are notified of it at most once a frame, a few messages at a time. Thread: one event loop.

    Args:
        clock_ms: Milliseconds since the epoch.
        on_error: Called with the error of a failed callback.
        on_cut: Called once per server session when the first of its words is dropped.
    """

    def __init__(
        self,
        clock_ms: Callable[[], int] = lambda: int(time.time() * 1000),
        on_error: ErrorHandler | None = None,
        on_cut: Callable[[], object] = lambda: None,
    ) -> None:
        self._clock_ms = clock_ms
        self._on_cut = on_cut
        self._messages: list[Message] = []
        self._entries: dict[str, _Entry] = {}
        self._indices: dict[str, int] = {}
        self._recent: dict[Channel, deque[_Entry]] = {}
        self._not_sent: dict[int, None] = {}
        self._characters = 0
        self._ids = count(1)
        self._epoch = 0
        self._streams_seen = False
        self._is_cut = False
        # In the order of first change; a new message always comes after those before it.
        self._unpublished: dict[int, None] = {}
        self._throttle = FrameThrottle(self._publish)
        self._changes: Callbacks[[Message, int]] = Callbacks("transcript.on_change", on_error)
        self._resets: Callbacks[[]] = Callbacks("transcript.on_reset", on_error)

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages, ordered by first seen."""
        return tuple(self._messages)

    def on_change(self, callback: Callable[[Message, int], object]) -> Unsubscribe:
        """Call ``callback(message, index)`` for each new or changed message; return the unsubscribe."""
        return self._changes.add(callback)

    def on_reset(self, callback: Callable[[], object]) -> Unsubscribe:
        """Call ``callback`` when all messages were dropped; return the unsubscribe."""
        return self._resets.add(callback)

    @property
    def not_sent(self) -> tuple[Message, ...]:
        """Messages that were typed and never sent, in order."""
        return tuple(self._messages[index] for index in sorted(self._not_sent))

    @property
    def count_not_sent(self) -> int:
        """How many messages were typed and never sent."""
        return len(self._not_sent)

    def reset(self) -> None:
        """Drop all messages except those not sent, which can be sent again: a new session, not a switch."""
        kept = self.not_sent
        self._messages.clear()
        self._entries.clear()
        self._indices.clear()
        self._not_sent.clear()
        self._unpublished.clear()
        self._throttle.cancel()
        self._characters = 0
        self.begin()
        self._resets()
        for message in kept:
            self._add(f"typed-{next(self._ids)}", replace(message, id=self._next_id), "typed")
        self._publish_soon()

    def begin(self) -> None:
        """Begin a server session: its segment ids are its own, its channels not known yet."""
        self.settle()
        self._epoch += 1
        self._recent.clear()
        self._streams_seen = self._is_cut = False

    def settle(self) -> None:
        """Mark all messages as final: the server session is over."""
        for index, message in enumerate(self._messages):
            if not message.final:
                self._store(index, replace(message, final=True))
        self._publish_soon()

    def add_typed(self, text: str, delivery: Delivery = Delivery.SENT) -> Message:
        """Add a message that the user typed."""
        message = Message(self._next_id, "user", clean(text), True, self._clock_ms(), delivery)
        self._add(f"typed-{next(self._ids)}", message, "typed")
        self._publish_soon()
        return message

    def mark(self, message_id: str, delivery: Delivery, *, again: bool = False) -> None:
        """Set the delivery of a typed message, if it still exists. ``again``: with the current time."""
        index = self._indices.get(message_id)
        if index is not None:
            message = self._messages[index]
            at_ms = self._clock_ms() if again else message.timestamp_ms
            self._store(index, replace(message, delivery=delivery, timestamp_ms=at_ms))
            self._publish_soon()

    def put_legacy(self, segment_id: str, role: Role, text: str, final: bool) -> None:
        """Put a segment of ``transcription_received``: its whole text so far."""
        if not segment_id:
            # Without an id it can't be replaced: only its final version is taken.
            segment_id = f"unnamed-{next(self._ids)}" if final else ""
        if segment_id and not self._streams_seen:
            key = f"{self._epoch}/legacy/{segment_id[:LONGEST_ID]}"
            self._put(key, role, clean(self._fitting(text)), final, "legacy")

    def open_stream(self, segment_id: str, role: Role, final: bool) -> SegmentStream:
        """Open a text stream of ``segment_id``; ``final`` is what its attributes say."""
        self._streams_seen = True
        return SegmentStream(self, f"{self._epoch}/stream/{segment_id[:LONGEST_ID]}", role, final)

    def put_stream(self, key: str, role: Role, text: str, *, final: bool) -> None:
        """Set the whole text of a stream's segment; for ``SegmentStream``."""
        self._put(key, role, self._fitting(text), final, "stream")

    def note_cut(self) -> None:
        """Note that part of what the room said was dropped."""
        if not self._is_cut:
            self._is_cut = True
            self._on_cut()

    def knows(self, key: str) -> bool:
        """Whether ``key`` has a message."""
        return key in self._entries

    def text_of(self, key: str) -> str:
        """Return the text of ``key``, or an empty string."""
        entry = self._entries.get(key)
        return self._messages[entry.index].text if entry is not None else ""

    def _fitting(self, text: str) -> str:
        if len(text) <= LONGEST_MESSAGE:
            return text
        self.note_cut()
        return text[:LONGEST_MESSAGE]

    def _put(self, key: str, role: Role, text: str, final: bool, channel: Channel) -> None:
        entry = self._entries.get(key)
        if entry is None:
            if not _has_words(text):
                return
            entry = self._duplicate_of(role, text, channel)
            if entry is None:
                self._append(key, role, text, final, channel)
                return
            self._entries[key] = entry
        self._change(entry, text, final)

    def _append(self, key: str, role: Role, text: str, final: bool, channel: Channel) -> None:
        if len(self._messages) >= MOST_MESSAGES or self._characters + len(text) > MOST_CHARACTERS:
            self.note_cut()
            return
        self._add(key, Message(self._next_id, role, text, final, self._clock_ms()), channel)
        self._throttle.request()

    def _change(self, entry: _Entry, text: str, final: bool) -> None:
        known = self._messages[entry.index]
        if entry.channel == "typed":
            return
        # Blank text never replaces words; nor does the other channel, which repeats them from the start.
        again = entry.channel == "legacy" and entry.claimed and known.text.startswith(text)
        kept = text if _has_words(text) and not again else known.text
        if len(kept) > len(known.text) and self._characters + len(kept) - len(known.text) > MOST_CHARACTERS:
            self.note_cut()
            kept = known.text
        done = final or (known.final and kept == known.text)
        self._store(entry.index, replace(known, text=kept, final=done))
        if self._unpublished:
            self._throttle.request()

    def _duplicate_of(self, role: Role, text: str, channel: Channel) -> _Entry | None:
        """Return the entry that already has these words: typed by the user, or from the other channel."""
        entry = None
        if len(text) <= _LONGEST_ECHO:
            words = _normalized(text)
            entry = self._unclaimed(role, "typed", lambda typed: _normalized(typed) == words)
        if entry is None and channel == "stream":
            head = _normalized(text[:_COMPARED])
            entry = self._unclaimed(
                role, "legacy", lambda said: _is_prefix_pair(_normalized(said[:_COMPARED]), head)
            )
        if entry is not None:
            entry.claimed = True
        return entry

    def _unclaimed(self, role: Role, channel: Channel, fits: Callable[[str], bool]) -> _Entry | None:
        now_ms = self._clock_ms()
        for entry in reversed(self._recent.get(channel, ())):
            message = self._messages[entry.index]
            is_recent = now_ms - message.timestamp_ms <= ECHO_WINDOW_MS
            if not entry.claimed and message.role == role and is_recent and fits(message.text):
                return entry
        return None

    @property
    def _next_id(self) -> str:
        return f"m{len(self._messages) + 1}"

    def _add(self, key: str, message: Message, channel: Channel) -> None:
        index = len(self._messages)
        entry = self._entries[key] = _Entry(index, channel)
        self._recent.setdefault(channel, deque(maxlen=_RECENT)).append(entry)
        self._indices[message.id] = index
        self._messages.append(message)
        self._note(index, message, len(message.text))

    def _store(self, index: int, message: Message) -> None:
        known = self._messages[index]
        if message != known:
            self._messages[index] = message
            self._note(index, message, len(message.text) - len(known.text))

    def _note(self, index: int, message: Message, more_characters: int) -> None:
        self._characters += more_characters
        if message.delivery is Delivery.NOT_SENT:
            self._not_sent[index] = None
        else:
            self._not_sent.pop(index, None)
        self._unpublished[index] = None

    def _publish_soon(self) -> None:
        """Publish at once what the user did, unless a flood from the room is queued before it."""
        if len(self._unpublished) > _MESSAGES_PER_FRAME:
            self._throttle.request()
            return
        while self._unpublished:
            self._publish_next()

    def _publish(self) -> None:
        until_s = time.monotonic() + _PUBLISHING_S
        for _ in range(_MESSAGES_PER_FRAME):
            if not self._unpublished:
                return
            self._publish_next()
            if time.monotonic() > until_s:
                break
        if self._unpublished:
            self._throttle.request()

    def _publish_next(self) -> None:
        index = next(iter(self._unpublished))
        del self._unpublished[index]
        self._changes(self._messages[index], index)


def _has_words(text: str) -> bool:
    return bool(text) and not text.isspace()


def _normalized(text: str) -> str:
    """``text`` without regard to case and blanks, for comparison."""
    return " ".join(text.casefold().split())


def _is_prefix_pair(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
