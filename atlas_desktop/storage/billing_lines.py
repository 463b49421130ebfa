"""The records in a billing journal's bytes, whatever lies between them: torn lines, zeros, lost line ends."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Protocol

from atlas_desktop.lenient_json import DECODER, parse

_PIECE_BYTES = 1 << 20
_ZEROS = bytes(_PIECE_BYTES)
_LONGEST_LINE_BYTES = 1 << 16
"""None of ours has a tenth of it. A longer one has lost its line ends: so much is looked at in a row."""
_BEGINNING = '{"v":'
"""Every record of ours begins so; within one the quotes would be escaped."""
_MARKS = (b'"event"', b'"key"', b'session_id"')
_MADE = 'session_id":"'
"""Only the record of a session that was made has it."""
_LONGEST_TORN = 4096
_VALUE = r'":("(?:[^"\\]|\\.){0,200}"|null|-?[0-9.eE+-]{1,24})'
_KEPT = {
    name: re.compile(f"{name}{_VALUE}")
    for name in ("key", "session_id", "price_per_hour_usd", "max_duration_s", "at")
}


class Source(Protocol):
    """What the bytes come from."""

    def read(self, size: int, /) -> bytes: ...


def records_in(source: Source) -> Iterator[dict[str, Any]]:
    """Read all of ``source`` and give its records in order; one that a long line holds may come twice.

    What lies between them costs neither memory nor, to speak of, time.
    """
    rest, torn = b"", ""
    while True:
        piece = source.read(_PIECE_BYTES)
        # What a power cut leaves on some disks; of a sparse file there may be a gigabyte.
        is_empty = not piece or piece == _ZEROS
        lines, _, rest = (rest, b"", b"") if is_empty else (rest + piece).rpartition(b"\n")
        if len(rest) > _LONGEST_LINE_BYTES:
            lines, rest = lines + b"\n" + rest, rest[-_LONGEST_LINE_BYTES:]
        for line in _lines_of(lines):
            records, gaps = _read_line(line)
            yield from records
            # A line end may have got into a record: what is left of two lines is looked at together.
            torn = gaps if records else torn + gaps
            if (record := _salvaged(torn)) is not None:
                yield record
                torn = ""
            torn = torn[-_LONGEST_TORN:]
        if not piece:
            return


def _lines_of(lines: bytes) -> Iterator[str]:
    """Those that may have something of a record; of one that is too long, pieces that overlap."""
    if not any(mark in lines for mark in _MARKS):
        return
    for line in lines.split(b"\n"):
        if line and any(mark in line for mark in _MARKS):
            for start in range(0, len(line), _LONGEST_LINE_BYTES):
                yield line[start : start + 2 * _LONGEST_LINE_BYTES].decode("utf-8", "replace").strip()


def _read_line(line: str) -> tuple[list[dict[str, Any]], str]:
    """Its records, also behind what was torn, overwritten or glued to them, and what is left without them."""
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
    """The object that begins there, and where it ends; where to look on if there is none."""
    at_start = place == 0 and not text.startswith(_BEGINNING)
    is_record = text[place + len(_BEGINNING) : place + len(_BEGINNING) + 2].strip()[:1].isdigit()
    if at_start or is_record:
        with suppress(ValueError, RecursionError):
            found, end = DECODER.raw_decode(text, place)
            return (found, end) if isinstance(found, dict) else (None, end)
    return None, place if at_start else place + 1


def _salvaged(text: str) -> dict[str, Any] | None:
    """What is left of a damaged record, where it names a session that was made.

    Nothing is believed of any other: one that is taken for open although it has ended costs a request.
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
