"""Ids that hold the key: shown and written without it, and good for ending their session all the same."""

import base64
import json
from datetime import UTC, datetime

import pytest

from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.redaction import known
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_replay import fold
from atlas_desktop.storage.session_ids import opened_id, public_id, sealed_id
from tests.hostile.secrecy.search import Search

KEY = "ak_Live9x7QzT4mB2vN8sD1fG6hJ3kL5"
NOW = datetime(2026, 11, 30, tzinfo=UTC)
IDS = [f"ses_{KEY}", f"ses_{KEY.upper()}/ü?", base64.b64encode(f"id:{KEY}".encode()).decode(), f"{KEY}\ud800"]


@pytest.fixture(autouse=True)
def key_in_use() -> None:
    known.add(KEY)


@pytest.mark.parametrize("session_id", IDS)
def test_an_id_with_the_key_is_written_without_it_and_read_with_it(session_id: str) -> None:
    ask = records.asked("g", "atlas", "https://x.example", KEY, Mode.CONVERSATION, NOW)
    grant = SessionGrant(session_id, "wss://x", "token")
    for record in (
        records.granted(ask["key"], grant, NOW, KEY),
        records.found(ask["key"], session_id, NOW, KEY),
    ):
        assert Search(key=KEY).in_text(json.dumps([ask, record]), "the journal") == []
        (entry,) = fold(json.loads(json.dumps([ask, record])))
        assert entry.id_for(KEY) == session_id
        assert entry.id_for("another key") == entry.session_id
        assert entry.is_of(session_id)
        assert not entry.is_of(f"{session_id}x")


@pytest.mark.parametrize("session_id", ["ses_0123456789abcdef0123", "odd id", ""])
def test_any_other_id_is_written_as_it_is(session_id: str) -> None:
    assert public_id(session_id) == session_id
    record = records.found("e1", session_id, NOW, KEY)
    assert record["session_id"] == session_id
    assert "sealed_id" not in record


def test_two_ids_with_the_key_are_told_apart() -> None:
    assert public_id(IDS[0]) != public_id(f"ses_{KEY[::-1]}")


def test_one_that_is_written_without_the_secret_can_be_read_all_the_same() -> None:
    record = records.found("e1", IDS[0], NOW)
    (entry,) = fold([record])
    assert Search(key=KEY).in_text(json.dumps(record), "the journal") == []
    assert entry.id_for(KEY) == entry.id_for("") == IDS[0]


def test_a_seal_is_another_for_every_entry() -> None:
    assert sealed_id("e1", "ses_1", KEY) != sealed_id("e2", "ses_1", KEY)


@pytest.mark.parametrize("sealed", ["", "zz", "abc", "ff", "é"])
def test_a_damaged_seal_is_no_error(sealed: str) -> None:
    assert opened_id("e1", "shown", sealed, KEY) == "shown"
