"""Answers read as our values: the id of a session is found in whatever was made of it."""

import json
from typing import Any

import pytest

from atlas_desktop.api.grants import check_over, grant_in, session_id_in, session_id_within, status_in
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import BadAnswerError, BadRoomAddressError

ID = "ses_0123456789abcdef0123"
GRANT = {"session_id": ID, "livekit_url": "wss://room.example", "token": "t"}
PLAIN = json.dumps(GRANT)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN + "<script " * 10_000,
        f'{PLAIN[:-1]}, "pricing": {"1" * 100_000}}}',
        f'{PLAIN[:-1]}, "n": {"[" * 100_000}',
        f'{{"data": [{PLAIN}]}}',
        f"[{PLAIN}]",
        PLAIN[:60],
        "[" + PLAIN.replace(", ", ",\x00"),
        PLAIN.replace("session_id", "sessionId"),
        PLAIN.replace('"session_id": ', '"session_id"\n : \t'),
        '{"session_id": null, "data": ' + PLAIN + "}",
        " " * 500_000 + PLAIN + "]",
        '"session_id" "session_id" ' + PLAIN,
        "{" + f'"session_id": {json.dumps(ID)}',
    ],
)
def test_the_id_of_a_session_is_found(text: str) -> None:
    assert session_id_within(text.encode()) == ID


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"<html>session_id: ses_1",
        b'{"session_id": "ses_1',
        b'{"session_id": 12',
        b'{"session_id": ',
        b'"session_id" x: "ses_1"',
        b'{"session_id": ["ses_1"]}',
        b'{"session_id": true}',
        b'{"session_id": "' + b"x" * 1_001 + b'"}',
        b'{"session_id": "' + b"x" * 1_000_000 + b'"}',
        b'{"session_id": ' + b"1" * 100_000 + b"}",
        b'"session_id" ' * 70_000,
        b"\xff\xfe\xf0\x9f",
    ],
)
def test_what_holds_none_gives_none(content: bytes) -> None:
    assert session_id_within(content) == ""


def test_an_id_of_digits_is_one() -> None:
    assert session_id_within(b'{"session_id": 42}') == "42"
    assert session_id_within(b'[{"session_id": 42}') == "42"
    assert session_id_in({"session_id": 7, "sessionId": "x"}) == "7"


def test_an_id_is_as_the_server_wrote_it() -> None:
    for odd in ("\ud800", "a b/..?#", "\x00", "🙂", "..", " ses "):
        assert session_id_within(json.dumps({"session_id": odd}).encode()) == odd
        assert session_id_within(json.dumps([{"session_id": odd}]).encode()) == odd


@pytest.mark.parametrize(
    "fields",
    [{"token": "t" * 16_385}, {"room": "r" * 300_000}, {"livekit_url": "wss://" + "r" * 4_096}, {"token": 7}],
)
def test_a_grant_that_no_program_can_mean_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises((BadAnswerError, BadRoomAddressError)):
        grant_in({**GRANT, **fields}, Mode.CONVERSATION, "host", billed=True)


@pytest.mark.parametrize(
    "address", ["\x00", "wss://a\tb.example", "wss://a b.example", "ws\ns://a", "wss://\x7f"]
)
def test_a_room_address_with_control_characters_is_none_and_is_shown_without(address: str) -> None:
    with pytest.raises(BadRoomAddressError) as caught:
        grant_in({**GRANT, "livekit_url": address}, Mode.CONVERSATION, "host", billed=True)
    assert str(caught.value).isprintable()


def test_half_a_character_goes_no_further() -> None:
    grant = grant_in({**GRANT, "token": "a\ud800", "room": "\udfff"}, Mode.PASSTHROUGH, "host", billed=True)
    assert (grant.token, grant.room) == ("a?", "?")
    assert status_in({"status": "\ud800" + "x" * 5_000}, ID).status.startswith("?x")
    assert len(status_in({"status": "x" * 5_000}, ID).status) == 64


@pytest.mark.parametrize("value", [1e9, 1e308, 10**300, "1e300", "9" * 5_000, float("nan"), -1, "x" * 90_000])
def test_figures_that_nobody_can_mean_are_left_out(value: Any) -> None:
    body = {**GRANT, "max_duration_seconds": value, "pricing": "$7/hour"}
    grant = grant_in(body, Mode.PASSTHROUGH, "host", billed=True)
    assert (grant.max_duration_s, grant.price_per_hour_usd) == (None, 7.0)
    assert status_in({"duration_seconds": value}, ID).duration_s is None


@pytest.mark.parametrize(
    "body", [{}, {"status": "ended"}, {"status": 7}, {"session_id": ID}, {"error": None}]
)
def test_what_says_that_it_is_over(body: dict[str, Any]) -> None:
    check_over(body, ID, "host")


@pytest.mark.parametrize(
    "body",
    [
        {"session_id": "ses_of_another", "status": "ended"},
        {"status": "Active"},
        {"session_id": ID, "status": "running"},
        {"error": "internal_error"},
        {"error": {"message": "Oh."}},
    ],
)
def test_what_does_not_say_that_it_is_over(body: dict[str, Any]) -> None:
    with pytest.raises(BadAnswerError):
        check_over(body, ID, "host")
