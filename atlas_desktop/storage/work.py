"""Unfinished work, kept for a crash: clips that wait in the cue strip, and the message being typed."""

import json
import logging
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

from atlas_desktop.lenient_json import number_of, parse_object, text_of
from atlas_desktop.storage import atomic
from atlas_desktop.storage.delayed_write import DelayedWrite

log = logging.getLogger(__name__)

_WRITE_AFTER_S = 0.5
_LONGEST_DRAFT = 200_000
_MOST_CLIPS = 10_000
_LONGEST_BYTES = 16 << 20
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that is still to be spoken.

    Attributes:
        path: Its file.
        position_s: How much of it was spoken.
    """

    path: str
    position_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """What would be lost with the program.

    Attributes:
        clips: In the order in which they are spoken.
        draft: The typed, unsent message.
    """

    clips: tuple[Clip, ...] = ()
    draft: str = ""


class WorkStore:
    """Stores the work of one run in a file, written soon after each change. Thread: the caller's own, one.

    Writing happens in another thread: it costs the caller nothing.

    Attributes:
        moved_aside: Where an unreadable file was moved; ``None`` when all was well.
    """

    def __init__(self, file: Path, write_after_s: float = _WRITE_AFTER_S) -> None:
        self.moved_aside: Path | None = None
        self._file = file
        self._work = Work()
        self._delay = DelayedWrite("work", self._write, write_after_s)

    def read(self) -> Work:
        """Return the work of an earlier run, as far as it is readable."""
        try:
            found = parse_object(atomic.read_text(self._file, _LONGEST_BYTES, errors="replace"))
        except FileNotFoundError:
            return Work()
        except (OSError, ValueError) as error:
            log.info("the work of the last run can't be read: %s", error)
            self.moved_aside = atomic.move_aside(self._file)
            return Work()
        rows = found.get("clips")
        clips = map(_clip, rows[:_MOST_CLIPS] if isinstance(rows, list) else ())
        draft = text_of(found.get("draft"), _LONGEST_DRAFT)
        return Work(tuple(clip for clip in clips if clip is not None), _SURROGATES.sub("\ufffd", draft))

    def keep(self, *, clips: Iterable[Clip] | None = None, draft: str | None = None) -> None:
        """Store the current work; ``None`` leaves that part unchanged."""
        work = self._work
        if clips is not None:
            work = replace(work, clips=tuple(clips))
        if draft is not None:
            work = replace(work, draft=draft[:_LONGEST_DRAFT])
        if work != self._work:
            self._work = work
            self._delay.schedule()

    def stop(self) -> None:
        """Keep the stored work, and accept no more. Never waits."""
        self._delay.stop()

    def close(self) -> None:
        """Delete the stored work, as the run ends properly. May wait for the disk."""
        self._delay.close(self._remove)

    def _remove(self) -> None:
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _write(self) -> None:
        try:
            atomic.write_text(self._file, json.dumps(asdict(self._work)))
        except OSError as error:
            log.info("the work in hand can't be written: %s", error)


def _clip(row: Any) -> Clip | None:
    if not isinstance(row, dict):
        return None
    path, position_s = row.get("path"), number_of(row.get("position_s"))
    return Clip(path, position_s) if position_s is not None and _is_path(path) else None


def _is_path(value: Any) -> TypeGuard[str]:
    try:
        return isinstance(value, str) and bool(value) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False
