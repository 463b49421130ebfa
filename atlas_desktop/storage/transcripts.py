"""Transcripts on disk: exported as the user asks, and journalled as they grow so that a crash loses none."""

import errno
import json
import logging
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol

from atlas_desktop.errors import MediaError, MissingFileError
from atlas_desktop.files import open_regular
from atlas_desktop.lenient_json import parse_object
from atlas_desktop.private_files import make_folder, open_private
from atlas_desktop.storage import atomic

log = logging.getLogger(__name__)

SPEAKERS = {"user": "You", "agent": "Atlas"}
SENT = "sent"
_MARKS = {"waiting": " (not delivered)", "not_sent": " (not sent)"}
KEPT_JOURNALS = 200
MOST_BYTES = 32_000_000
"""Of one journal: eight times the limit of a transcript."""
_INTERIM_EVERY_S = 1.0
_PIECE_BYTES, _LONGEST_LINE_BYTES, _LONGEST_JOURNAL_BYTES = 1 << 20, 4 << 20, 32 << 20
_LATEST_MS = 220_000_000_000_000
"""In the year 8941: every clock here can display it."""


class Spoken(Protocol):
    """One message of the session's transcript."""

    @property
    def id(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def final(self) -> bool: ...
    @property
    def timestamp_ms(self) -> int: ...
    @property
    def delivery(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SavedMessage:
    """One message as read back from a journal."""

    id: str
    role: str
    text: str
    final: bool
    timestamp_ms: int
    delivery: str = SENT


def save(path: Path, messages: Iterable[Spoken]) -> None:
    """Write a transcript where the user chose: JSON when ``path`` ends in ``.json``, else plain text.

    Raises:
        OSError: It can't be written there.
    """
    form = format_json if path.suffix.lower() == ".json" else format_text
    atomic.export_text(path, form(messages))


def format_text(messages: Iterable[Spoken]) -> str:
    """Return one line per message: local time, speaker, text; further lines of a message are indented.

    Messages that were not sent are marked.
    """
    return "".join(f"{_clock(one)}  {_speaker(one)}: {_indented(one.text)}\n" for one in messages)


def format_json(messages: Iterable[Spoken]) -> str:
    """Return an array of objects; times in ISO 8601, UTC. Unsent messages have a ``delivery``."""
    rows = [
        {
            "time": datetime.fromtimestamp(one.timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            "role": one.role,
            "text": one.text,
            "final": one.final,
            **({} if one.delivery == SENT else {"delivery": str(one.delivery)}),
        }
        for one in messages
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


class TranscriptJournal:
    """Appends every message of one run to a file as it arrives; a message's newest line counts.

    A message that still changes is written once a second at most. Messages beyond ``MOST_BYTES``
    are not written. Thread: one.
    """

    def __init__(self, folder: Path, started: datetime | None = None) -> None:
        moment = (started or datetime.now(UTC)).astimezone(UTC)
        # Microseconds: two journals of one second must not share a file.
        self.path = folder / f"{moment:%Y-%m-%d %H-%M-%S.%f}.jsonl"
        self._file: IO[bytes] | None = None
        self._bytes = 0
        self._broken = False
        self._interim_s = 0.0

    def note(self, *messages: Spoken) -> None:
        """Write ``messages`` as they are now. What can't be written ends the journal, nothing else.

        Raises:
            OSError: It ends with this call. Later calls write nothing and raise nothing.
        """
        lines = b"".join(_line_of(message) for message in messages if self._is_due(message))
        if not lines or self._broken:
            return
        try:
            if self._bytes + len(lines) > MOST_BYTES:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
            self._append(lines)
        except OSError as error:
            self._broken = True
            log.info("the transcript's journal ends after %d bytes: %s", self._bytes, error)
            raise
        self._bytes += len(lines)

    def close(self) -> None:
        """Close the file; a later ``note`` opens it again."""
        file, self._file = self._file, None
        if file is not None:
            # On a full disk it retries the writes that failed before.
            with suppress(OSError):
                file.close()

    def _is_due(self, message: Spoken) -> bool:
        if message.final:
            return True
        now_s = time.monotonic()
        if now_s - self._interim_s < _INTERIM_EVERY_S:
            return False
        self._interim_s = now_s
        return True

    def _append(self, lines: bytes) -> None:
        if self._file is None:
            make_folder(self.path.parent)
            self._file = open(self.path, "ab", opener=open_private)  # noqa: SIM115
            forget_oldest(self.path)
        self._file.write(lines)
        self._file.flush()


def read_journal(path: Path) -> list[SavedMessage]:
    """Return the messages of a journal in the order of their first line; damaged lines are skipped.

    Of a file that is far longer than any transcript, its beginning is read.

    Raises:
        OSError: It can't be read, or is not a file.
    """
    found: dict[str, SavedMessage] = {}
    for line in _lines(path):
        try:
            message = _message_in(parse_object(line))
        except (ValueError, TypeError):
            # A crash truncates the last line.
            continue
        found[message.id] = message
    return list(found.values())


def _lines(path: Path) -> Iterator[str]:
    """Yield lines that may be messages; data between them costs no memory."""
    try:
        with open_regular(path) as file:
            rest, left = b"", _LONGEST_JOURNAL_BYTES
            while left > 0 and (piece := file.read(min(left, _PIECE_BYTES))):
                left -= len(piece)
                whole, _, rest = (rest + piece).rpartition(b"\n")
                yield from _few(whole)
                rest = rest[-_LONGEST_LINE_BYTES:]
            yield from _few(rest)
    except MissingFileError as error:
        raise FileNotFoundError(errno.ENOENT, str(error)) from error
    except MediaError as error:
        raise OSError(errno.EIO, str(error)) from error


def _few(lines: bytes) -> Iterator[str]:
    if b"{" in lines:
        yield from (line.decode("utf-8", "replace") for line in lines.split(b"\n") if b"{" in line)


def _message_in(found: dict[str, Any]) -> SavedMessage:
    """Return the message of a row.

    Raises:
        TypeError: A field is missing or of another type.
    """
    one = SavedMessage(**found)
    kinds = {"final": bool, "timestamp_ms": int}
    is_ours = all(isinstance(value, kinds.get(name, str)) for name, value in found.items())
    if is_ours and 0 <= one.timestamp_ms <= _LATEST_MS:
        return one
    raise TypeError("not a message")


def forget_oldest(newest: Path, keep: int = KEPT_JOURNALS) -> None:
    """Delete all but ``keep`` journals beside ``newest``, the oldest first. They sort by name."""
    # After a clock was set back the newest may sort like an old one: it is kept.
    others = sorted(path for path in newest.parent.glob("*.jsonl") if path != newest)
    for path in others[: max(0, len(others) + 1 - keep)]:
        # A folder with such a name is not ours.
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _line_of(message: Spoken) -> bytes:
    row = SavedMessage(
        message.id,
        message.role,
        message.text,
        message.final,
        message.timestamp_ms,
        str(message.delivery),
    )
    return json.dumps(asdict(row), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _clock(message: Spoken) -> str:
    return f"{datetime.fromtimestamp(message.timestamp_ms / 1000, UTC).astimezone():%H:%M:%S}"


def _speaker(message: Spoken) -> str:
    return SPEAKERS.get(message.role, message.role) + _MARKS.get(message.delivery, "")


def _indented(text: str) -> str:
    return "\n          ".join(text.splitlines())
