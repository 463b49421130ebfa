import io
import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from atlas_desktop.api.source import EndReceipt, Mode, SessionGrant
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage import history
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome
from atlas_desktop.storage.billing_replay import fold, records_in

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def opened(number: int) -> list[dict[str, Any]]:
    """The records of a session that nobody has ended."""
    ask = records.asked("guard", "atlas", "https://x.example", "a key", Mode.CONVERSATION, NOON)
    grant = SessionGrant(f"ses_{number}", "wss://x", "token", price_per_hour_usd=10.0, max_duration_s=14_400)
    return [ask, records.granted(ask["key"], grant, NOON)]


def written(*given: dict[str, Any]) -> bytes:
    return b"".join(json.dumps({"v": 1, **one}, separators=(",", ":")).encode() + b"\n" for one in given)


def read(content: bytes) -> list[BillingEntry]:
    return fold(records_in(io.BytesIO(content)))


def open_ids(content: bytes) -> set[str]:
    return {entry.session_id for entry in read(content) if entry.is_open}


@pytest.mark.parametrize("between", [b"", b"x", b" ", b"\0" * 9, b"\r", b'"', b"{", b'{"v":1,"event":"gra'])
def test_records_whose_line_end_is_lost_are_all_read(between: bytes) -> None:
    lines = written(*opened(1), *opened(2), *opened(3)).splitlines()
    assert open_ids(between.join(lines)) == {"ses_1", "ses_2", "ses_3"}


@pytest.mark.parametrize("byte", [b"\0", b"\n", b'"', b"9", b"\xff"])
def test_a_session_whose_id_can_be_read_is_never_forgotten(byte: bytes) -> None:
    content = written(*opened(1), *opened(2))
    name = b'"session_id":"ses_2"'
    first, last = content.index(name), content.index(name) + len(name)
    for at in range(len(content)):
        if not first <= at < last:
            changed = content[:at] + byte + content[at + 1 :]
            assert "ses_2" in open_ids(changed), (at, content[at - 9 : at + 9])


def test_what_a_crash_tore_behind_the_id_is_enough_to_end_it() -> None:
    content = written(*opened(1))
    for cut in range(content.index(b'"ses_1"') + len(b'"ses_1"'), len(content)):
        [entry] = read(content[:cut])
        assert (entry.outcome, entry.session_id, entry.host) == (Outcome.OPEN, "ses_1", "x.example")
        # The time that it was asked for stands in for that of the answer.
        assert entry.running_s(NOON) == 0.0


def test_a_piece_of_a_record_makes_no_second_session_of_it() -> None:
    """Without line ends a journal is read in pieces, which begin anywhere."""
    given = [record for number in range(600) for record in opened(number)]
    content = written(*given).replace(b"\n", b" ")
    assert len(content) > 200_000
    entries = read(content)
    assert {entry.session_id for entry in entries} == {f"ses_{number}" for number in range(600)}
    assert len(entries) == 600


def test_an_end_that_is_damaged_is_not_believed() -> None:
    ask, grant = opened(1)
    end = records.ended(ask["key"], EndReceipt("ses_1", confirmed=True), "asked", None, NOON)
    for cut in range(1, len(written(end)) - 1):
        assert open_ids(written(ask, grant) + written(end)[:-cut]) <= {"ses_1"}
    assert open_ids(written(ask, grant) + written(end)[:-2]) == {"ses_1"}
    assert open_ids(written(ask, grant, end)) == set()


def test_zeros_and_lines_without_end_cost_no_record() -> None:
    first, second = written(*opened(1)), written(*opened(2))
    for junk in (bytes(3 << 20), b"x" * (3 << 20), b'"event"' * 100_000, b"\n" * 500_000, b'{"v":' * 100_000):
        assert open_ids(first + junk + second) == {"ses_1", "ses_2"}
        assert open_ids(junk + first.replace(b"\n", b" ") + junk + second) >= {"ses_1", "ses_2"}


@pytest.mark.parametrize(
    "odd",
    [*("9" * 400, "-" + "9" * 400, "1e999", "NaN", "-0", "1e308", "[1]", '"1"', "true", "{}", "1e12")],
)
def test_a_figure_that_is_none_stops_no_limit(odd: str) -> None:
    ask, grant = opened(1)
    end = records.ended(ask["key"], EndReceipt("ses_1", confirmed=True), "asked", 1.0, NOON)
    for name in ("price_per_hour_usd", "max_duration_s", "duration_s", "charged_usd", "limit_s"):
        content = b"".join(
            json.dumps({**one, **({name: 0.125} if name in one else {})})
            .encode()
            .replace(b"0.125", odd.encode())
            + b"\n"
            for one in (ask, grant, end)
        )
        entries = read(content)
        [entry] = entries
        assert entry.session_id == "ses_1"
        for usd in (history.spent_today_usd(entries, NOON), history.totals(entries, NOON).month_usd):
            assert math.isfinite(usd)
            assert usd >= 0.0
        history.to_csv(entries)


@pytest.mark.parametrize(
    "odd", ["[" * 400 + "]" * 400, '"\\ud800"', "7", "null", "{}", '"' + "x" * 100_000 + '"', '"\\u0000"']
)
@pytest.mark.parametrize(
    "name", ["event", "key", "guard", "kind", "address", "salt", "fingerprint", "at", "why"]
)
def test_a_text_that_is_none_stops_no_reading(name: str, odd: str) -> None:
    ask, grant = opened(1)
    damaged = {**ask, name: "HERE"}
    content = json.dumps(damaged).replace('"HERE"', odd).encode() + b"\n" + written(grant, *opened(2))
    assert "ses_2" in open_ids(content)
    for entry in read(content):
        entry.matches("atlas", "https://x.example", "a key")
        assert isinstance(entry.host, str)
        history.rows([entry], NOON)
        history.to_csv([entry])
