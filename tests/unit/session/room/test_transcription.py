"""Streams, segments and states of a room on their way to the session."""

from functools import partial
from typing import Any, cast

import pytest

from atlas_desktop.session.room.transcription import MOST_STREAMS, TranscriptionReceiver
from atlas_desktop.session.segment_stream import SegmentStream
from atlas_desktop.session.transcript import Role, Transcript


class Listener:
    """The part of a ``RoomMonitor`` that words and states reach, with a transcript."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.said: list[str | None] = []

    def room_lost(self, reason: str, proxy: str = "") -> None:
        self.said.append(f"lost: {reason}")

    def segment_received(self, segment_id: str, role: Role, text: str, final: bool) -> None:
        self.transcript.put_legacy(segment_id, role, text, final)

    def stream_opened(self, segment_id: str, role: Role, final: bool) -> SegmentStream:
        return self.transcript.open_stream(segment_id, role, final)

    def room_cut(self) -> None:
        self.said.append("cut")

    def agent_state_changed(self, state: str | None) -> None:
        self.said.append(state)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def receiver(listener: Listener) -> TranscriptionReceiver:
    return TranscriptionReceiver(
        cast(Any, listener), lambda identity: "user" if identity == "me" else "agent"
    )


def test_a_stream_goes_where_its_attributes_say(receiver: TranscriptionReceiver, listener: Listener) -> None:
    attributes = {"lk.segment_id": "a", "lk.transcription_final": "True"}
    receiver.text_opened(1, "str_1", attributes, "me", lambda: None)
    receiver.text_arrived(1, "Hello")
    receiver.text_ended(1)
    receiver.text_opened(2, "str_2", {}, "agent", lambda: None)
    receiver.text_arrived(2, "Hi")
    said = [(message.role, message.text, message.final) for message in listener.transcript.messages]
    assert said == [("user", "Hello", True), ("agent", "Hi", False)]


def test_streams_that_never_close_lose_their_place_and_nothing_they_brought(
    receiver: TranscriptionReceiver, listener: Listener
) -> None:
    closed: list[int] = []
    for number in range(MOST_STREAMS + 100):
        receiver.text_opened(number, f"s{number}", {}, "agent", partial(closed.append, number))
        receiver.text_arrived(number, f"word {number}")
    assert closed == list(range(100))
    receiver.text_arrived(0, " and more")
    receiver.text_ended(0)
    receiver.text_ended(0)
    messages = listener.transcript.messages
    assert len(messages) == MOST_STREAMS + 100
    assert (messages[0].text, messages[0].final, messages[-1].final) == ("word 0", True, False)


def test_whoever_said_last_how_it_is_counts_until_it_goes(
    receiver: TranscriptionReceiver, listener: Listener
) -> None:
    for identity, state in (("a", "listening"), ("b", "thinking"), ("b", ""), ("b", "thinking")):
        receiver.state_arrived(identity, state)
    assert listener.said == ["listening", "thinking"]
    receiver.participant_gone("b")
    receiver.participant_gone("c")
    assert listener.said[2:] == ["listening"]
    for number in range(5000):
        receiver.state_arrived(f"p{number}", "speaking")
    receiver.participant_gone("a")
    assert listener.said[-1] == "speaking"


def test_a_flood_is_told_once(receiver: TranscriptionReceiver, listener: Listener) -> None:
    receiver.room_cut()
    receiver.room_flooded()
    receiver.room_flooded()
    assert listener.said == ["cut", "lost: FLOODED"]
