import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from atlas_desktop.api.mapping import body_of, create_error_of, error_of, mapped
from atlas_desktop.api.response import HttpResponse, first_line, retry_after_s
from atlas_desktop.errors import (
    BadAnswerError,
    ConflictError,
    ModeRefusedError,
    NoCapacityError,
    NoCreditError,
    NotFoundError,
    RateLimitedError,
    RejectedError,
    ServerFailedError,
    ServiceError,
    UnauthorizedError,
    UnreachableError,
)

PAGE = "<!DOCTYPE html>\n<html><head><title>502 Bad&nbsp;Gateway</title></head><body>nginx</body></html>"


def answer(status: int, body: Any = b"", **headers: str) -> HttpResponse:
    content = (
        body
        if isinstance(body, bytes)
        else body.encode()
        if isinstance(body, str)
        else json.dumps(body).encode()
    )
    return HttpResponse(
        "atlas.example", status, {name.replace("_", "-"): v for name, v in headers.items()}, content
    )


def atlas(status: int, code: str, message: str = "So it is.") -> HttpResponse:
    return answer(status, {"error": code, "message": message})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedError),
        (401, UnauthorizedError),
        (402, NoCreditError),
        (403, UnauthorizedError),
        (404, NotFoundError),
        (409, ConflictError),
        (418, RejectedError),
        (429, RateLimitedError),
        (500, ServerFailedError),
        (503, NoCapacityError),
        (599, ServerFailedError),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[ServiceError]) -> None:
    error = error_of(atlas(status, "some_code"))
    assert type(error) is kind
    assert error.params["status"] == status
    assert error.params["detail"] == "So it is."


def test_a_conflict_tells_its_reason() -> None:
    assert error_of(atlas(409, "session_not_active")).params["reason"] == "session_not_active"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502, 503])
def test_a_page_instead_of_json_shows_status_and_first_line(status: int) -> None:
    error = error_of(answer(status, PAGE, content_type="text/html"))
    assert isinstance(error, BadAnswerError)
    assert str(status) in str(error)
    assert "502 Bad Gateway" in str(error)
    assert "atlas.example" in str(error)


def test_a_404_that_is_not_of_atlas_shape_is_foreign() -> None:
    for body in ({"detail": "Not Found"}, {"error": "Not Found", "message": "No message"}, b"", "nope"):
        assert isinstance(error_of(answer(404, body)), BadAnswerError)


def test_a_redirect_is_not_followed_but_told() -> None:
    assert isinstance(error_of(answer(302, b"", location="https://elsewhere.example")), BadAnswerError)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", "Not Found"),
        (b"\n\n  plain words \nmore", "plain words"),
        (b"<html><script>x()</script><!-- c --><h1>Sorry &amp; bye</h1>", "Sorry & bye"),
        (b"\xff\xfe\x00", "��"),
        (b"a\x1b[31mb\x07", "a [31mb"),
        (b"<html><title> </title></html>", "Not Found"),
        (b"<p>No</p><![x[ so", "No"),
    ],
)
def test_the_first_line_is_fit_to_be_shown(body: bytes, line: str) -> None:
    assert first_line(answer(404, body)) == line


def test_a_detail_is_short_and_without_secrets() -> None:
    error = error_of(atlas(401, "unauthorized", "Bad key ak_live_0123456789 " + "x" * 1000))
    assert "ak_live" not in str(error.params)
    assert len(error.params["detail"]) <= 200


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 2.5 ", 2.5),
        ("0", 0.0),
        ("-4", 0.0),
        ("999999", 3600.0),
        ("", 5.0),
        ("soon", 5.0),
        ("nan", 5.0),
        ("inf", 5.0),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 1000000000 23:59:59 GMT", 5.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 3600.0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
        ("Mon, 01 Jan 2001 00:00:00 +99999999999", 5.0),
        ("Mon, 01 Jan 2001 99999999999999999999:00:00 GMT", 5.0),
        ("9" * 50_000, 3600.0),
        ("((((" * 20_000, 5.0),
    ],
)
def test_retry_after_is_read(value: str, seconds: float) -> None:
    assert retry_after_s(answer(429, b"", retry_after=value)) == seconds


def test_retry_after_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    error = error_of(answer(429, PAGE, content_type="text/html", retry_after=later))
    assert isinstance(error, RateLimitedError)
    assert 80 < error.params["retry_after_s"] <= 90


@pytest.mark.parametrize(
    "refusal",
    [
        atlas(400, "invalid_mode"),
        atlas(403, "mode_not_available"),
        atlas(422, "validation_error", "The mode conversation is not available here."),
        answer(400, {"detail": "unsupported mode"}),
    ],
)
def test_a_refused_mode_is_told_apart(refusal: HttpResponse) -> None:
    error = create_error_of(refusal, "conversation")
    assert isinstance(error, ModeRefusedError)
    assert "conversation" in str(error)


@pytest.mark.parametrize(
    "refusal",
    [
        atlas(400, "missing_face", "A face is required in this mode."),
        atlas(400, "invalid_model", "Unknown model."),
        atlas(503, "invalid_mode"),
    ],
)
def test_other_refusals_are_not_about_the_mode(refusal: HttpResponse) -> None:
    assert not isinstance(create_error_of(refusal, "conversation"), ModeRefusedError)


def test_a_body_is_an_object_or_nothing() -> None:
    assert body_of(answer(200, {"a": 1})) == {"a": 1}
    assert body_of(answer(204)) == {}
    for body in (PAGE, "[1]", '"text"', "[" * 100_000, "{"):
        with pytest.raises(BadAnswerError):
            body_of(answer(200, body))


@pytest.mark.parametrize(
    ("foreign", "kind"),
    [
        (httpx.ConnectError("refused"), UnreachableError),
        (httpx.ConnectTimeout("slow"), UnreachableError),
        (httpx.ReadTimeout("slow"), UnreachableError),
        (httpx.ReadError("cut"), UnreachableError),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), UnreachableError),
        (httpx.RemoteProtocolError("illegal status line"), BadAnswerError),
        (httpx.DecodingError("bad gzip"), BadAnswerError),
        (httpx.InvalidURL("odd"), UnreachableError),
        (TimeoutError(), UnreachableError),
        (OSError("no network"), UnreachableError),
    ],
)
def test_what_httpx_raises_is_mapped(foreign: Exception, kind: type[ServiceError]) -> None:
    with pytest.raises(kind) as caught, mapped("atlas.example"):
        raise foreign
    assert "atlas.example" in str(caught.value)
    assert caught.value.__cause__ is foreign


def test_a_bug_is_not_mapped() -> None:
    def buggy() -> Callable[[], None]:
        raise KeyError("bug")

    with pytest.raises(KeyError), mapped("atlas.example"):
        buggy()
