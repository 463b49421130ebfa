"""Words from elsewhere in a log and on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_desktop.logs import one_line, terminal_text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("intro.wav", "intro.wav"),
        ("Grüße 音 👩", "Grüße 音 👩"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x1b[2J\x9b1m\x07", r"\x1b[2J\x9b1m\x07"),
        ("safe\u202egpj.exe", r"safe\u202egpj.exe"),
        ("\u2028 \udce9", r"\u2028 \udce9"),
    ],
)
def test_what_would_act_is_written_out(text: str, line: str) -> None:
    assert one_line(text) == line


@given(st.text(st.characters()))
def test_it_is_one_line_that_any_terminal_can_take(text: str) -> None:
    assert one_line(text).isprintable()
    assert len(one_line(text).splitlines()) <= 1
    one_line(text).encode()


def test_a_terminals_lines_stay() -> None:
    assert terminal_text("a\tb\n\x1b[0m\n") == "a\\tb\n\\x1b[0m\n"
