"""The billing journal's records, folded into one entry a session, whatever a damaged file says."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from atlas_desktop.api.source import Mode, SourceKind
from atlas_desktop.lenient_json import number_of, text_of
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome, Record

_FIRST, _LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_LONGEST_NAME = 4096
_NOBODYS = "?"
"""A fingerprint that no key has."""


def fold(records: Iterable[Record]) -> list[BillingEntry]:
    """The entries of ``records``, oldest first. What can't be understood is passed over."""
    entries: dict[str, BillingEntry] = {}
    for record in records:
        try:
            _apply(entries, record)
        except (KeyError, TypeError):
            continue
    # A session whose own entry is known has no other one, however a piece of its record was found.
    named = {entry.session_id for key, entry in entries.items() if key[:1] != _NOBODYS}
    return [one for key, one in entries.items() if key[:1] != _NOBODYS or one.session_id not in named]


def _apply(entries: dict[str, BillingEntry], record: Record) -> None:
    key, at = _key(record), _time(record.get("at"))
    is_known = key in entries and bool(entries[key].session_id)
    match record.get("event"):
        case "asked":
            entries.setdefault(key, _asked_entry(key, at, record))
        case "refused" if entries[key].outcome is Outcome.ASKED:
            why = _encodable(record.get("why"))
            entries[key] = replace(entries[key], outcome=Outcome.REFUSED, why=why)
        case "ended":
            entries[key] = _ended(entries[key], at, record)
        case "dismissed" if entries[key].outcome is not Outcome.ENDED:
            why = _encodable(record.get("why"))
            entries[key] = replace(entries[key], outcome=Outcome.DISMISSED, ended_at=at, why=why)
        case "taken_over":
            entries[key] = replace(entries[key], guard=_name(record["guard"]))
        case event if event == "granted" or ("session_id" in record and not is_known):
            # What was asked for may be torn out of the file, or the word "granted": the session is there.
            entries[key] = _granted(entries.get(key) or _asked_entry(key, at, {}), at, record)


def _granted(entry: BillingEntry, at: datetime, record: Record) -> BillingEntry:
    if entry.outcome is Outcome.ENDED:
        return entry
    return replace(
        entry,
        outcome=Outcome.OPEN,
        session_id=_name(record["session_id"]),
        sealed_id=_encodable(record.get("sealed_id")),
        # By a moment that can't be read it would have run for half a century.
        granted_at=entry.asked_at if at == _FIRST else at,
        price_per_hour_usd=number_of(record.get("price_per_hour_usd")),
        max_duration_s=number_of(record.get("max_duration_s")),
        ended_at=None,
        why="",
    )


def _ended(entry: BillingEntry, at: datetime, record: Record) -> BillingEntry:
    # Said twice, the first says when and why; either may bring the service's figures.
    first = entry.outcome is not Outcome.ENDED
    return replace(
        entry,
        outcome=Outcome.ENDED,
        ended_at=at if first else entry.ended_at,
        why=_encodable(record.get("why")) if first else entry.why,
        duration_s=_known(entry.duration_s, record.get("duration_s")),
        charged_usd=_known(entry.charged_usd, record.get("charged_usd")),
        estimated_usd=_known(entry.estimated_usd, record.get("estimated_usd")),
    )


def _known(before: float | None, said: object) -> float | None:
    return number_of(said) if before is None else before


def _asked_entry(key: str, at: datetime, record: Record) -> BillingEntry:
    """What can be read of it: a session of a kind that a newer version knows must show, too."""
    mode = record.get("mode")
    return BillingEntry(
        key=key,
        guard=_encodable(record.get("guard")),
        kind=_encodable(record.get("kind", SourceKind.ATLAS.value)),
        address=_encodable(record.get("address")),
        salt=_encodable(record.get("salt")),
        fingerprint=_encodable(record.get("fingerprint", _NOBODYS)),
        mode=Mode(mode) if mode in list(Mode) else Mode.CONVERSATION,
        asked_at=at,
        is_address_cut=record.get("address_cut") is True,
        limit_s=number_of(record.get("limit_s")),
        limit_usd=number_of(record.get("limit_usd")),
    )


def _key(record: Record) -> str:
    """The name of its entry; where that is lost and a session is named, one that no other entry has."""
    key = record.get("key")
    return key if isinstance(key, str) else f"{_NOBODYS}{_name(record['session_id'])}"


def _name(value: object) -> str:
    """What something is called by, exactly as it stands there; TypeError for what is no text."""
    if isinstance(value, str) and len(value) <= _LONGEST_NAME:
        return value
    raise TypeError("no name")


def _encodable(value: object) -> str:
    """A text that can be written, sent and hashed; empty for anything else."""
    return text_of(value).encode("utf-8", "replace").decode()


def _time(text: object) -> datetime:
    """A moment that every platform can show; one that can't be read is taken for the earliest."""
    try:
        moment = datetime.fromisoformat(text_of(text))
    except ValueError:
        return _FIRST
    return min(max(moment if moment.tzinfo else moment.replace(tzinfo=UTC), _FIRST), _LAST)
