"""Reading a billing journal: its bytes as records, its records as one entry per session.

Of a damaged file everything readable is used: torn lines, zeros and lost line ends may lie between records,
and a record's values may be anything.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

from atlas_desktop.api.source import Mode, SourceKind
from atlas_desktop.lenient_json import DECODER, number_of, parse, text_of
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome, Record

_PIECE_BYTES = 1 << 20
_ZEROS = bytes(_PIECE_BYTES)
_LONGEST_LINE_BYTES = 1 << 16
"""Ours have less than a tenth of it. A longer one has lost its line ends: it is read in windows of this
size."""
_BEGINNING = '{"v":'
"""Every record of ours begins so; inside a record the quotes would be escaped."""
_MARKS = (b'"event"', b'"key"', b'session_id"')
_MADE = 'session_id":"'
"""Occurs only in the record of a session that was created."""
_LONGEST_TORN = 4096
_VALUE = r'":("(?:[^"\\]|\\.){0,200}"|null|-?[0-9.eE+-]{1,24})'
_KEPT = {
    name: re.compile(f"{name}{_VALUE}")
    for name in ("key", "session_id", "price_per_hour_usd", "max_duration_s", "at")
}
_FIRST, _LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_LONGEST_NAME = 4096
_NOBODYS = "?"
"""A fingerprint that no key has."""


def records_in(source: BinaryIO) -> Iterator[dict[str, Any]]:
    """Read all of ``source`` and yield its records in order; a record in an overlong line may come twice.

    The bytes between records cost neither memory nor noticeable time.
    """
    rest, torn = b"", ""
    while True:
        piece = source.read(_PIECE_BYTES)
        # A power cut leaves zeros on some disks; a sparse file may hold a gigabyte of them.
        is_empty = not piece or piece == _ZEROS
        lines, _, rest = (rest, b"", b"") if is_empty else (rest + piece).rpartition(b"\n")
        if len(rest) > _LONGEST_LINE_BYTES:
            lines, rest = lines + b"\n" + rest, rest[-_LONGEST_LINE_BYTES:]
        for line in _lines_of(lines):
            records, gaps = _read_line(line)
            yield from records
            # A line end may have got into a record: the rests of two lines are searched together.
            torn = gaps if records else torn + gaps
            if (record := _salvaged(torn)) is not None:
                yield record
                torn = ""
            torn = torn[-_LONGEST_TORN:]
        if not piece:
            return


def _lines_of(lines: bytes) -> Iterator[str]:
    """Yield the lines that may contain a record; of an overlong one, overlapping pieces."""
    if not any(mark in lines for mark in _MARKS):
        return
    for line in lines.split(b"\n"):
        if line and any(mark in line for mark in _MARKS):
            for start in range(0, len(line), _LONGEST_LINE_BYTES):
                yield line[start : start + 2 * _LONGEST_LINE_BYTES].decode("utf-8", "replace").strip()


def _read_line(line: str) -> tuple[list[dict[str, Any]], str]:
    """Return a line's records, wherever in it they begin, and what is left without them."""
    records, gaps, done = [], [], 0
    place = 0
    while place >= 0:
        found, end = _object_at(line, place)
        if found is not None:
            records.append(found)
            gaps.append(line[done:place])
            done = end
        place = line.find(_BEGINNING, end)
    gaps.append(line[done:])
    return records, "".join(gaps)


def _object_at(text: str, place: int) -> tuple[dict[str, Any] | None, int]:
    """Return the object that begins at ``place``, and where it ends; without one, where to search on."""
    at_start = place == 0 and not text.startswith(_BEGINNING)
    is_record = text[place + len(_BEGINNING) : place + len(_BEGINNING) + 2].strip()[:1].isdigit()
    if at_start or is_record:
        with suppress(ValueError, RecursionError):
            found, end = DECODER.raw_decode(text, place)
            return (found, end) if isinstance(found, dict) else (None, end)
    return None, place if at_start else place + 1


def _salvaged(text: str) -> dict[str, Any] | None:
    """Return what is left of a damaged record, where it names a session that was created.

    Only such records: an ended session that is taken for open merely costs a request.
    """
    if _MADE not in text:
        return None
    found: dict[str, Any] = {"event": "granted"}
    for name, pattern in _KEPT.items():
        value = pattern.search(text)
        with suppress(ValueError):
            if value is not None:
                found[name] = parse(value[1])
    return found if isinstance(found.get("session_id"), str) else None


def fold(records: Iterable[Record]) -> list[BillingEntry]:
    """Return the entries of ``records``, oldest first; what can't be understood is skipped."""
    entries: dict[str, BillingEntry] = {}
    for record in records:
        try:
            _apply(entries, record)
        except (KeyError, TypeError):
            continue
    # A session with an entry of its own needs none that was made from a fragment of its record.
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
            # The record "asked" or the word "granted" may be damaged: the session exists all the same.
            entries[key] = _granted(entries.get(key) or _asked_entry(key, at, {}), at, record)


def _granted(entry: BillingEntry, at: datetime, record: Record) -> BillingEntry:
    if entry.outcome is Outcome.ENDED:
        return entry
    return replace(
        entry,
        outcome=Outcome.OPEN,
        session_id=_name(record["session_id"]),
        sealed_id=_encodable(record.get("sealed_id")),
        # With an unreadable time it would seem to have run for half a century.
        granted_at=entry.asked_at if at == _FIRST else at,
        price_per_hour_usd=number_of(record.get("price_per_hour_usd")),
        max_duration_s=number_of(record.get("max_duration_s")),
        ended_at=None,
        why="",
    )


def _ended(entry: BillingEntry, at: datetime, record: Record) -> BillingEntry:
    # Of two such records the first says when and why; either may bring the service's figures.
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
    """Create an entry from what is readable: a session of a newer version's kind must be shown, too."""
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
    """Return the name of its entry; one made from the session's id where the name is lost."""
    key = record.get("key")
    return key if isinstance(key, str) else f"{_NOBODYS}{_name(record['session_id'])}"


def _name(value: object) -> str:
    """Return a name exactly as written; raise TypeError for anything else."""
    if isinstance(value, str) and len(value) <= _LONGEST_NAME:
        return value
    raise TypeError("no name")


def _encodable(value: object) -> str:
    """Return text that can be written, sent and hashed; empty for anything else."""
    return text_of(value).encode("utf-8", "replace").decode()


def _time(text: object) -> datetime:
    """Return a time that every platform can display; an unreadable one becomes the earliest."""
    try:
        moment = datetime.fromisoformat(text_of(text))
    except ValueError:
        return _FIRST
    return min(max(moment if moment.tzinfo else moment.replace(tzinfo=UTC), _FIRST), _LAST)
