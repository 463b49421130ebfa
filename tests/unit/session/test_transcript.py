import asyncio
import time

import pytest

from atlas_desktop.session.frame_throttle import FRAME_S
from atlas_desktop.session.segment_stream import LONGEST_MESSAGE, clean
from atlas_desktop.session.transcript import (
    ECHO_WINDOW_MS,
    LONGEST_ID,
    MOST_CHARACTERS,
    MOST_MESSAGES,
    Delivery,
    Message,
    Transcript,
)
from tests.unit.session.fakes import settle


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transcript(clock: Clock) -> Transcript:
    return Transcript(clock)


def texts(transcript: Transcript) -> list[str]:
    return [message.text for message in transcript.messages]


def test_legacy_segments_replace_by_id_and_keep_their_place(transcript: Transcript) -> None:
    transcript.put_legacy("a", "agent", "Hel", False)
    transcript.put_legacy("u", "user", "Hi", True)
    transcript.put_legacy("a", "agent", "Hello", True)
    assert transcript.messages == (
        Message("m1", "agent", "Hello", True, 1_000_000),
        Message("m2", "user", "Hi", True, 1_000_000),
    )


def test_blank_segments_are_skipped_and_never_blank_what_stands(transcript: Transcript) -> None:
    transcript.put_legacy("a", "agent", "  ", False)
    transcript.put_legacy("a", "agent", "Hello", False)
    transcript.put_legacy("a", "agent", "", True)
    assert transcript.messages == (Message("m1", "agent", "Hello", True, 1_000_000),)


def test_segments_without_an_id_count_when_final_and_never_replace_each_other(
    transcript: Transcript,
) -> None:
    transcript.put_legacy("", "agent", "o", False)
    transcript.put_legacy("", "agent", "one", True)
    transcript.put_legacy("", "agent", "two", True)
    assert texts(transcript) == ["one", "two"]


def test_an_agents_stream_appends_and_is_final_when_it_closes(transcript: Transcript) -> None:
    stream = transcript.open_stream("s", "agent", final=False)
    stream.add("Hel")
    stream.add("lo")
    assert texts(transcript) == ["Hello"]
    assert not transcript.messages[0].final
    stream.close()
    assert transcript.messages[0].final


def test_each_of_the_users_streams_replaces_the_one_before(transcript: Transcript) -> None:
    for text, final in (("good more", False), ("good morning", False), ("Good morning.", True)):
        stream = transcript.open_stream("u", "user", final)
        stream.add(text[:3])
        stream.add(text[3:])
        stream.close()
        assert transcript.messages[0].final is final
    assert texts(transcript) == ["Good morning."]


def test_an_empty_final_stream_keeps_the_words_and_makes_them_final(transcript: Transcript) -> None:
    first = transcript.open_stream("u", "user", final=False)
    first.add("hello")
    first.close()
    transcript.open_stream("u", "user", final=True).close()
    assert transcript.messages == (Message("m1", "user", "hello", True, 1_000_000),)


def test_a_broken_stream_keeps_what_it_had(transcript: Transcript) -> None:
    stream = transcript.open_stream("s", "agent", final=False)
    stream.add("I was about to")
    stream.close()
    assert transcript.messages == (Message("m1", "agent", "I was about to", True, 1_000_000),)


@pytest.mark.parametrize(
    ("second", "whole"),
    [(["Hello ", "there, you"], "Hello there, you"), ([" and", " you"], "Hello there and you")],
)
def test_a_second_stream_of_an_agents_segment_goes_on_or_says_the_whole(
    transcript: Transcript, second: list[str], whole: str
) -> None:
    first = transcript.open_stream("s", "agent", final=False)
    first.add("Hello there")
    first.close()
    again = transcript.open_stream("s", "agent", final=False)
    for piece in second:
        again.add(piece)
        assert texts(transcript)[0].startswith("Hello there")
    assert texts(transcript) == [whole]


def test_legacy_is_ignored_once_a_stream_was_seen(transcript: Transcript) -> None:
    transcript.open_stream("s", "agent", final=False).add("Hello")
    transcript.put_legacy("SG_s", "agent", "Hello", True)
    assert texts(transcript) == ["Hello"]


def test_a_stream_takes_over_the_same_words_that_came_first_over_legacy(transcript: Transcript) -> None:
    seen: list[str] = []
    transcript.put_legacy("SG_s", "agent", "Hello there", False)
    transcript.on_change(lambda message, _index: seen.append(message.text))
    stream = transcript.open_stream("s", "agent", final=False)
    for piece in ("Hello", " there", ", friend"):
        stream.add(piece)
    stream.close()
    assert texts(transcript) == ["Hello there, friend"]
    assert all(text.startswith("Hello there") for text in seen)


def test_typed_words_that_are_echoed_appear_once(transcript: Transcript, clock: Clock) -> None:
    transcript.add_typed("What can you do?")
    clock.now_ms += 800
    echo = transcript.open_stream("u", "user", final=True)
    echo.add("what can you  do?")
    echo.close()
    assert texts(transcript) == ["What can you do?"]


def test_the_same_words_said_again_later_are_no_echo(transcript: Transcript, clock: Clock) -> None:
    transcript.add_typed("again")
    transcript.put_legacy("1", "user", "again", True)
    transcript.put_legacy("2", "user", "again", True)
    assert texts(transcript) == ["again", "again"]
    clock.now_ms += ECHO_WINDOW_MS + 1
    transcript.put_legacy("3", "user", "again", True)
    assert len(transcript) == 3


def test_what_the_agent_repeats_is_no_echo(transcript: Transcript) -> None:
    transcript.add_typed("hello")
    transcript.put_legacy("1", "agent", "hello", True)
    assert [message.role for message in transcript.messages] == ["user", "agent"]


def test_ids_of_another_session_are_other_segments(transcript: Transcript) -> None:
    transcript.open_stream("s", "agent", final=False).add("first")
    transcript.begin()
    assert transcript.messages[0].final
    transcript.put_legacy("s", "agent", "second", True)
    transcript.open_stream("s", "agent", final=False).add("third")
    assert texts(transcript) == ["first", "second", "third"]


def test_reset_drops_all_and_tells(transcript: Transcript) -> None:
    told: list[bool] = []
    transcript.on_reset(lambda: told.append(True))
    transcript.add_typed("hello")
    transcript.reset()
    assert transcript.messages == ()
    assert told == [True]


def test_changes_are_told_with_their_place_and_only_when_there_is_one(transcript: Transcript) -> None:
    told: list[tuple[str, int]] = []
    leave = transcript.on_change(lambda message, index: told.append((message.text, index)))
    transcript.put_legacy("a", "agent", "one", False)
    transcript.put_legacy("a", "agent", "one", False)
    transcript.put_legacy("b", "agent", "two", False)
    leave()
    transcript.put_legacy("b", "agent", "three", False)
    assert told == [("one", 0), ("two", 1)]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("<b>bold</b> & שלום", "<b>bold</b> & שלום"),
        ("tab\there \ud800", "tab here "),
    ],
)
def test_control_characters_go_and_all_else_stays(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@pytest.mark.logs("transcript.on_change failed")
def test_a_callback_that_fails_costs_no_words(transcript: Transcript) -> None:
    told: list[str] = []
    transcript.on_change(lambda message, index: 1 // 0)
    transcript.on_change(lambda message, index: told.append(message.text))
    transcript.add_typed("hello")
    assert told == ["hello"]
    assert [message.text for message in transcript.messages] == ["hello"]


def test_a_line_break_torn_apart_is_one(transcript: Transcript) -> None:
    stream = transcript.open_stream("s", "agent", final=False)
    for piece in ("one\r", "\ntwo\r", "three", "\n", "\x00four", "\r", "\r\n"):
        stream.add(piece)
    assert texts(transcript) == ["one\ntwo\nthree\nfour\n\n"]


@pytest.fixture
def cuts() -> list[bool]:
    return []


@pytest.fixture
def bounded(clock: Clock, cuts: list[bool]) -> Transcript:
    return Transcript(clock, on_cut=lambda: cuts.append(True))


def test_a_message_has_an_end_and_that_is_said_once_a_session(bounded: Transcript, cuts: list[bool]) -> None:
    stream = bounded.open_stream("s", "agent", final=False)
    for _ in range(LONGEST_MESSAGE // 8):
        stream.add("eight by")
    assert cuts == []
    for _ in range(9):
        stream.add("eight by")
    stream.close()
    assert len(bounded.messages[0].text) == LONGEST_MESSAGE
    assert bounded.messages[0].final
    assert len(cuts) == 1
    bounded.begin()
    bounded.put_legacy("l", "agent", "x" * (LONGEST_MESSAGE + 1), False)
    assert len(bounded.messages[1].text) == LONGEST_MESSAGE
    assert cuts == [True, True]


def test_a_segment_that_goes_on_in_stream_after_stream_has_an_end(
    bounded: Transcript, cuts: list[bool]
) -> None:
    for number in range(5):
        stream = bounded.open_stream("s", "agent", final=False)
        stream.add(f"{number}" * (LONGEST_MESSAGE // 2))
        stream.close()
    assert [len(text) for text in texts(bounded)] == [LONGEST_MESSAGE]
    assert cuts == [True]


def test_a_transcript_has_an_end_for_a_room_and_none_for_the_user(
    bounded: Transcript, cuts: list[bool]
) -> None:
    for number in range(MOST_MESSAGES + 5):
        bounded.put_legacy(str(number), "agent", f"word {number}", True)
    assert len(bounded) == MOST_MESSAGES
    assert cuts == [True]
    bounded.add_typed("hello?")
    bounded.put_legacy("0", "agent", "changed", True)
    assert (bounded.messages[0].text, bounded.messages[-1].text) == ("changed", "hello?")


def test_all_words_together_have_an_end(bounded: Transcript, cuts: list[bool]) -> None:
    for number in range(MOST_CHARACTERS // LONGEST_MESSAGE + 5):
        bounded.put_legacy(str(number), "agent", "x" * LONGEST_MESSAGE, True)
    bounded.put_legacy("0", "agent", "y", True)
    bounded.put_legacy("0", "agent", "z" * LONGEST_MESSAGE, True)
    bounded.put_legacy("0", "agent", "z" * (LONGEST_MESSAGE + 1), True)
    assert sum(map(len, texts(bounded))) <= MOST_CHARACTERS
    assert cuts == [True]
    bounded.reset()
    bounded.put_legacy("0", "agent", "x" * LONGEST_MESSAGE, True)
    assert len(bounded) == 1


def test_ids_are_as_long_as_they_like(transcript: Transcript) -> None:
    for name in ("a" * 1_000_000, "a" * LONGEST_ID):
        transcript.put_legacy(name, "agent", "one", False)
    transcript.open_stream("b" * 1_000_000, "agent", final=False).add("two")
    assert texts(transcript) == ["one", "two"]


def test_a_flood_of_segments_costs_each_the_same(transcript: Transcript) -> None:
    def taken_s(first: int, count: int) -> float:
        began_s = time.thread_time()
        for number in range(first, first + count):
            transcript.put_legacy(f"s{number}", "user", f"word {number}", number % 2 == 0)
        return time.thread_time() - began_s

    few_s = min(taken_s(0, 1000), taken_s(1000, 1000))
    assert taken_s(2000, 7000) < 10 * 7 * few_s + 0.1
    assert taken_s(9000, 74_000) < 10 * 74 * few_s + 0.1
    assert len(transcript) == MOST_MESSAGES


def test_what_was_not_sent_is_counted_and_marked_by_its_id(transcript: Transcript) -> None:
    first = transcript.add_typed("one", Delivery.WAITING)
    second = transcript.add_typed("two", Delivery.NOT_SENT)
    assert list(transcript.not_sent) == [second]
    transcript.mark(first.id, Delivery.NOT_SENT)
    transcript.mark("m99", Delivery.NOT_SENT)
    assert transcript.count_not_sent == len(transcript.not_sent) == 2
    transcript.reset()
    assert [message.text for message in transcript.not_sent] == ["one", "two"]
    transcript.mark(transcript.not_sent[0].id, Delivery.SENT)
    assert transcript.count_not_sent == 1


async def test_a_flood_is_told_a_few_at_a_frame_and_each_message_as_it_is_then(
    transcript: Transcript,
) -> None:
    told: list[tuple[float, int, str]] = []
    loop = asyncio.get_running_loop()
    transcript.on_change(lambda message, index: told.append((loop.time(), index, message.text)))
    stream = transcript.open_stream("s", "agent", final=False)
    for _ in range(1000):
        stream.add("a")
    for number in range(100):
        transcript.open_stream(f"s{number}", "agent", final=False).add(str(number))
    assert [index for _at_s, index, _text in told] == [0]
    await settle(lambda: told[-1][1] == 100)
    assert [index for _at_s, index, _text in told] == [0, *range(101)]
    assert told[1][2] == "a" * 1000
    frames = {round(at_s / FRAME_S) for at_s, _index, _text in told}
    assert len(frames) > 5


async def test_what_the_user_types_is_told_at_once(transcript: Transcript) -> None:
    told: list[str] = []
    transcript.on_change(lambda message, _index: told.append(message.text))
    stream = transcript.open_stream("s", "agent", final=False)
    stream.add("well")
    stream.add(", then")
    message = transcript.add_typed("hello")
    assert told == ["well", "well, then", "hello"]
    transcript.mark(message.id, Delivery.WAITING)
    assert told[-1] == "hello"
    assert len(told) == 4


async def test_what_waits_to_be_told_goes_with_a_reset(transcript: Transcript) -> None:
    told: list[str] = []
    transcript.on_change(lambda message, _index: told.append(message.text))
    for number in range(50):
        transcript.put_legacy(str(number), "agent", str(number), True)
    transcript.reset()
    transcript.put_legacy("new", "agent", "new", True)
    await settle(lambda: told[-1] == "new")
    await asyncio.sleep(3 * FRAME_S)
    assert told == ["0", "new"]
