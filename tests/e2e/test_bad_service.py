"""Bad answers of the service: each is said, the program lives on, and a rehearsal still works."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.program import LocalAtlas, Window
from tests.e2e.stage import Stage

CREATE = {"method": "POST", "path": "/v1/*session*"}
HTML = {**CREATE, "body": "html"}


@pytest.fixture(scope="module")
def program(desk: Stage, served: LocalAtlas) -> Iterator[Window]:
    with desk.open(ATLAS_API_BASE=served.base, ATLAS_API_KEY=served.key) as opened:
        opened.wait_words("From ATLAS_API_KEY")
        yield opened
        opened.back_to_start()
        opened.rehearse_once()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param({"rest": {**CREATE, "status": 402}}, "Your Atlas account has no credit left", id="402"),
        pytest.param({"rest": {**HTML, "status": 502}}, "did not answer like Atlas", id="HTML 502"),
        pytest.param({"rest": {**HTML, "status": 200}}, "did not answer like Atlas", id="HTML 200"),
        pytest.param(
            {"rest": {**CREATE, "change": {"livekit_url": "http://127.0.0.1:9/"}}},
            "Atlas named a room address that can't be used",
            id="no ws address",
        ),
        pytest.param(
            {"rest": {**CREATE, "change": {"token": "eyJub3QtYS10b2tlbg"}}},
            "The avatar's room did not let us in",
            id="bad token",
        ),
        pytest.param(
            {"rooms": {"refuse_status": 401}}, "The avatar's room did not let us in", id="refused token"
        ),
    ],
)
def test_a_failure_is_said_and_nothing_is_left_billing(
    program: Window, atlas: LocalAtlas, fault: dict[str, Any], words: str
) -> None:
    program.back_to_start()
    atlas.order(fault)
    program.screen.press("Start")
    program.wait_state("Failed")
    program.wait_words(words)
    atlas.wait_all_ended()


def test_no_capacity_offers_a_retry(program: Window, atlas: LocalAtlas) -> None:
    program.back_to_start()
    atlas.order({"rest": {**CREATE, "status": 503}})
    program.screen.press("Start")
    program.wait_state("Failed")
    program.wait_words("Atlas has no free avatar at the moment")
    program.screen.press("Retry")
    program.end_session()
    atlas.wait_all_ended()


def test_too_many_requests_waits_as_told_and_says_so(program: Window, atlas: LocalAtlas) -> None:
    program.back_to_start()
    atlas.order({"rest": {**CREATE, "status": 429, "retry_after": "3"}})
    program.screen.press("Start")
    program.screen.wait("label", "Atlas is busy: next try in [123] s")
    program.end_session()
    creates = [call for call in atlas.books()["calls"] if call["method"] == "POST"][-2:]
    assert creates[0]["status"] == 429
    refused, again = (datetime.fromisoformat(call["at"]) for call in creates)
    assert 3.0 <= (again - refused).total_seconds() < 5.0
    atlas.wait_all_ended()


def test_unknown_fields_are_passed_over(program: Window, atlas: LocalAtlas) -> None:
    program.back_to_start()
    more = {"surprise": {"deep": [1, None, "x"]}, "pricing": {"by": "the moon"}, "room": 7}
    atlas.order({"rest": {**CREATE, "change": more}})
    program.screen.press("Start")
    program.end_session()
    atlas.wait_all_ended()


def test_a_room_full_of_broken_messages_is_survived(program: Window, atlas: LocalAtlas) -> None:
    program.back_to_start()
    program.screen.press("Start")
    program.wait_state("Live")
    atlas.order({"room": {"order": "malformed"}})
    program.wait_transcript(r"^Atlas, \d\d:\d\d, .*answer", 20)
    program.end_session()
    atlas.wait_all_ended()


def test_an_unreachable_service_is_said(desk: Stage) -> None:
    with desk.open(ATLAS_API_BASE="http://127.0.0.1:1", ATLAS_API_KEY="ak_0123456789abcdef") as program:
        program.screen.press("Start")
        program.wait_state("Failed")
        program.wait_words("can't be reached")
        program.back_to_start()
        program.rehearse_once()
