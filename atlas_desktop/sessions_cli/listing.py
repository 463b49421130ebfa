"""The list of what was started here and not seen to end, for people and for scripts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atlas_desktop.storage.billing_entry import BillingEntry, Outcome

_HEADS = ("ID", "STATE", "MODE", "SINCE", "RUNS", "HOST", "MAY HAVE COST", "KEY")
_NONE_OPEN = "Nothing that was started here is open.\n"
_END_HINT = (
    "To end one: atlas-desktop sessions end ID; all that nobody uses: atlas-desktop sessions end --all\n"
)
_IN_USE_HINT = "in use by a running Atlas Desktop: end it there; named, it is ended from here, too.\n"
_UNKNOWN_HINT = (
    "unknown: it was asked for, and no answer came. If Atlas made it, it runs until its longest time, and\n"
    "only your Atlas account can end it. Once you know that it is over: atlas-desktop sessions forget ID\n"
)


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session that was not seen to end.

    Attributes:
        entry: What the journal says.
        in_use: A running Atlas Desktop holds it.
        key_at_hand: Whether the key or backend that made it is there.
    """

    entry: BillingEntry
    in_use: bool
    key_at_hand: bool

    @property
    def name(self) -> str:
        """What it is called by on the command line."""
        return name_of(self.entry)

    @property
    def since(self) -> datetime:
        return self.entry.granted_at or self.entry.asked_at


def name_of(entry: BillingEntry) -> str:
    """The session's id; the entry's own name where there is none, or none that a terminal can show."""
    session_id = entry.session_id
    if session_id and session_id.isascii() and session_id.isprintable():
        return session_id
    return entry.key if entry.key.isascii() and entry.key.isprintable() else ascii(entry.key)


def is_called(entry: BillingEntry, name: str) -> bool:
    """Whether ``name`` means this entry."""
    return name == entry.key or entry.is_of(name)


def unfinished(entries: Sequence[BillingEntry]) -> list[BillingEntry]:
    """Those that may still cost, as far as is known here."""
    return [entry for entry in entries if entry.outcome in (Outcome.OPEN, Outcome.ASKED)]


def as_table(sessions: Sequence[ListedSession], now: datetime) -> str:
    """Columns for a terminal, with what can be done below."""
    if not sessions:
        return _NONE_OPEN
    rows = [_HEADS, *(_row(session, now) for session in sessions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    hints = ["\n"]
    if any(session.entry.is_open for session in sessions):
        hints.append(_END_HINT)
    if any(session.in_use for session in sessions):
        hints.append(_IN_USE_HINT)
    if any(not session.entry.is_open and not session.in_use for session in sessions):
        hints.append(_UNKNOWN_HINT)
    return "\n".join(line.rstrip() for line in lines) + "\n" + "".join(hints)


def as_objects(sessions: Sequence[ListedSession], now: datetime) -> list[dict[str, Any]]:
    """The same for JSON; times are ISO 8601 in UTC."""
    return [_object(session, now) for session in sessions]


def duration_text(seconds: float) -> str:
    """For a person: 42 s, 7 min 05 s, 3 h 07 min."""
    minutes, rest_s = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left:02d} min"
    return f"{minutes} min {rest_s:02d} s" if minutes else f"{rest_s} s"


def _row(session: ListedSession, now: datetime) -> tuple[str, ...]:
    entry = session.entry
    cost_usd = entry.cost_by(now)
    return (
        session.name,
        _state(session, "in use"),
        entry.mode.value,
        f"{session.since.astimezone():%Y-%m-%d %H:%M}",
        duration_text(entry.running_s(now)) if entry.is_open else "-",
        _host(entry),
        "not known" if cost_usd is None else f"about ${cost_usd:.2f}",
        "at hand" if session.key_at_hand else "not at hand",
    )


def _host(entry: BillingEntry) -> str:
    host = entry.host
    return (host if host.isprintable() else ascii(host)) or "not known"


def _object(session: ListedSession, now: datetime) -> dict[str, Any]:
    entry = session.entry
    return {
        "entry": entry.key,
        "session_id": entry.session_id or None,
        "state": _state(session, "in_use"),
        "mode": entry.mode.value,
        "since": session.since.isoformat(timespec="seconds"),
        "running_s": round(entry.running_s(now), 1) if entry.is_open else None,
        "kind": entry.kind,
        "host": entry.host or None,
        "cost_usd": None if (cost_usd := entry.cost_by(now)) is None else round(cost_usd, 4),
        "key_at_hand": session.key_at_hand,
    }


def _state(session: ListedSession, in_use: str) -> str:
    if session.in_use:
        return in_use
    return "open" if session.entry.is_open else "unknown"
