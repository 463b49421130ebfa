"""What the avatar answers, as text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_desktop.local_atlas.agent.replies import (
    ECHO_LIMIT_CHARS,
    cleaned,
    greeting,
    reply,
    sentences,
    shortened,
)


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("Hello!", "Nice to see you"),
        ("hi there", "Nice to see you"),
        ("Who are you?", "I'm Ada."),
        ("What’s your name?", "I'm Ada."),
        ("what can you do", "passthrough"),
        ("HELP", "passthrough"),
        ("Does this cost anything?", "costs nothing"),
        ("can you hear me?", "don't understand spoken words"),
        ("What is passthrough?", "drop a sound file"),
        ("Is my data private?", "leaves this computer"),
        ("How are you?", "Fine"),
        ("what time is it", "can't look that up"),
        ("Thanks!", "welcome"),
        ("Bye.", "Goodbye"),
        ("test", "received"),
    ],
)
def test_a_few_questions_have_honest_answers(typed: str, part: str) -> None:
    assert part in reply(typed, "Ada")


@pytest.mark.parametrize(
    "typed",
    [
        "The weather is fine.",
        "hello world program",
        "I am free tomorrow",
        "1+1?",
        "<b>no</b> markup",
        "مرحبا بالعالم",
    ],
)
def test_all_else_is_said_back(typed: str) -> None:
    assert reply(typed, "Ada") == f"You said: {typed}"


def test_a_face_without_a_name_has_none() -> None:
    assert "{" not in reply("who are you", "")
    assert "no name" in reply("who are you", "")
    assert greeting("").startswith("Hi there.")
    assert greeting("Mei").startswith("Hi, I'm Mei.")


@pytest.mark.parametrize("typed", ["", "   ", "\n\t", "?", "👍", "\u202e\u0000"])
def test_a_message_without_words_gets_a_kind_answer(typed: str) -> None:
    assert "without words" in reply(typed, "Ada")


def test_a_long_message_is_said_back_in_part_and_that_is_said() -> None:
    answer = reply("One sentence. " + "word " * 20_000, "Ada")
    assert answer == "That is a long message, so here is only how it begins: One sentence."


def test_a_long_word_is_cut() -> None:
    assert shortened("x" * 1000) == "x" * (ECHO_LIMIT_CHARS - 1) + "…"


def test_a_long_sentence_is_cut_between_words() -> None:
    assert shortened("word " * 100).endswith(" word…")


def test_direction_and_control_characters_are_left_out() -> None:
    assert cleaned("a\u202eb\x00c\nd\x1b[1m") == "a b c d [1m"


def test_what_joins_letters_stays() -> None:
    assert cleaned("👩\u200d💻") == "👩\u200d💻"


@given(st.text())
def test_anything_typed_gets_an_answer_that_can_be_said(typed: str) -> None:
    answer = reply(typed, "Ada")
    assert 0 < len(answer) <= ECHO_LIMIT_CHARS + 100
    assert sentences(answer)
    answer.encode()
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in answer)


@given(st.text(alphabet="ab .!?…\"')", max_size=400))
def test_sentences_are_the_text_again(text: str) -> None:
    assert " ".join(sentences(text)).split() == text.split()


@given(st.text(max_size=2000).map(cleaned))
def test_what_is_said_back_is_never_too_long(text: str) -> None:
    assert len(shortened(text)) <= ECHO_LIMIT_CHARS
