"""Makes the notices of the model, with the actions they offer, and the reports they copy."""

import platform
import traceback
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QGuiApplication

from atlas_desktop import __version__
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.pricing import FALLBACK_PER_HOUR_USD
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import (
    AppError,
    BugError,
    EndUnconfirmedError,
    FileFaultError,
    MediaError,
    MicrophoneDeniedError,
    NoKeyError,
    UnauthorizedError,
)
from atlas_desktop.logs import redact
from atlas_desktop.storage.last_run import StoppedRun
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.controllers.notices import (
    Intent,
    Notice,
    NoticeAction,
    Severity,
    error_texts,
    notice_of,
)
from atlas_desktop.ui.look.amounts import hourly, money, number
from atlas_desktop.ui.look.plain_text import name_in_text
from atlas_desktop.ui.opener import open_address, privacy_page

if TYPE_CHECKING:
    from atlas_desktop.ui.model import AppModel

_PASSING_S = 6.0
_NAMES_SHOWN = 3
_LAST_LINES = 60


class NoticeFactory(QObject):
    """Makes notices in the user's language. Thread: the UI's."""

    def error(self, error: AppError, model: "AppModel") -> Notice:
        """Return the notice of an error, with the actions that help."""
        if isinstance(error, MediaError):
            # One notice for all files of a kind: each would replace the one before it unread.
            broken = [cue for cue in model.cues if cue.error is not None and cue.error.code == error.code]
            if len(broken) > 1:
                return self._broken(error, [cue.name for cue in reversed(broken)])
        return notice_of(error, *self._actions(error, model))

    def _broken(self, error: MediaError, names: Sequence[str]) -> Notice:
        titles = {
            "unreadable_audio": self.tr("No sound that can be read in {names}"),
            "empty_audio": self.tr("Empty files: {names}"),
            "silent_audio": self.tr("Nothing can be heard in {names}"),
            "cut_short": self.tr("Ended early: {names}"),
            "missing_file": self.tr("No longer there: {names}"),
            "file_denied": self.tr("These may not be read: {names}"),
            "file_silent": self.tr("These don't answer: {names}"),
            "not_a_file": self.tr("Pipes, folders or devices, not files: {names}"),
            "link_loop": self.tr("Links that lead back to themselves: {names}"),
            "disk": self.tr("The disk of these reports errors: {names}"),
            "bad_file_name": self.tr("These can't be names of files here: {names}"),
            "file_fault": self.tr("Something unexpected happened over {names}"),
        }
        title = titles.get(error.code, self.tr("Files that can't be used: {names}"))
        _title, advice = error_texts(error)
        return Notice(error.code, Severity.WARN, title.format(names=_some(names)), advice)

    def _actions(self, error: AppError, model: "AppModel") -> tuple[NoticeAction, ...]:
        if isinstance(error, BugError | FileFaultError):
            return (NoticeAction(self.tr("Copy report"), lambda: _copy(report_text(error))),)
        if isinstance(error, NoKeyError | UnauthorizedError):
            return (NoticeAction(self.tr("Rehearse for free"), model.rehearse, True),)
        if isinstance(error, EndUnconfirmedError):
            return (NoticeAction(self.tr("End it again"), model.end_again, True),)
        if isinstance(error, MicrophoneDeniedError) and (page := privacy_page()) is not None:
            return (NoticeAction(self.tr("Open system settings"), partial(_open, page), True),)
        return ()

    def switch(self, mode: Mode, switch: Intent) -> Notice:
        label = self.tr("Switch to {mode}").format(mode=self._mode_name(mode))
        price = hourly(FALLBACK_PER_HOUR_USD[mode])
        return Notice(
            "switch_mode",
            Severity.INFO,
            self.tr("Switch to {mode}?").format(mode=self._mode_name(mode)),
            self.tr(
                "This session ends and another starts, at {price} per hour. Face, cues and transcript stay."
            ).format(price=price),
            (NoticeAction(label, switch, primary=True, costs=True),),
        )

    def cues_wait(self, billed: bool, switch: Intent) -> Notice:
        action = NoticeAction(self.tr("Switch to passthrough and play"), switch, primary=True, costs=billed)
        price = hourly(FALLBACK_PER_HOUR_USD[Mode.PASSTHROUGH])
        paid = self.tr("That ends this session and starts one at {price} per hour.").format(price=price)
        return Notice(
            "cues_wait",
            Severity.INFO,
            self.tr("Sound is spoken in passthrough. What you gave waits in the strip."),
            paid if billed else self.tr("That costs nothing here."),
            (action,),
        )

    def not_accepted(self, names: Sequence[str]) -> Notice:
        return Notice(
            "not_accepted",
            Severity.WARN,
            self.tr("Not accepted: {names}").format(names=_some(names)),
            self.tr("Accepted: sound and video files, folders of them, a PNG, JPEG or WebP picture, text."),
        )

    def no_sound_in(self, paths: Sequence[Path]) -> Notice:
        names = _some([name_in_text(path.name or path) for path in paths])
        return Notice("no_sound_in", Severity.WARN, self.tr("No sound files in {names}").format(names=names))

    def taken_in_part(self, taken: int, of: int) -> Notice:
        title = self.tr("Of {count:,} sound files the first {taken:,} were taken")
        advice = self.tr("Give the rest when these are spoken, or join them into fewer files.")
        return Notice("taken_in_part", Severity.WARN, title.format(count=of, taken=taken), advice)

    def text_waits(self) -> Notice:
        title = self.tr("Your text waits in the message box of the next session")
        return Notice("text_waits", Severity.INFO, title, lasts_s=_PASSING_S)

    def face_waits(self) -> Notice:
        title = self.tr("The new face is that of the next session")
        return Notice("face_waits", Severity.INFO, title, lasts_s=_PASSING_S)

    def saved(self, path: Path) -> Notice:
        # Byte for byte: a name need not be UTF-8.
        folder = QUrl.fromEncoded(path.parent.as_uri().encode())
        show = NoticeAction(self.tr("Show folder"), lambda: _open(folder))
        title = self.tr("Transcript saved as {name}").format(name=name_in_text(path.name))
        place = name_in_text(path.parent)
        return Notice("transcript_saved", Severity.INFO, title, place, (show,), _PASSING_S)

    def not_saved(self, path: Path, error: OSError | MediaError) -> Notice:
        why = error_texts(error)[0] if isinstance(error, MediaError) else error.strerror or error
        title = self.tr("{name} can't be written: {why}").format(name=name_in_text(path.name), why=why)
        return Notice("transcript_saved", Severity.ERROR, title, self.tr("Choose another place."))

    def not_journalled(self, error: OSError) -> Notice:
        """The transcript lives in memory only from now on."""
        why = error.strerror or error
        title = self.tr("The transcript is no longer kept on disk: {why}").format(why=why)
        advice = self.tr("It would be lost if the program ended now. Save it to another place.")
        return Notice("transcript_journal", Severity.WARN, title, advice)

    def found_in(self, store: SettingsStore, change_limits: Intent) -> Iterator[Notice]:
        """Yield a notice for each problem found while the settings were read."""
        if store.moved_aside is not None:
            yield self.settings_damaged(store.moved_aside)
        if store.repaired:
            yield self.limits_repaired(store.settings.spending_limits, change_limits)
        elif store.unusable:
            yield self.limits_unusable(store.settings.spending_limits, change_limits)

    def settings_damaged(self, aside: Path) -> Notice:
        title = self.tr("The settings could not be read and start anew")
        advice = self.tr("The old file is kept as {name}.").format(name=name_in_text(aside.name))
        return Notice("settings_damaged", Severity.WARN, title, advice)

    def limits_repaired(self, limits: SpendingLimits, change: Intent) -> Notice:
        title = self.tr("A limit of paid sessions was a hundred times too high and is set back")
        advice = self.tr(
            "An earlier version had misread it. Now a session costs at most {session}, a day at most {day}."
        ).format(session=money(limits.session_usd), day=money(limits.day_usd))
        action = NoticeAction(self.tr("Change limits"), change)
        return Notice("limits_repaired", Severity.WARN, title, advice, (action,))

    def limits_unusable(self, limits: SpendingLimits, change: Intent) -> Notice:
        title = self.tr("A limit in the settings could not be used: a safe one holds")
        advice = self.tr("Now a session costs at most {session}, a day at most {day}.").format(
            session=money(limits.session_usd), day=money(limits.day_usd)
        )
        action = NoticeAction(self.tr("Change limits"), change)
        return Notice("limits_unusable", Severity.WARN, title, advice, (action,))

    def unheard(self, turn_on: Intent) -> Notice:
        title = self.tr("The avatar speaks, but the sound is off")
        action = NoticeAction(self.tr("Turn sound on"), turn_on, primary=True)
        return Notice("unheard", Severity.INFO, title, "", (action,))

    def muted(self, error: AppError, unmute: Intent) -> Notice:
        return notice_of(error, NoticeAction(self.tr("Unmute"), unmute, primary=True))

    def _mode_name(self, mode: Mode) -> str:
        return self.tr("conversation") if mode is Mode.CONVERSATION else self.tr("passthrough")


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMES_SHOWN
    return ", ".join(map(name_in_text, names[:_NAMES_SHOWN])) + (f" + {number(rest)}" if rest > 0 else "")


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def _open(address: QUrl) -> None:
    open_address(address)


def report_text(error: AppError) -> str:
    """Return version, system and traceback of ``error``, redacted."""
    cause = error.__cause__ or error
    trace = "".join(traceback.format_exception(cause))
    return redact(f"{_system(__version__)}\n{error}\n\n{trace}")


def stopped_report(run: StoppedRun) -> str:
    """Return version, times, stacks and last log lines of a run that crashed; redacted."""
    times = f"began {run.began:%Y-%m-%d %H:%M:%S%z}, last seen {run.last_seen:%Y-%m-%d %H:%M:%S%z}"
    log = "\n".join(run.log.splitlines()[-_LAST_LINES:])
    stacks = run.stacks.strip() or "no stacks were written"
    return redact(f"{_system(run.version)}\nstopped unexpectedly: {times}\n\n{stacks}\n\n{log}\n")


def _system(version: str) -> str:
    return f"Atlas Desktop {version}, Python {platform.python_version()}, {platform.platform()}"
