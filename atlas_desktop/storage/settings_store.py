"""The settings on disk: read once, changed in memory, written soon after, never partially."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from atlas_desktop.storage import atomic
from atlas_desktop.storage.delayed_write import DelayedWrite
from atlas_desktop.storage.settings import (
    Settings,
    format_json,
    misread_limits,
    parse,
    sealed_limits,
    unusable_limits,
)

log = logging.getLogger(__name__)

SettingsCallback = Callable[[Settings], None]
_WRITE_AFTER_S = 0.3


class SettingsStore:
    """Holds the settings of one profile. Thread: the caller's own, one; writing happens in another.

    Attributes:
        moved_aside: Where an unreadable file was moved; ``None`` when all was well.
        repaired: The limits that an earlier version had misread, and that are restored, by name.
        unusable: The names of unusable limits: safe values apply instead.
    """

    def __init__(self, file: Path, write_after_s: float = _WRITE_AFTER_S) -> None:
        self.moved_aside: Path | None = None
        self.repaired: dict[str, float] = {}
        self.unusable = tuple[str, ...]()
        self._file = file
        self._delay = DelayedWrite("settings", self._write, write_after_s)
        self._kept: dict[str, Any] = {}
        self._callbacks: list[SettingsCallback] = []
        self._settings = self._read()
        self._written: Settings | None = self._settings
        if self.unusable:
            # Written at once, so that it is reported only once.
            self._written = None
            self._delay.schedule()
        if self.repaired:
            self.change(**self.repaired)

    @property
    def settings(self) -> Settings:
        """The current settings."""
        return self._settings

    def on_change(self, callback: SettingsCallback) -> Callable[[], None]:
        """Call ``callback`` after each change; return a function that unsubscribes it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def change(self, **values: Any) -> Settings:
        """Set the named fields; they are written 0.3 s later, with further changes.

        Raises:
            TypeError: No such setting.
        """
        changed = replace(self._settings, **values)
        if changed != self._settings:
            self._settings = changed
            self._delay.schedule()
            for callback in tuple(self._callbacks):
                callback(changed)
        return changed

    def close(self) -> None:
        """Write pending changes. May wait for the disk."""
        self._delay.flush()

    def _write(self) -> None:
        settings = self._settings
        if settings == self._written:
            return
        try:
            atomic.write_text(self._file, format_json(settings, self._kept))
        except OSError as error:
            # Full or read-only disk: the settings are lost after this run, nothing else.
            log.info("settings can't be written: %s", error)
        else:
            self._written = settings

    def _read(self) -> Settings:
        text = ""
        try:
            text = atomic.read_text(self._file, errors="replace")
            settings, self._kept = parse(text)
            format_json(settings, self._kept)  # what can't be written again counts as damaged
            self.repaired, self.unusable = misread_limits(self._kept), unusable_limits(self._kept)
        except FileNotFoundError:
            return Settings()
        except (OSError, ValueError, RecursionError) as error:
            # Another user's file, a folder in its place, bytes that are not JSON: what is saved now would
            # replace it, or never could.
            log.info("settings can't be read: %s", error)
            self._kept = {}
            self.moved_aside = atomic.move_aside(self._file)
            limits: dict[str, Any] = dict(sealed_limits(text))
            return Settings(**limits)
        return settings
