import csv
import io
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from atlas_desktop.api.source import Mode
from atlas_desktop.storage import history
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome

NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)
"""In Berlin."""


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


def entry(begun: datetime, hours: float | None, key: str = "a", **more: object) -> BillingEntry:
    """One of $10 an hour, over after ``hours``; ``None``: still open."""
    made = BillingEntry(
        key=key,
        guard="g",
        kind="atlas",
        address="https://api.example.com",
        salt="",
        fingerprint="",
        mode=Mode.CONVERSATION,
        asked_at=begun - timedelta(seconds=1),
        outcome=Outcome.OPEN,
        session_id="ses_1",
        granted_at=begun,
        price_per_hour_usd=10.0,
        max_duration_s=14400.0,
    )
    if hours is not None:
        made = replace(
            made,
            outcome=Outcome.ENDED,
            ended_at=begun + timedelta(hours=hours),
            why="asked",
            duration_s=hours * 3600,
            charged_usd=hours * 10,
            estimated_usd=hours * 11,
        )
    return replace(made, **more)  # type: ignore[arg-type]


def hours_ago(hours: float) -> datetime:
    return NOON - timedelta(hours=hours)


def test_a_row_has_the_figures_of_both_sides() -> None:
    [row] = history.rows([entry(hours_ago(1), 0.5)], NOON)
    assert (row.started.hour, row.started.utcoffset()) == (11, timedelta(hours=1))
    assert (row.mode, row.duration_s, row.estimated_usd, row.charged_usd) == (Mode.CONVERSATION, 1800, 5.5, 5)
    assert (row.outcome, row.why, row.session_id) == (Outcome.ENDED, "asked", "ses_1")


def test_rows_come_newest_first_and_without_what_was_refused() -> None:
    asked = entry(hours_ago(3), None, "b", outcome=Outcome.ASKED, granted_at=None, session_id="")
    known = [
        entry(hours_ago(2), 1, "a"),
        asked,
        entry(hours_ago(1), None, "c"),
        replace(asked, key="d", outcome=Outcome.REFUSED),
    ]
    found = history.rows(known, NOON)
    assert [row.key for row in found] == ["c", "a", "b"]
    assert (found[0].estimated_usd, found[0].charged_usd, found[0].duration_s) == (10.0, None, 3600)
    assert (found[2].estimated_usd, found[2].duration_s) == (None, None)


def test_totals_of_the_local_day_and_month() -> None:
    known = [
        entry(hours_ago(1), 0.5),
        # 23:30 to 00:30: half of it is today's, and half yesterday's.
        entry(datetime(2026, 11, 23, 22, 30, tzinfo=UTC), 1),
        entry(datetime(2026, 11, 2, 12, tzinfo=UTC), 0.2),
        # Half an hour before and after the month's beginning.
        entry(datetime(2026, 10, 31, 22, 30, tzinfo=UTC), 1),
        entry(datetime(2026, 10, 1, 12, tzinfo=UTC), 4),
    ]
    found = history.totals(known, NOON)
    assert found.day_usd == pytest.approx(5 + 5)
    assert found.month_usd == pytest.approx(5 + 10 + 2 + 5)
    assert history.totals([], NOON) == history.Totals(0.0, 0.0)


def test_what_was_spent_today_counts_the_running_but_not_oneself() -> None:
    known = [entry(hours_ago(1), None, "runs"), entry(hours_ago(2), 0.5, "was")]
    assert history.spent_today_usd(known, NOON) == pytest.approx(15)
    assert history.spent_today_usd(known, NOON, except_key="runs") == pytest.approx(5)


def test_one_that_runs_over_midnight_counts_with_todays_part() -> None:
    begun = datetime(2026, 11, 23, 22, tzinfo=UTC)  # 23:00 in Berlin
    two = datetime(2026, 11, 24, 1, tzinfo=UTC)
    assert history.spent_today_usd([entry(begun, None)], two) == pytest.approx(20)
    # It stopped by itself after four hours: three of them today.
    assert history.spent_today_usd([entry(begun, None)], NOON) == pytest.approx(30)


def test_the_services_figure_is_spread_as_ours_is() -> None:
    begun = datetime(2026, 11, 23, 22, tzinfo=UTC)
    assert history.spent_today_usd([entry(begun, 4, charged_usd=8.0)], NOON) == pytest.approx(6)
    instant = entry(hours_ago(1), 0, charged_usd=0.02)
    assert history.spent_today_usd([instant], NOON) == pytest.approx(0.02)


def test_what_has_no_price_costs_nothing_that_we_know_of() -> None:
    known = [
        entry(hours_ago(1), None, price_per_hour_usd=None),
        entry(hours_ago(1), None, outcome=Outcome.ASKED, granted_at=None),
    ]
    assert history.spent_today_usd(known, NOON) == 0.0


def test_one_that_nobody_saw_end_does_not_eat_the_day() -> None:
    """The computer was off for days; the service names no longest time."""
    left = entry(hours_ago(80), None, max_duration_s=None, limit_s=3600.0)
    said_over = replace(left, outcome=Outcome.DISMISSED, ended_at=NOON)
    assert history.spent_today_usd([left, said_over], NOON) == 0.0
    recent = replace(left, granted_at=hours_ago(3))
    assert history.spent_today_usd([recent], NOON) == pytest.approx(10)
    totals = history.totals([left, said_over, recent], NOON)
    assert totals.day_usd == pytest.approx(10)
    assert totals.month_usd == pytest.approx(30)
    [row] = history.rows([left], NOON)
    assert row.duration_s == 3600
    assert row.estimated_usd == pytest.approx(10)


def test_one_that_nothing_bounds_is_unknown_and_no_part_of_the_limit() -> None:
    left = entry(hours_ago(80), None, max_duration_s=None)
    said_over = replace(left, outcome=Outcome.DISMISSED, ended_at=NOON)
    assert history.spent_today_usd([left, said_over], NOON) == 0.0
    for row in history.rows([left, said_over], NOON):
        assert (row.duration_s, row.estimated_usd, row.charged_usd) == (None, None, None)
    [cells] = read(history.to_csv([said_over]))
    assert (cells["duration_s"], cells["our_cost_usd"], cells["outcome"]) == ("", "", "dismissed")


@pytest.mark.parametrize(("day", "hours"), [((3, 29), 23), ((10, 25), 25)])
def test_a_day_on_which_the_clock_is_changed_has_its_own_length(day: tuple[int, int], hours: int) -> None:
    noon = datetime(2026, *day, 12, tzinfo=UTC)
    all_day = entry(noon - timedelta(hours=24), 48, max_duration_s=None)
    assert history.spent_today_usd([all_day], noon) == pytest.approx(hours * 10)


def test_an_absurd_length_is_no_crash() -> None:
    odd = entry(hours_ago(1), 1, duration_s=1e300)
    assert history.spent_today_usd([odd], NOON) < 10
    assert history.totals([odd], datetime(2026, 12, 31, 23, 59, tzinfo=UTC)).month_usd >= 0
    assert history.to_csv([odd])


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_iso_times_and_dots() -> None:
    [row] = read(history.to_csv([entry(hours_ago(1), 0.5)]))
    assert row == {
        "started": "2026-11-24T11:00:00+01:00",
        "ended": "2026-11-24T11:30:00+01:00",
        "mode": "conversation",
        "duration_s": "1800.0",
        "our_cost_usd": "5.5000",
        "charged_usd": "5.0000",
        "outcome": "ended",
        "why": "asked",
        "session_id": "ses_1",
        "host": "api.example.com",
    }
    assert datetime.fromisoformat(row["started"]) == hours_ago(1)


def test_csv_leaves_empty_what_is_not_known() -> None:
    asked = entry(hours_ago(3), None, outcome=Outcome.ASKED, granted_at=None, session_id="")
    refused = replace(asked, outcome=Outcome.REFUSED)
    running, unknown = read(history.to_csv([entry(hours_ago(1), None), asked, refused]))
    assert (running["outcome"], running["ended"], running["our_cost_usd"]) == ("open", "", "")
    assert (unknown["outcome"], unknown["duration_s"], unknown["session_id"]) == ("asked", "", "")


@pytest.mark.parametrize(
    "evil",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\xa0=1",
        "\u200b=1",
        "＝1",
        '=HYPERLINK("x")',
    ],
)
def test_nothing_in_the_csv_is_a_formula(evil: str) -> None:
    made = entry(hours_ago(1), 0.5, session_id=evil, why=evil, address=f"https://{evil}")
    [row] = read(history.to_csv([made]))
    assert row["session_id"] == f"'{evil}"
    assert all(not cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row.values())


def test_csv_of_nothing_is_its_header() -> None:
    assert history.to_csv([]).splitlines() == [",".join(history.to_csv([]).strip().split(","))]
    assert history.to_csv([]).startswith("started,ended,mode,")


@pytest.mark.parametrize("days", [-366, 366], ids=["behind", "ahead"])
def test_sessions_of_a_clock_that_was_a_year_off_are_none_of_today(days: int) -> None:
    off = NOON + timedelta(days=days)
    known = [entry(off, 1.0), entry(hours_ago(1), 0.5, "b"), entry(off, None, "c")]
    assert history.spent_today_usd(known, NOON) == 5.0
    assert history.totals(known, NOON) == history.Totals(5.0, 5.0)
    assert {row.key for row in history.rows(known, NOON)} == {"a", "b", "c"}
    assert len(history.to_csv(known).splitlines()) == 4
