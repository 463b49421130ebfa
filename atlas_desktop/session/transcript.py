"""The transcript: what was said and typed, in the order of its first word. Pure: it knows no room."""

import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import Literal

from atlas_desktop.aio import ErrorHandler
from atlas_desktop.session.callbacks import Callbacks, Unsubscribe

Role = Literal["user", "agent"]

ECHO_WINDOW_MS = 15_000
"""A segment of the user's with the very words that were typed within this time is their echo."""


class Delivery(StrEnum):
    """What became of a message that the user typed."""

    SENT = "sent"
    """It went out; everything that was said, too."""
    WAITING = "waiting"
    """It waits until somebody is there to read it."""
    NOT_SENT = "not_sent"
    """Its session was over before; it can be sent again."""


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
class _Line:
    """A message's place, and where its words come from."""

    index: int
    channel: Literal["legacy", "stream", "typed"]
    claimed: bool = False
    """An echo of it was seen, or the other channel took it over: nothing else may."""


class SegmentStream:
    """One incoming text stream: the words of one segment, or its newest version.

    The user's streams each carry the whole text so far and replace; an agent's carries deltas. A
    second stream of an agent's segment goes on where the first ended, unless it says the whole again.

    Attributes:
        is_new: Nothing of the segment was known before this stream.
    """

    def __init__(self, transcript: "Transcript", key: str, role: Role, final: bool) -> None:
        self._transcript = transcript
        self._key = key
        self._role = role
        self._final = final
        self._text = ""
        self._before = transcript.text_of(key) if role == "agent" else ""
        self.is_new = not transcript.knows(key)

    def add(self, piece: str) -> None:
        """Takes the next piece of the stream."""
        self._text += piece
        self._transcript.put_stream(self._key, self._role, self._whole(), final=False)

    def close(self) -> None:
        """The stream ended as it should: an agent's words are final, the user's when it said so."""
        self._transcript.put_stream(
            self._key, self._role, self._whole(), final=self._final or self._role == "agent"
        )

    def abandon(self) -> None:
        """The stream broke: what it brought stands, and nothing more will come."""
        self.close()

    def _whole(self) -> str:
        text = clean(self._text)
        if not self._before or text.startswith(self._before) or self._before.startswith(text):
            return text if len(text) >= len(self._before) else self._before
        return self._before + text


class Transcript:
    """The ordered messages of a session, and of those it was switched from.

    Two channels may bring the same words under different ids: text streams are preferred, and once
    one was seen, the legacy segments of that session are ignored. Thread: one event loop.

    Args:
        clock_ms: Milliseconds since the epoch.
        on_error: Told of a callback that failed.
    """

    def __init__(
        self,
        clock_ms: Callable[[], int] = lambda: int(time.time() * 1000),
        on_error: ErrorHandler | None = None,
    ) -> None:
        self._clock_ms = clock_ms
        self._messages: list[Message] = []
        self._lines: dict[str, _Line] = {}
        self._ids = count(1)
        self._epoch = 0
        self._streams_seen = False
        self._changes: Callbacks[[Message, int]] = Callbacks("transcript.on_change", on_error)
        self._resets: Callbacks[[]] = Callbacks("transcript.on_reset", on_error)

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages, ordered by first seen."""
        return tuple(self._messages)

    def on_change(self, callback: Callable[[Message, int], object]) -> Unsubscribe:
        """Calls ``callback(message, index)`` for each new or changed message; returns the way out."""
        return self._changes.add(callback)

    def on_reset(self, callback: Callable[[], object]) -> Unsubscribe:
        """Calls ``callback`` when all messages were dropped; returns the way out."""
        return self._resets.add(callback)

    @property
    def not_sent(self) -> tuple[Message, ...]:
        """What was typed and never went out, in order."""
        return tuple(message for message in self._messages if message.delivery is Delivery.NOT_SENT)

    def reset(self) -> None:
        """Drops all messages but those not sent, which can be sent again: a new session, not a switch."""
        kept = self.not_sent
        self._messages.clear()
        self._lines.clear()
        self.begin()
        self._resets()
        for message in kept:
            self._add(f"typed-{next(self._ids)}", replace(message, id=self._next_id), "typed")

    def begin(self) -> None:
        """A server session begins: its segment ids are its own, and its channels are unknown yet."""
        self.settle()
        self._epoch += 1
        self._streams_seen = False

    def settle(self) -> None:
        """A server session is over: what stands unfinished is final now."""
        for index, message in enumerate(self._messages):
            if not message.final:
                self._store(index, replace(message, final=True))

    def type(self, text: str, delivery: Delivery = Delivery.SENT) -> Message:
        """Adds what the user typed."""
        message = Message(self._next_id, "user", clean(text), True, self._clock_ms(), delivery)
        return self._add(f"typed-{next(self._ids)}", message, "typed")

    def mark(self, message_id: str, delivery: Delivery, *, again: bool = False) -> None:
        """Says what became of a typed message; nothing happens when it is gone. ``again``: typed just now."""
        for index in reversed(range(len(self._messages))):
            message = self._messages[index]
            if message.id == message_id:
                at_ms = self._clock_ms() if again else message.timestamp_ms
                self._store(index, replace(message, delivery=delivery, timestamp_ms=at_ms))
                return

    def put_legacy(self, segment_id: str, role: Role, text: str, final: bool) -> None:
        """Takes one segment of ``transcription_received``: its whole text so far."""
        if not segment_id:
            # Nothing can replace it: only its last word counts.
            segment_id = f"unnamed-{next(self._ids)}" if final else ""
        if segment_id and not self._streams_seen:
            self._put(f"{self._epoch}/legacy/{segment_id}", role, clean(text), final, "legacy")

    def open_stream(self, segment_id: str, role: Role, final: bool) -> SegmentStream:
        """A text stream of ``segment_id`` began; ``final`` is what its attributes say."""
        self._streams_seen = True
        return SegmentStream(self, f"{self._epoch}/stream/{segment_id}", role, final)

    def put_stream(self, key: str, role: Role, text: str, *, final: bool) -> None:
        """Sets the whole text of a stream's segment. Called by ``SegmentStream``."""
        self._put(key, role, text, final, "stream")

    def knows(self, key: str) -> bool:
        """Whether anything was said under ``key``."""
        return key in self._lines

    def text_of(self, key: str) -> str:
        """What stands under ``key``, or nothing."""
        line = self._lines.get(key)
        return self._messages[line.index].text if line is not None else ""

    def _put(
        self, key: str, role: Role, text: str, final: bool, channel: Literal["legacy", "stream"]
    ) -> None:
        line = self._lines.get(key)
        if line is None and text.strip():
            line = self._twin(role, text, channel)
            if line is None:
                self._append(key, role, text, final, channel)
                return
            self._lines[key] = line
        if line is not None:
            self._change(line, text, final)

    def _change(self, line: _Line, text: str, final: bool) -> None:
        known = self._messages[line.index]
        if line.channel == "typed":
            return
        # Blank text never takes words away; nor does the other channel, which says the same words again.
        again = line.channel == "legacy" and line.claimed and known.text.startswith(text)
        kept = text if text.strip() and not again else known.text
        done = final or (known.final and kept == known.text)
        self._store(line.index, replace(known, text=kept, final=done))

    def _twin(self, role: Role, text: str, channel: Literal["legacy", "stream"]) -> _Line | None:
        """The line that already holds these words: typed by the user, or come over the other channel."""
        now_ms = self._clock_ms()
        for line in reversed(list(self._lines.values())):
            message = self._messages[line.index]
            if line.claimed or message.role != role or now_ms - message.timestamp_ms > ECHO_WINDOW_MS:
                continue
            if line.channel == "typed" and _words(message.text) == _words(text):
                line.claimed = True
                return line
            if channel == "stream" and line.channel == "legacy" and _one_begins_other(message.text, text):
                line.claimed = True
                return line
        return None

    def _append(
        self, key: str, role: Role, text: str, final: bool, channel: Literal["legacy", "stream", "typed"]
    ) -> Message:
        return self._add(key, Message(self._next_id, role, text, final, self._clock_ms()), channel)

    @property
    def _next_id(self) -> str:
        return f"m{len(self._messages) + 1}"

    def _add(self, key: str, message: Message, channel: Literal["legacy", "stream", "typed"]) -> Message:
        index = len(self._messages)
        self._lines[key] = _Line(index, channel)
        self._messages.append(message)
        self._changes(message, index)
        return message

    def _store(self, index: int, message: Message) -> None:
        if message != self._messages[index]:
            self._messages[index] = message
            self._changes(message, index)


def clean(text: str) -> str:
    """Strips control characters but the line break; all else stays as it came."""
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(sign for sign in lines if sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cs"))


def _words(text: str) -> str:
    return " ".join(text.casefold().split())


def _one_begins_other(one: str, other: str) -> bool:
    first, second = _words(one), _words(other)
    return first.startswith(second) or second.startswith(first)
