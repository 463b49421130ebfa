"""The mark of a running program: one that is found at the start shows that the last run crashed."""

import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_desktop.errors import MediaError
from atlas_desktop.files import open_regular
from atlas_desktop.lenient_json import number_of, parse_object, text_of
from atlas_desktop.private_files import FILE_MODE, open_private
from atlas_desktop.storage import atomic
from atlas_desktop.storage.profile import Profile

if TYPE_CHECKING:
    from filelock import FileLock

log = logging.getLogger(__name__)

_LONGEST_REPORT_BYTES = 16_000
_LONGEST_VERSION = 40
_YEARS = range(1971, 9000)
_LAST_S = 2.2e11
"""In the year 8941; a disk may report a later one, which no clock here can display."""


@dataclass(frozen=True, slots=True)
class StoppedRun:
    """A run that did not end properly: a crash, a kill, a power cut.

    Attributes:
        version: Of the program.
        began: Its start; local time.
        last_seen: Its last write, about when it stopped.
        stacks: The stacks that it wrote as it crashed; empty where it could not.
        log: The last lines of its log.
        journal: Its newest transcript, if there is one.
    """

    version: str
    began: datetime
    last_seen: datetime
    stacks: str = ""
    log: str = ""
    journal: Path | None = None


class RunMark:
    """The mark of this run in its profile. Thread: any, one at a time.

    A lock distinguishes a live run from a dead one. While another run of the same profile lives, this one
    leaves no mark.

    Attributes:
        stopped: The last run, when it did not end properly.
        trouble: Why the profile is not writable; ``None`` when all is well.
        is_ours: The mark was written: no other run of this profile lives.
    """

    def __init__(self, profile: Profile) -> None:
        """Read what the last run has left. Call it before this one writes its log."""
        self.stopped: StoppedRun | None = None
        self.trouble: OSError | None = None
        self.is_ours = False
        self._profile = profile
        self._file = profile.folder / "running.json"
        self._lock: FileLock | None = None
        # Read only after a crash: a start reads nothing that it does not need.
        self._last_log = _tail(profile.log_file) if _changed_s(self._file) else ""
        self._last_seen_s = max(map(_changed_s, (profile.log_file, profile.crash_log)))

    def begin(self, version: str) -> None:
        """Write this run's mark, and set ``stopped`` and ``trouble``.

        Loads the lock: after the window's first paint.
        """
        from filelock import FileLock, Timeout

        self._lock = FileLock(self._profile.folder / "running.lock", timeout=0, mode=FILE_MODE)
        try:
            self._lock.acquire()
        except Timeout:
            return
        except (OSError, NotImplementedError) as error:
            # NotImplementedError: a file system without locks.
            log.info("this run's mark can't be locked: %s", error)
        self.is_ours = True
        self.stopped = self._look_back()
        mark = {
            "version": version,
            "began": datetime.now().astimezone().isoformat(),
            "crash_log": _size(self._profile.crash_log),
            "journals": sorted(path.name for path in _journals(self._profile)),
        }
        try:
            # A pipe in its place would block.
            self._file.unlink(missing_ok=True)
            with open(self._file, "w", encoding="utf-8", opener=open_private) as file:
                file.write(json.dumps(mark))
        except OSError as error:
            self.trouble = self.trouble or error

    def end(self) -> None:
        """Remove the mark, as the run ends properly."""
        if self._lock is None:
            return
        if self.is_ours:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
        self._lock.release()

    def _look_back(self) -> StoppedRun | None:
        try:
            found = parse_object(atomic.read_text(self._file))
            began = _checked(datetime.fromisoformat(found["began"]))
        except OSError:
            return None
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            # Half written, as by a power cut: that it exists says enough.
            log.info("the mark of the last run can't be read: %s", error)
            found, began = {}, _moment(_changed_s(self._file))
        journal = _newest_journal(_journals(self._profile), found.get("journals"), began)
        seen_s = max(began.timestamp(), self._last_seen_s, _changed_s(journal) if journal else 0.0)
        return StoppedRun(
            version=text_of(found.get("version"), _LONGEST_VERSION),
            began=began,
            last_seen=_moment(seen_s),
            stacks=_tail(self._profile.crash_log, int(number_of(found.get("crash_log")) or 0)),
            log=self._last_log,
            journal=journal,
        )


def _journals(profile: Profile) -> list[Path]:
    try:
        return list(profile.transcripts_folder.glob("*.jsonl"))
    except OSError:
        return []


def _checked(moment: datetime) -> datetime:
    """Return ``moment`` as local time.

    Raises:
        ValueError: It can't be displayed, or no version of ours existed then.
    """
    if moment.year in _YEARS:
        return moment.astimezone()
    raise ValueError("no time of ours")


def _newest_journal(journals: list[Path], before: Any, began: datetime) -> Path | None:
    """Return the newest journal of the run that ``began``; ``before`` names those that existed already."""
    if isinstance(before, list):
        # Independent of the clock, which may have been set since.
        journals = [path for path in journals if path.name not in before]
    else:
        # Some file systems store whole seconds only.
        journals = [path for path in journals if _changed_s(path) >= began.timestamp() - 2.0]
    return max(journals, key=lambda path: (_changed_s(path), path.name), default=None)


def _tail(file: Path, begin: int = 0) -> str:
    """Return the last part of a file, from ``begin`` on; empty where there is none."""
    try:
        with open_regular(file) as source:
            size = source.seek(0, os.SEEK_END)
            source.seek(max(begin, size - _LONGEST_REPORT_BYTES) if begin <= size else size)
            return source.read(_LONGEST_REPORT_BYTES).decode(errors="replace")
    except (MediaError, OSError):
        return ""


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _changed_s(file: Path) -> float:
    try:
        return min(max(0.0, file.stat().st_mtime), _LAST_S)
    except OSError:
        return 0.0


def _moment(time_s: float) -> datetime:
    return datetime.fromtimestamp(time_s).astimezone()
