"""Typed text on its way to the agent: data packets, and the queue of those that wait."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atlas_desktop.aio import ErrorHandler, TaskScope
from atlas_desktop.clock import monotonic_us
from atlas_desktop.errors import AppError, MessageTooLongError
from atlas_desktop.session.transcript import Delivery, Transcript

if TYPE_CHECKING:
    from atlas_desktop.session.room.livekit_room import LiveKitRoom

PACKET_LIMIT_BYTES = 15_000
"""A reliable data packet of LiveKit may have 15 KiB, including its envelope.

Source: docs.livekit.io, "Data packets": larger ones may be dropped, or close the channel.
"""
_RECENT = 16
"""Sent messages that can still be marked as waiting when it turns out that the network was gone."""


def speak_packet(text: str) -> bytes:
    """Return the data packet that makes the agent answer ``text``, or a chat message in passthrough.

    Raises:
        MessageTooLongError: It would be larger than a packet may be.
    """
    payload = json.dumps({"type": "speak", "text": text}, ensure_ascii=False).encode("utf-8", "replace")
    if len(payload) > PACKET_LIMIT_BYTES:
        raise MessageTooLongError(length=len(payload))
    return payload


@dataclass(frozen=True, slots=True)
class _Packet:
    message_id: str
    payload: bytes
    sent_us: int = 0


class Chat:
    """Sends typed messages in order; queues them while nobody would read them.

    Thread: the session's loop.

    Args:
        transcript: Shows each message at once, and its delivery.
        scope: Owns the task that sends.
        on_notice: Called with the error of a message that was not sent.
        on_change: Called when the number of queued messages changes.
    """

    def __init__(
        self, transcript: Transcript, scope: TaskScope, on_notice: ErrorHandler, on_change: Callable[[], None]
    ) -> None:
        self._transcript = transcript
        self._scope = scope
        self._on_notice = on_notice
        self._on_change = on_change
        self._waiting: deque[_Packet] = deque()
        self._recent: deque[_Packet] = deque(maxlen=_RECENT)
        self._unconfirmed: tuple[_Packet, ...] = ()
        self._room: LiveKitRoom | None = None
        self._sending: asyncio.Task[None] | None = None

    @property
    def unsent(self) -> int:
        """How many messages are queued."""
        return len(self._waiting)

    @property
    def not_sent(self) -> int:
        """How many messages of earlier sessions were never sent."""
        return self._transcript.count_not_sent

    def send(self, text: str) -> bool:
        """Queue a message; return False when it is blank, or too long (which raises a notice)."""
        if not text.strip():
            return False
        try:
            payload = speak_packet(text)
        except MessageTooLongError as error:
            self._on_notice(error)
            return False
        message = self._transcript.add_typed(text, self._delivery)
        self._waiting.append(_Packet(message.id, payload))
        self._start_sending()
        self._on_change()
        return True

    def resend(self) -> None:
        """Send in this session the messages that earlier ones left unsent."""
        for message in self._transcript.not_sent:
            self._transcript.mark(message.id, self._delivery, again=True)
            self._waiting.append(_Packet(message.id, speak_packet(message.text)))
        self._start_sending()
        self._on_change()

    def open(self, room: "LiveKitRoom") -> None:
        """Send what is queued: somebody reads it, or does so again."""
        for packet in self._unconfirmed:
            # The data channel itself retransmits what was not acknowledged.
            self._transcript.mark(packet.message_id, Delivery.SENT)
        self._unconfirmed = ()
        self._room = room
        self._start_sending()

    def hold(self, unheard_from_us: int | None = None) -> None:
        """Queue messages from now on: nobody would read them, or the session ends.

        Args:
            unheard_from_us: What was sent after this time, CLOCK_MONOTONIC, counts as waiting until ``open``.
        """
        self._room = None
        if unheard_from_us is not None and not self._unconfirmed:
            self._unconfirmed = tuple(one for one in self._recent if one.sent_us >= unheard_from_us)
            self._mark(self._unconfirmed, Delivery.WAITING)

    def clear(self) -> None:
        """Drop what is queued or in flight: it was meant for a session that is over."""
        self._mark((*self._unconfirmed, *self._waiting), Delivery.NOT_SENT)
        self._waiting.clear()
        self._recent.clear()
        self._unconfirmed = ()
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    @property
    def _delivery(self) -> Delivery:
        return Delivery.WAITING if self._room is None or self._waiting else Delivery.SENT

    def _mark(self, packets: Iterable[_Packet], delivery: Delivery) -> None:
        for packet in packets:
            self._transcript.mark(packet.message_id, delivery)

    def _start_sending(self) -> None:
        idle = self._sending is None or self._sending.done()
        if self._room is not None and self._waiting and idle:
            self._sending = self._scope.start(self._send(self._room), "chat")

    async def _send(self, room: "LiveKitRoom | None") -> None:
        # The first is sent even if the end was requested in the same moment: it was typed before.
        while self._waiting and room is not None:
            packet = self._waiting[0]
            try:
                await room.send(packet.payload)
            except AppError as error:
                self._transcript.mark(packet.message_id, Delivery.WAITING)
                self._on_notice(error)
                return  # it stays queued for the next message, or until the room is back
            self._waiting.popleft()
            self._recent.append(replace(packet, sent_us=monotonic_us()))
            self._transcript.mark(packet.message_id, Delivery.SENT)
            self._on_change()
            room = self._room
