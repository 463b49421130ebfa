import pytest

from atlas_desktop.ui.look.plain_text import (
    SHOWN_CHARACTERS,
    is_right_to_left,
    name_in_text,
    shortened,
    shown_text,
)
from atlas_desktop.ui.talk.placed_list import RowHeights


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("<b>bold</b> & more", "<b>bold</b> & more"),
        ("a\tb\r\nc\u2028d\x0be", "a b\nc\nd\ne"),
        ("bell\x07 and \x1b[31mred\x1b[0m", "bell and [31mred[0m"),
        ("safe\u202egnp.exe\u202c", "safegnp.exe"),
        ("👩\u200d👩\u200d👧 ok", "👩\u200d👩\u200d👧 ok"),
        ("half a pair \ud83d", "half a pair "),
    ],
)
def test_nothing_acts(given: str, shown: str) -> None:
    assert shown_text(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("intro.wav", "intro.wav"),
        ("Q&A <b>x</b>.wav", "Q&A <b>x</b>.wav"),
        ("a\nb\tc\x1b[2J", "a b c[2J"),
        ("safe\u202egpj.exe", "safegpj.exe"),
        ("naïve \udce9", "naïve \ufffd"),
        ("שלום.wav", "\u2068שלום.wav\u2069"),
        ("שלום\u2069.wav", "\u2068שלום.wav\u2069"),
        ("\u2067x", "x"),
        ("x" * 400, "x" * 106 + "…" + "x" * 53),
    ],
)
def test_a_name_is_a_part_of_our_sentence(given: str, shown: str) -> None:
    assert name_in_text(given) == shown


def test_a_name_that_stands_alone_is_whole() -> None:
    assert name_in_text("x" * 400, None) == "x" * 400


def test_long_text_is_shortened() -> None:
    assert shortened("short") == ("short", False)
    assert shortened("x" * 100_000) == ("x" * SHOWN_CHARACTERS, True)
    for end in ("\n", "\r", "\u2028", "\u2029", "\x85", "\v", "\f", "\r\n"):
        head, has_more = shortened(f"y{end}" * 1_000)
        assert has_more
        assert shown_text(head).count("\n") < 200


def test_each_paragraph_has_its_own_direction() -> None:
    assert is_right_to_left("שלום world")
    assert is_right_to_left("12 مرحبا")
    assert not is_right_to_left("hello שלום")
    assert is_right_to_left("12:30", fallback=True)


def test_rows_lie_below_each_other() -> None:
    heights = RowHeights()
    heights.insert(0, [10, 20, 30])
    assert [heights.top(row) for row in range(4)] == [0, 10, 30, 60]
    assert [heights.row_at(y) for y in (-5, 0, 9, 10, 59, 500)] == [0, 0, 0, 1, 2, 2]
    assert heights.last_unmeasured() == 2
    assert heights.measure(1, 25)
    assert not heights.measure(2, 30)
    assert heights.total_px == 65
    heights.insert(3, [5])
    assert (heights.total_px, heights.last_unmeasured()) == (70, 3)
    heights.remove(0, 2)
    assert (len(heights), heights.total_px, heights.top(1)) == (2, 35, 30)


def test_no_rows() -> None:
    heights = RowHeights()
    assert (heights.total_px, heights.row_at(0), heights.last_unmeasured()) == (0, -1, -1)
