"""The history of paid sessions: rows, totals and CSV, computed from the billing journal's entries.

Pure, except for the computer's time zone: days and months are local ones, as in the user's calendar.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from atlas_desktop.api.source import Mode
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome

_COLUMNS = (
    "started",
    "ended",
    "mode",
    "duration_s",
    "our_cost_usd",
    "charged_usd",
    "outcome",
    "why",
    "session_id",
    "host",
)
_LONGEST_S = 366 * 24 * 3600.0
"""A damaged journal may hold more than a date can represent."""
_FORMULA_SIGNS = tuple("=+-@＝＋－＠")
"""Spreadsheets in East Asian locales treat the full-width ones alike."""
_BREAKS = ("\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One session that may have cost.

    Attributes:
        key: The journal entry's name.
        started: Local time.
        mode: The requested mode.
        duration_s: The service's figure, else ours; ``None`` where unknown: the response never came,
            or the end was not recorded and nothing bounds it.
        estimated_usd: Our figure; for a running session, until now. ``None`` likewise.
        charged_usd: The service's figure.
        outcome: Whether it is over.
        why: Why it was ended (``orders.Why``); empty for one that was not.
        session_id: Empty where the response never came.
    """

    key: str
    started: datetime
    mode: Mode
    duration_s: float | None
    estimated_usd: float | None
    charged_usd: float | None
    outcome: Outcome
    why: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What all sessions cost: the service's figure for each, else ours."""

    day_usd: float
    month_usd: float


def rows(entries: Iterable[BillingEntry], now: datetime) -> list[HistoryRow]:
    """Return every session except those that the service refused, newest first."""
    found = [_row(entry, now) for entry in entries if entry.outcome is not Outcome.REFUSED]
    return sorted(found, key=lambda row: row.started, reverse=True)


def totals(entries: Iterable[BillingEntry], now: datetime) -> Totals:
    """Return the cost of the local day and of the calendar month of ``now`` so far."""
    known = list(entries)
    today = now.astimezone()
    first, next_first = _midnight(today, first_of_month=True), _next_month(today)
    month_usd = sum((_cost_within(entry, first, next_first, now) for entry in known), 0.0)
    return Totals(spent_today_usd(known, now), month_usd)


def spent_today_usd(entries: Iterable[BillingEntry], now: datetime, except_key: str = "") -> float:
    """Return the cost of sessions in the local day of ``now``, without the entry named ``except_key``.

    A running session counts with our estimate; one over midnight with its part in this day. One whose
    end was not recorded counts up to its bound, if it has one, else with nothing.
    """
    today = now.astimezone()
    midnight, next_midnight = _midnight(today), _midnight(today, days=1)
    others = (entry for entry in entries if entry.key != except_key)
    return sum((_cost_within(entry, midnight, next_midnight, now) for entry in others), 0.0)


def to_csv(entries: Iterable[BillingEntry]) -> str:
    """Return the rows as CSV (RFC 4180) for a spreadsheet: ISO 8601 local times, amounts with a dot.

    No text in it is interpreted as a formula.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    writer.writerows(_cells(entry) for entry in entries if entry.outcome is not Outcome.REFUSED)
    return out.getvalue()


def _row(entry: BillingEntry, now: datetime) -> HistoryRow:
    return HistoryRow(
        key=entry.key,
        started=_started(entry).astimezone(),
        mode=entry.mode,
        duration_s=entry.counted_s(now),
        estimated_usd=_our_usd(entry, now),
        charged_usd=entry.charged_usd,
        outcome=entry.outcome,
        why=entry.why,
        session_id=entry.session_id,
    )


def _cells(entry: BillingEntry) -> Iterator[str]:
    # An entry that is over needs no "now"; any other has no figures here yet.
    over = entry.ended_at
    duration_s = None if over is None else entry.counted_s(over)
    yield _iso(_started(entry))
    yield "" if over is None else _iso(over)
    yield entry.mode.value
    yield "" if duration_s is None else f"{duration_s:.1f}"
    yield _amount(None if over is None else _our_usd(entry, over))
    yield _amount(entry.charged_usd)
    yield entry.outcome.value
    yield _text(entry.why)
    yield _text(entry.session_id)
    yield _text(entry.host)


def _our_usd(entry: BillingEntry, now: datetime) -> float | None:
    return replace(entry, charged_usd=None).counted_usd(now)


def _started(entry: BillingEntry) -> datetime:
    return entry.granted_at or entry.asked_at


def _cost_within(entry: BillingEntry, begin: datetime, end: datetime, now: datetime) -> float:
    """Return the part of its cost that lies in [begin, end): cost grows linearly with time."""
    cost_usd = entry.counted_usd(now)
    if not cost_usd:
        return 0.0
    started = _started(entry)
    ran = timedelta(seconds=min(entry.counted_s(now) or 0.0, _LONGEST_S))
    if not ran:
        return cost_usd if begin <= started < end else 0.0
    inside = min(started + ran, end) - max(started, begin)
    return cost_usd * max(0.0, inside / ran)


def _midnight(local: datetime, days: int = 0, *, first_of_month: bool = False) -> datetime:
    """Return the local midnight that began the day, or its month; with ``days``, so many days later."""
    day = (local.date().replace(day=1) if first_of_month else local.date()) + timedelta(days=days)
    # A naive time is local: the zone's offset of that day, not of this moment.
    return datetime(day.year, day.month, day.day).astimezone()


def _next_month(local: datetime) -> datetime:
    in_next = _midnight(local, first_of_month=True) + timedelta(days=32)
    return _midnight(in_next, first_of_month=True)


def _iso(moment: datetime) -> str:
    return moment.astimezone().isoformat(timespec="seconds")


def _amount(usd: float | None) -> str:
    return "" if usd is None else f"{usd:.4f}"


def _text(text: str) -> str:
    """Escape text that a spreadsheet would run as a formula. Source: OWASP, CSV Injection.

    Blanks and invisible characters at the beginning are skipped.
    """
    first = next((sign for sign in text if sign.isprintable() and not sign.isspace()), "")
    return f"'{text}" if first in _FORMULA_SIGNS or text[:1] in _BREAKS else text
