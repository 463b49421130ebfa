from collections.abc import Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from keyring.errors import KeyringLocked

from atlas_desktop.api.access import Access
from atlas_desktop.api.address import DEFAULT_BASE
from atlas_desktop.api.http_source import HttpSource
from atlas_desktop.api.source import EndReceipt, Mode
from atlas_desktop.guard.termination import RetryPolicy
from atlas_desktop.sessions_cli.listing import is_called
from atlas_desktop.sessions_cli.terminator import POLICY, SessionTerminator
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_entry import Outcome
from atlas_desktop.storage.billing_journal import BillingJournal
from tests.unit.guard.fakes import FakeService
from tests.unit.sessions_cli.desk import STRANGER, Desk
from tests.unit.sessions_cli.fakes import SilentSource, credentials, entry
from tests.unit.storage.rings import BrokenRing, MemoryRing

KEY = "ak_Live9x7QzT4mB2vN8sD1fG6hJ3kL5"


def test_one_that_the_service_ended_itself_is_over(desk: Desk) -> None:
    session_id = desk.make()
    httpx.delete(f"{desk.atlas.base}/v1/realtime/session/{session_id}", headers=desk.headers)
    assert desk.run("end", session_id).status == 0
    assert desk.only().outcome is Outcome.ENDED


def test_one_that_the_service_forgot_is_over(desk: Desk) -> None:
    """A 404 of Atlas's own shape, at the same address, with the same key."""
    desk.ask(session_id="an odd/id?")
    assert desk.run("end", "an odd/id?").status == 0
    assert desk.only().outcome is Outcome.ENDED


def test_a_session_of_a_backend_is_ended_there(desk: Desk) -> None:
    """The local Atlas stands for a backend that asks for a token."""
    backend = f"{desk.atlas.base}/v1/realtime/session"
    session_id = desk.make(kind="backend", base=backend)
    assert desk.run("end", session_id).status == 0
    assert desk.atlas.open_sessions() == []


def test_one_whose_address_was_lost_is_tried_with_the_key_at_hand(desk: Desk) -> None:
    session_id = desk.make()
    lines = desk.profile.billing_journal.read_bytes().splitlines(keepends=True)
    desk.profile.billing_journal.write_bytes(b"\x00" * 300 + b"\n" + lines[1])
    assert "not known" in desk.run().out
    assert desk.run("end", session_id).status == 0
    assert desk.only().outcome is Outcome.ENDED
    assert desk.atlas.open_sessions() == []


DELETE = {"method": "DELETE", "times": 0}


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 404, "body": "html"},
        {"status": 404, "body": "empty"},
        {"status": 401},
        {"status": 403, "body": "text"},
    ],
)
def test_an_end_that_is_not_confirmed_stays_open(desk: Desk, fault: dict[str, Any]) -> None:
    session_id = desk.make()
    desk.atlas.order({"rest": {**DELETE, **fault}})
    done = desk.run("end", session_id)
    assert (done.status, done.complaints.count("\n")) == (1, 1)
    assert f"did not confirm that {session_id} is over: it may still cost" in done.complaints
    assert desk.only().is_open


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 429, "retry_after": "1"},
        {"drop": True},
        {"status": 500, "carried_out": True},
    ],
)
def test_a_service_that_fails_once_is_asked_again(desk: Desk, fault: dict[str, Any]) -> None:
    session_id = desk.make()
    desk.atlas.order({"rest": {**DELETE, **fault, "times": 1}})
    done = desk.run("end", session_id)
    assert (done.status, done.complaints) == (0, "")
    assert desk.only().outcome is Outcome.ENDED
    assert desk.atlas.open_sessions() == []


def test_an_address_that_is_none_is_said(desk: Desk) -> None:
    for base in ("http://[", "http://example.com", "nonsense"):
        done = desk.run("end", STRANGER, ATLAS_API_BASE=base)
        assert (done.status, done.complaints.count("\n")) == (1, 1)
        assert "is not an https:// address" in done.complaints


@pytest.mark.parametrize("limit_s", [0.1, 30.0])
async def test_persistence_has_an_end(tmp_path: Path, limit_s: float) -> None:
    said: list[str] = []
    journal = BillingJournal(tmp_path / "sessions.jsonl")
    policy = RetryPolicy((0.15, 0.15), (0.01,), max_attempts=2, reply_timeout_s=limit_s)
    here = credentials(MemoryRing(), ATLAS_API_KEY="ak_1")
    silent = cast(Any, SilentSource())
    terminator = SessionTerminator(journal, tmp_path, here, said.append, lambda *_: silent, policy)
    async with aclosing(terminator):
        result = await terminator.end_entry(entry("ak_1"))
    assert not result.done
    assert "did not answer in time" in result.complaint
    assert said[0] == f"Ending {STRANGER} at api.atlasv1.com, within {limit_s:.0f} s at most.\n"
    assert any("asking again" in line for line in said[1:]) == (limit_s > 1)
    assert journal.entries() == []


@pytest.mark.logs("failed")
async def test_what_goes_wrong_with_one_is_not_the_others_trouble(tmp_path: Path) -> None:
    service = FakeService(open_sessions=[STRANGER])

    def made(access: Access, own_ids: Iterable[str] = ()) -> HttpSource:
        if "broken" in access.address:
            raise RuntimeError("a bug")
        return service.factory(access, own_ids)

    journal = BillingJournal(tmp_path / "sessions.jsonl")
    here = credentials(MemoryRing(), ATLAS_API_KEY="ak_1")
    async with aclosing(SessionTerminator(journal, tmp_path, here, lambda _: None, made)) as terminator:
        entries = [entry("ak_1", address="https://broken.example"), entry("ak_1")]
        broken, whole = await terminator.end_entries(entries)
    assert (broken.done, "may still cost: RuntimeError" in broken.complaint) == (False, True)
    assert (whole.done, service.open_sessions) == (True, [])


class Recording:
    """A service that ends what it is asked for, and remembers it."""

    label, billed = "x", True

    def __init__(self) -> None:
        self.ended: list[str] = []

    async def end(self, session_id: str) -> EndReceipt:
        self.ended.append(session_id)
        return EndReceipt(session_id, confirmed=True)

    async def aclose(self) -> None:
        pass


async def test_one_whose_id_holds_the_key_is_ended_under_it_and_said_without(tmp_path: Path) -> None:
    said: list[str] = []
    journal, service, now = BillingJournal(tmp_path / "sessions.jsonl"), Recording(), datetime.now(UTC)
    here = credentials(MemoryRing(), ATLAS_API_KEY=KEY)
    assert await here.current() is not None
    ask = records.asked("g", "atlas", DEFAULT_BASE, KEY, Mode.CONVERSATION, now)
    journal.append(ask)
    journal.append(records.found(ask["key"], f"ses_{KEY}", now, KEY))
    (written,) = journal.entries()
    terminator = SessionTerminator(journal, tmp_path, here, said.append, lambda *_: cast(Any, service))
    async with aclosing(terminator):
        result = await terminator.end_entry(written)
    assert result.done
    assert service.ended == [f"ses_{KEY}"]
    assert is_called(written, f"ses_{KEY}")
    assert is_called(written, result.session_id)
    assert KEY not in "".join((*said, result.session_id, journal.file.read_text("utf-8")))
    (over,) = journal.entries()
    assert over.outcome is Outcome.ENDED


def test_the_requests_end_within_a_minute() -> None:
    assert sum(POLICY.attempt_timeouts_s) + sum(POLICY.backoff_s) < POLICY.reply_timeout_s == 60.0
    assert POLICY.max_attempts == len(POLICY.attempt_timeouts_s)


async def test_a_keyring_that_refuses_is_asked_once(tmp_path: Path) -> None:
    here = credentials(BrokenRing(KeyringLocked("locked")))
    assert await here.access_to(entry("ak_1")) is None
    assert await here.current() is None
    assert here.problem is not None
    journal = BillingJournal(tmp_path / "never-written")
    async with aclosing(SessionTerminator(journal, tmp_path, here, lambda _: None)) as terminator:
        result = await terminator.end_entry(entry("ak_1"))
    assert "keyring can't be used (it is locked)" in result.complaint


async def test_a_service_that_is_not_there_is_asked_a_few_times(tmp_path: Path) -> None:
    said: list[str] = []
    journal = BillingJournal(tmp_path / "sessions.jsonl")
    policy = RetryPolicy((5.0,), (0.05,), max_attempts=3)
    here = credentials(MemoryRing(), ATLAS_API_KEY="ak_1")
    async with aclosing(SessionTerminator(journal, tmp_path, here, said.append, policy=policy)) as terminator:
        result = await terminator.end_entry(entry("ak_1", address="http://127.0.0.1:9"))
    assert not result.done
    assert result.complaint == f"{STRANGER} is not ended and may still cost: 127.0.0.1:9 can't be reached."
    assert len(said) == 3
