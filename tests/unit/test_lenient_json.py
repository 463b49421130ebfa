import math
from typing import Any

import pytest

from atlas_desktop.lenient_json import number_of, parse, parse_object, parse_or_none, text_of


@pytest.mark.parametrize(
    "value", [True, -1, "x", None, [], float("nan"), float("inf"), "1e999", 10**400, 1e9]
)
def test_what_is_no_number_is_none(value: Any) -> None:
    assert number_of(value, from_text=True) is None
    assert number_of(value) is None


def test_a_number_written_as_text_is_one_only_where_that_is_asked_for() -> None:
    assert (number_of(7), number_of(7.5), number_of("7")) == (7.0, 7.5, None)
    assert number_of("7", from_text=True) == 7.0


@pytest.mark.parametrize("text", ["", "{", b"\xff", b"\xfe\xff\xd8", "[" * 100_000, "nothing"])
def test_what_is_no_json_is_one_kind_of_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds, all of which are ValueErrors
        parse(text)
    assert parse_or_none(text) is None


def test_bytes_are_read_in_every_encoding_of_json() -> None:
    assert parse('{"a": "é"}'.encode("utf-16")) == {"a": "é"}
    assert parse_object(bytearray(b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}
    with pytest.raises(ValueError, match="not a JSON object"):
        parse_object("[]")


def test_an_endless_integer_is_infinite_and_costs_no_time() -> None:
    assert parse(f"[{'9' * 100_000}, -{'9' * 100_000}]") == [math.inf, -math.inf]


def test_text_is_cut_and_anything_else_is_empty() -> None:
    assert (text_of("abc", 2), text_of(7), text_of(None)) == ("ab", "", "")
