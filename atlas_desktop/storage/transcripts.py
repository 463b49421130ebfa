"""Transcripts on disk: saved as the user asks, and journalled as they grow so that a crash loses none."""

import errno
import json
import logging
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
"""Of one journal: eight times what a transcript may hold."""
_INTERIM_EVERY_S = 1.0
_PIECE_BYTES, _LONGEST_LINE_BYTES, _LONGEST_JOURNAL_BYTES = 1 << 20, 4 << 20, 32 << 20
_LATEST_MS = 220_000_000_000_000
"""In the year 8941: every clock here can show it."""


class Spoken(Protocol):
    """One message, as the session's transcript has it."""

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
    """One message as it was read back."""

    id: str
    role: str
    text: str
    final: bool
    timestamp_ms: int
    delivery: str = SENT


def save(path: Path, messages: Iterable[Spoken]) -> None:
    """Writes a transcript where the user chose: JSON when ``path`` ends in ``.json``, else readable text.

    Raises:
        OSError: It can't be written there.
    """
    form = format_json if path.suffix.lower() == ".json" else format_text
    atomic.export_text(path, form(messages))


def format_text(messages: Iterable[Spoken]) -> str:
    """One line a message: local time, speaker, words; further lines of a message are indented.

    What never went out says so.
    """
    return "".join(f"{_clock(one)}  {_speaker(one)}: {_indented(one.text)}\n" for one in messages)


def format_json(messages: Iterable[Spoken]) -> str:
    """An array of objects; times in ISO 8601, UTC. ``delivery`` is there for what did not go out."""
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
    """Appends every message of one run to a file as it comes; a message's newest line counts.

    A message that still changes is written once a second at most. What a room goes on to say beyond
    ``MOST_BYTES`` is not written. Thread: one.
    """

    def __init__(self, folder: Path, started: datetime | None = None) -> None:
        moment = (started or datetime.now(UTC)).astimezone(UTC)
        # To the microsecond: two journals of one second must not share a file.
        self.path = folder / f"{moment:%Y-%m-%d %H-%M-%S.%f}.jsonl"
        self._file: IO[bytes] | None = None
        self._bytes = 0
        self._broken = False
        self._interim_s = 0.0

    def note(self, *messages: Spoken) -> None:
        """Writes ``messages`` as they are now. A full disk ends the journal, nothing else."""
        lines = b"".join(_line_of(message) for message in messages if self._is_due(message))
        if not lines or self._broken:
            return
        if self._bytes + len(lines) > MOST_BYTES:
            self._broken = True
            log.info("the transcript's journal ends: it holds %d bytes", self._bytes)
            return
        self._bytes += len(lines)
        try:
            self._append(lines)
        except OSError as error:
            self._broken = True
            log.info("the transcript's journal ends: %s", error)

    def close(self) -> None:
        """Closes the file; a later ``note`` opens it again."""
        file, self._file = self._file, None
        if file is not None:
            # On a full disk it tries once more to write what it could not write before.
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
    """The messages of a journal in the order of their first line; damaged lines are left out.

    Of a file that is far longer than any talk, its beginning.

    Raises:
        OSError: It can't be read, or is no file.
    """
    found: dict[str, SavedMessage] = {}
    for line in _lines(path):
        try:
            message = _message_in(parse_object(line))
        except (ValueError, TypeError):
            # A crash cuts the last line short.
            continue
        found[message.id] = message
    return list(found.values())


def _lines(path: Path) -> Iterator[str]:
    """Those that may be messages, a few at a time: what lies between them costs no memory."""
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
    """The message that was written.

    Raises:
        TypeError: Something in it is missing, or is not what we write.
    """
    one = SavedMessage(**found)
    kinds = {"final": bool, "timestamp_ms": int}
    is_ours = all(isinstance(value, kinds.get(name, str)) for name, value in found.items())
    if is_ours and 0 <= one.timestamp_ms <= _LATEST_MS:
        return one
    raise TypeError("not a message")


def forget_oldest(newest: Path, keep: int = KEPT_JOURNALS) -> None:
    """Removes all but ``keep`` journals beside ``newest``, the oldest first. Their names are their order."""
    # One that a clock set back has just named like an old one is none.
    others = sorted(path for path in newest.parent.glob("*.jsonl") if path != newest)
    for path in others[: max(0, len(others) + 1 - keep)]:
        # A folder of such a name is none of ours.
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
