"""The short form of ``make fuzz KINDS=answers``: some hundreds of hostile answers over real sockets."""

import json
from pathlib import Path

import pytest

from tests.hostile.answers.campaign import MOST_MB, Campaign, new_subject
from tests.hostile.answers.server import HostileServer
from tests.hostile.answers.shapes import SESSION_ID
from tests.hostile.answers.wire import Case, case

SEED = 7
GRANT = {"session_id": SESSION_ID, "livekit_url": "wss://room.example", "token": "t", "pricing": "$7/hour"}


def test_a_hostile_answer_is_taken_or_named_and_does_no_harm(tmp_path: Path) -> None:
    campaign = Campaign(SEED, tmp_path / "found")
    assert list(campaign.run(400))[-1] == 400
    assert campaign.tally.findings == []
    assert set(campaign.tally.outcomes) == {"taken", "named"}
    assert campaign.tally.outcomes.total() == 400
    assert campaign.tally.worst_mb[0] < MOST_MB


def test_a_case_is_made_again_by_its_number() -> None:
    assert [case(SEED, number) for number in range(50)] == [case(SEED, number) for number in range(50)]
    assert any(one.must_give_id for one in (case(SEED, number) for number in range(200)))


def plain(body: bytes, *headers: bytes) -> Case:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", *headers, b"Content-Length: %d" % len(body), b"", b""])
    return Case(0, "create", (head, body))


LOST = Case(3, "create", plain(b"{}").parts, must_give_id=True)
LATE = Case(4, "status", (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",))


HARM = [pytest.param(LOST, 60.0, "is lost", id="lost"), pytest.param(LATE, -1.0, "was waited for", id="late")]


@pytest.mark.parametrize(("one", "grace_s", "words"), HARM)
def test_harm_is_found(
    tmp_path: Path, one: Case, grace_s: float, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The campaign itself: what it looks for does not go unseen."""
    monkeypatch.setattr("tests.hostile.answers.campaign.GRACE_S", grace_s)
    monkeypatch.setattr("tests.hostile.answers.campaign.case", lambda _seed, _number: one)
    campaign = Campaign(SEED, tmp_path / "found")
    assert list(campaign.run(1)) == [1]
    (finding,) = campaign.tally.findings
    assert words in finding
    assert f"case({SEED}, {one.number})" in finding


def test_what_is_meant_is_taken() -> None:
    server = HostileServer()
    subject = new_subject(server.port)
    try:
        server.case = plain(json.dumps(GRANT).encode(), b"Content-Type: application/json")
        report = subject.take(json.dumps("create"))
        assert report is not None
        assert (report["outcome"], report["session_id"]) == ("taken", SESSION_ID)
    finally:
        subject.end()
        server.close()
