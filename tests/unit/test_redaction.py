"""Secrets in use are blanked in any form; ordinary words stay, and it takes no time."""

import base64
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_desktop import logs
from atlas_desktop.api.grants import grant_in
from atlas_desktop.api.guard_protocol import grant_frame, grant_of_frame
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import RejectedError
from atlas_desktop.redaction import BLANK, Redactor, holds, known

KEY = "ak_Live9x7QzT4mB2vN8sD1fG6hJ3kL5"
PASSWORD = "p@ss:w0"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwZXJzb24ifQ.c2lnbmF0dXJlc2lnbmF0dXJl"
CHARACTERS = 4_096
LIMIT_S = 0.15
ATTEMPTS = 3


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.add(KEY)
    redactor.add(PASSWORD)
    redactor.add_token(JWT)
    return redactor


def encoded(text: str, before: int) -> str:
    return base64.b64encode(b"u" * before + text.encode()).decode()


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(KEY, id="as it is"),
        pytest.param(KEY.upper(), id="upper"),
        pytest.param(KEY.swapcase(), id="swapped"),
        pytest.param("".join(f"%{byte:02x}" for byte in KEY.encode()), id="percent"),
        pytest.param("".join(f"%25{byte:02X}" for byte in KEY.encode()), id="percent twice"),
        pytest.param("".join(f"\\u{ord(sign):04x}" for sign in KEY), id="JSON"),
        pytest.param("".join(f"&#{ord(sign)};" for sign in KEY), id="HTML"),
        pytest.param(KEY.encode().hex(":"), id="hexadecimal"),
        pytest.param("\u00ad".join(KEY), id="soft hyphens"),
        pytest.param("\\n".join(KEY), id="escaped lines"),
        pytest.param(KEY[::-1], id="backwards"),
        pytest.param(KEY[:13], id="its beginning"),
        pytest.param(KEY[-13:], id="its end"),
        pytest.param("p%40ss%3Aw0", id="a short one, percent"),
        pytest.param("P@SS:W0", id="a short one, upper"),
        pytest.param("p&#64;ss:w0", id="a short one, HTML"),
        pytest.param(JWT.upper(), id="a token"),
    ],
)
def test_every_form_is_blanked_and_nothing_else(redactor: Redactor, form: str) -> None:
    assert redactor.blank(f"It is {form}, they say") == f"It is {BLANK}, they say"
    assert redactor.blank(f"glued{form}words") == f"glued{BLANK}words"
    assert redactor.finds_in(form)


@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("change", [str, str.lower, lambda text: text.rstrip("="), lambda text: text[::1]])
def test_base64_is_found_wherever_it_begins(
    redactor: Redactor, before: int, change: Callable[[str], str]
) -> None:
    blanked = redactor.blank(f"It is {change(encoded(KEY, before))}!")
    assert BLANK in blanked
    # Up to two signs at either end belong to what is beside it, too.
    assert len(blanked) <= len(f"It is {BLANK}!") + 2 * 4


def test_words_that_a_secret_is_made_of_stay() -> None:
    redactor = Redactor()
    redactor.add("ak_environment")
    redactor.add("abc")
    text = "the environment of abc, a key ak_ and its module"
    assert redactor.blank(text) == text


def test_a_secret_that_reaches_beyond_what_is_read_is_blanked_whole(redactor: Redactor) -> None:
    text = f"{'x' * 90} {KEY} {KEY}"
    assert redactor.blank(text, 100) == f"{'x' * 90} {BLANK}"
    assert redactor.blank("harmless words", 8) == "harmless"


def test_the_last_tokens_are_remembered_and_keys_for_good() -> None:
    redactor = Redactor()
    redactor.add(KEY)
    tokens = [f"token-of-session-{number:08d}" for number in range(40)]
    for token in tokens:
        redactor.add_token(token)
    assert redactor.finds_in(KEY)
    assert redactor.blank(tokens[-1]) == BLANK
    redactor.clear()
    assert not redactor.finds_in(KEY)


def test_a_room_s_token_is_known_in_either_process_that_has_it() -> None:
    body = {"session_id": "ses_1", "livekit_url": "wss://room.example", "token": "opaque-room-token-1"}
    grant = grant_in(body, Mode.CONVERSATION, "host", billed=True)
    assert known.finds_in(body["token"])
    known.clear()
    grant_of_frame(grant_frame(grant))
    assert known.finds_in(body["token"])


def test_only_the_whole_of_a_secret_counts_as_handed_on() -> None:
    bearer = JWT
    relative = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJyb29tIn0.b3RoZXJvdGhlcm90aGVy"
    assert not holds(relative, bearer), "every token of a kind begins alike"
    assert holds(f"wss://x/?k={bearer}", bearer)
    assert holds(encoded(bearer, 1), bearer)
    assert not holds("anything", "")


@given(st.text(min_size=12), st.text(), st.text())
def test_any_secret_is_blanked_in_any_text(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    if sum(map(str.isalnum, secret.casefold())) >= 12:
        assert secret not in redactor.blank(f"{before}{secret}{after}")
    assert redactor.blank(f"{before}{after}", 0) == ""


@pytest.mark.parametrize("piece", ["a", "%61", "&#97;", "&amp;", "\\u0061", "\\", "%", "&", "é", "=61", KEY])
@pytest.mark.parametrize("secret", [KEY, "a" * 40, "abababababababababababab", JWT * 9])
def test_no_text_takes_long(secret: str, piece: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    text = (piece * CHARACTERS)[:CHARACTERS]

    def taken_s() -> float:
        began_s = time.thread_time()
        redactor.blank(text, CHARACTERS)
        return time.thread_time() - began_s

    assert min(taken_s() for _ in range(ATTEMPTS)) < LIMIT_S


def test_the_log_and_errors_blank_what_is_registered() -> None:
    known.add("opaque-backend-token")
    assert "opaque" not in logs.redact("refused: OPAQUE-backend-token")
    assert "opaque" not in str(RejectedError(status=400, detail="opaque%2Dbackend%2Dtoken"))
