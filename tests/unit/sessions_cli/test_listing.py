import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from atlas_desktop.sessions_cli.listing import ListedSession, as_table, name_of
from tests.unit.sessions_cli.desk import Desk
from tests.unit.sessions_cli.fakes import entry


def test_the_list_says_what_since_when_and_how_much(desk: Desk) -> None:
    session_id = desk.make(ago_s=1800)
    key = desk.ask(ago_s=60)
    done = desk.run("list")
    assert (done.status, done.complaints) == (0, "")
    first = next(line for line in done.out.splitlines() if session_id in line)
    since = (datetime.now().astimezone() - timedelta(minutes=30)).strftime("%Y-%m-%d")
    host = desk.atlas.base.removeprefix("http://")
    for words in ("open", "conversation", since, "30 min", host, "about $5.", "at hand"):
        assert words in first
    assert re.search(rf"{key} +unknown +conversation .* not known +at hand", done.out)
    assert "sessions end ID" in done.out
    assert "sessions forget ID" in done.out
    assert desk.atlas.key not in done.out
    # Looking is no doing.
    assert desk.atlas.open_sessions() == [session_id]


def test_the_list_as_json(desk: Desk) -> None:
    session_id = desk.make(ago_s=3600)
    desk.ask(key="ak_another", base="https://elsewhere.example")
    first, second = desk.run("list", "--json").answer
    assert first["session_id"] == session_id
    assert first["entry"] == desk.journal.entries()[0].key
    assert (first["state"], first["mode"], first["kind"]) == ("open", "conversation", "atlas")
    assert first["cost_usd"] == pytest.approx(10.0, abs=0.1)
    assert first["running_s"] == pytest.approx(3600, abs=30)
    assert first["key_at_hand"] is True
    assert datetime.fromisoformat(first["since"]).tzinfo is not None
    assert (second["session_id"], second["state"], second["cost_usd"]) == (None, "unknown", None)
    assert (second["host"], second["key_at_hand"]) == ("elsewhere.example", False)


def test_a_name_that_a_terminal_can_not_show_is_replaced_by_the_entrys() -> None:
    odd = replace(entry("ak_1"), session_id="\x1b[2J", key="0123")
    assert name_of(odd) == "0123"
    assert "\x1b" not in as_table([ListedSession(odd, in_use=False, key_at_hand=True)], datetime.now(UTC))
    assert "\x1b" not in name_of(replace(odd, key="\x1b[3J"))
