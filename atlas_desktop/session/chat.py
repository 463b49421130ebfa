"""Typed text on its way to the agent: what goes into a packet, and what waits for its turn."""

import asyncio
import json
from collections import deque
from collections.abc import Callable

from atlas_desktop.aio import ErrorHandler, TaskScope
from atlas_desktop.errors import AppError, MessageTooLongError
from atlas_desktop.session.ports import RoomPort
from atlas_desktop.session.transcript import Transcript

PACKET_LIMIT_BYTES = 15_000
"""A reliable data packet of LiveKit may have 15 KiB, the envelope included.

Source: docs.livekit.io, "Data packets": larger ones may be dropped, or close the channel.
"""


def speak_packet(text: str) -> bytes:
    """The data packet that makes the agent answer ``text``, or chat in passthrough.

    Raises:
        MessageTooLongError: It would be larger than a packet may be.
    """
    payload = json.dumps({"type": "speak", "text": text}, ensure_ascii=False).encode("utf-8", "replace")
    if len(payload) > PACKET_LIMIT_BYTES:
        raise MessageTooLongError(length=len(payload))
    return payload


class Chat:
    """Sends what is typed, in order; what is typed before the session is live waits for it.

    Thread: the session's loop.

    Args:
        transcript: Gets what is typed at once.
        scope: Owns the task that sends.
        on_notice: Told of what was not sent.
        on_change: Called when the number of waiting messages changes.
    """

    def __init__(
        self, transcript: Transcript, scope: TaskScope, on_notice: ErrorHandler, on_change: Callable[[], None]
    ) -> None:
        self._transcript = transcript
        self._scope = scope
        self._on_notice = on_notice
        self._on_change = on_change
        self._waiting: deque[bytes] = deque()
        self._room: RoomPort | None = None
        self._sending: asyncio.Task[None] | None = None

    @property
    def unsent(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def say(self, text: str) -> bool:
        """Takes a message; False when it is blank or too long (which is told)."""
        if not text.strip():
            return False
        try:
            self._waiting.append(speak_packet(text))
        except MessageTooLongError as error:
            self._on_notice(error)
            return False
        self._transcript.type(text)
        self._go_on()
        self._on_change()
        return True

    def open(self, room: RoomPort) -> None:
        """The session is live, or live again: what waits is sent."""
        self._room = room
        self._go_on()

    def hold(self) -> None:
        """The connection broke, or the session ends: messages wait."""
        self._room = None

    def clear(self) -> None:
        """Forgets what waits or is on its way: it was meant for a session that is over."""
        self._waiting.clear()
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def _go_on(self) -> None:
        idle = self._sending is None or self._sending.done()
        if self._room is not None and self._waiting and idle:
            self._sending = self._scope.start(self._send(), "chat")

    async def _send(self) -> None:
        while self._waiting and (room := self._room) is not None:
            try:
                await room.send(self._waiting[0])
            except AppError as error:
                self._on_notice(error)
                return  # it stays, and goes out with the next message or when the room is back
            self._waiting.popleft()
            self._on_change()
