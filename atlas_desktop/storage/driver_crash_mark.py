"""Crashes of the graphics driver: a mark that outlives the program, and a record of the machine."""

import json
import logging
import os
from contextlib import suppress
from pathlib import Path

from atlas_desktop.lenient_json import parse_object
from atlas_desktop.storage import atomic

log = logging.getLogger(__name__)


class DriverCrashMark:
    """Mark in the profile while OpenGL is on trial, and record of the machine on which it failed.

    A program that finds the mark at its start knows that the one before did not live to clear it.
    Thread: any, one at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._mark = folder / "picture-path.trying"
        self._record = folder / "picture-path.json"

    def set(self) -> bool:
        """Write the mark; return False where that fails: a crash would go unnoticed."""
        try:
            atomic.write_text(self._mark, "OpenGL is on trial.\n")
        except OSError as error:
            log.info("OpenGL is not tried, a crash could not be noticed: %s", error)
            return False
        return True

    def clear(self) -> None:
        """Remove the mark, if there is one."""
        with suppress(OSError):
            self._mark.unlink(missing_ok=True)

    def is_set(self) -> bool:
        """Return whether a program left the mark behind, whatever lies in its place."""
        return os.path.lexists(self._mark)

    def exclude(self, machine: str) -> None:
        """Record that OpenGL failed on ``machine``; a disk that refuses costs no more than another trial."""
        # The keys of earlier versions, whose record still counts.
        text = json.dumps({"machine": machine, "crashed": True}, indent=2) + "\n"
        try:
            atomic.write_text(self._record, text)
        except OSError as error:
            log.info("the failure of the graphics driver can't be recorded: %s", error)

    def is_excluded(self, machine: str) -> bool:
        """Return whether OpenGL has failed on ``machine``; False where the record can't be read."""
        try:
            found = parse_object(atomic.read_text(self._record))
        except FileNotFoundError:
            return False
        except (OSError, ValueError) as error:
            log.info("the record of the graphics driver can't be read: %s", error)
            return False
        return found.get("crashed") is True and found.get("machine") == machine
