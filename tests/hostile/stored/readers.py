"""What reads each stored file, as the program does at its start, and what must hold whatever it finds."""

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from atlas_desktop.api.face_file import load_face
from atlas_desktop.api.guard_protocol import LeftoverOutcome
from atlas_desktop.errors import JournalError, MediaError
from atlas_desktop.guard.session_store import orphan_event
from atlas_desktop.storage import billing_entry, history
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.driver_crash_mark import DriverCrashMark
from atlas_desktop.storage.last_run import RunMark
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings import RANGES, Settings, stored_proxy_setting
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.storage.transcripts import read_journal, save
from atlas_desktop.storage.work import WorkStore
from atlas_desktop.ui.controllers.notice_factory import stopped_report
from tests.hostile.stored import samples
from tests.hostile.stored.changes import Change
from tests.hostile.stored.samples import NOW

READ, ASIDE, SAID = "read", "set aside", "said"

Writer = Callable[[Profile], Path]
Reader = Callable[[Profile, Path, bytes, Change], str]


@dataclass(frozen=True)
class Stored:
    """A kind of stored file.

    Attributes:
        write: Makes a good one in a profile, and returns where it lies.
        read: Reads it after a change, checks what came of that and returns an outcome. What it raises is
            a finding.
        shaped: Whether it holds JSON, a line each or as a whole.
    """

    write: Writer
    read: Reader
    shaped: str = ""


def check(holds: bool, what: str) -> None:
    """Raises what should not be."""
    if not holds:
        raise AssertionError(what)


def read_settings(profile: Profile, path: Path, _good: bytes, change: Change) -> str:
    """No limit is higher than it was, or, where nothing is left of the file, than usual."""
    stored_proxy_setting(path)
    store = SettingsStore(path, write_after_s=60)
    found = store.settings
    for name, was in samples.LIMITS.items():
        value, usual = getattr(found, name), getattr(Settings(), name)
        lowest, highest = RANGES[name]
        check(lowest <= value <= highest, f"{name} is {value}")
        if change.whole != (0, 0):
            most = max(was, usual) if store.moved_aside is not None else was
            check(value <= most, f"{name} was {was} and is {value}")
    if change.content is None or store.moved_aside is not None or store.unusable:
        store.change(volume=17)
        store.close()
        again = SettingsStore(path, write_after_s=60)
        check(again.settings.volume == 17, "what was changed then is not read again")
        again.close()
    return ASIDE if store.moved_aside is not None else READ


def read_billing(profile: Profile, path: Path, good: bytes, change: Change) -> str:
    """No open session is forgotten whose record is whole, nor one of a damaged record that still names it."""
    journal = BillingJournal(path)
    try:
        entries = journal.entries()
    except JournalError as error:
        check(bool(str(error)), "no words")
        return SAID
    if change.whole != (0, 0):
        left = {entry.session_id for entry in entries if entry.is_open}
        check(_surely_open(good, change) <= left, f"forgotten: {_surely_open(good, change) - left}")
    now = NOW + timedelta(hours=1)
    totals = history.totals(entries, now)
    amounts = (totals.day_usd, totals.month_usd, history.spent_today_usd(entries, now))
    check(all(math.isfinite(usd) and usd >= 0 for usd in amounts), f"amounts: {amounts}")
    history.rows(entries, now)
    history.to_csv(entries)
    for entry in entries:
        entry.matches(entry.kind, samples.ADDRESS, samples.SECRET)
        check(entry.running_s(now) >= 0, "negative")
        json.dumps(orphan_event(entry, LeftoverOutcome.UNKNOWN, now))
    more = billing_entry.asked("g", "atlas", samples.ADDRESS, "k", entries[0].mode, now) if entries else None
    if more is not None and change.whole[0] % 50 == 0:
        journal.append(more)
        check(more["key"] in {entry.key for entry in journal.entries()}, "what is appended is not read")
    return READ


def _surely_open(good: bytes, change: Change) -> set[str]:
    """Open sessions whose ids can still be read."""
    found, place = set(), 0
    broken_from, broken_to = change.whole
    for line in good.splitlines(keepends=True):
        at = line.find(b'"session_id":"')
        if at >= 0:
            session_id = line[at:].split(b'"')[3].decode()
            first, last = place + at, place + at + len(b'"session_id":"') + len(session_id)
            if broken_to <= first or broken_from > last:
                found.add(session_id)
        place += len(line)
    # Of these, those that nothing says the end of: in the samples they have no other record.
    return {one for one in found if one in {samples.session_id_of(number) for number in (1, 3, 6)}}


def read_transcript(profile: Profile, path: Path, good: bytes, change: Change) -> str:
    """Messages whose lines are whole are there, and all can be saved."""
    try:
        messages = read_journal(path)
    except OSError as error:
        check(bool(str(error)), "no words")
        return SAID
    for ending in (".txt", ".json"):
        save(profile.folder / f"saved{ending}", messages)
    if change.content is not None and change.whole != (0, 0):
        lines = change.content.split(b"\n")
        whole = {line for line in good.split(b"\n") if line and line in lines}
        texts = {json.loads(line)["text"] for line in whole}
        # A message of which an earlier line is left is there with what that said.
        check(len(messages) >= len({json.loads(line)["id"] for line in whole}), "a message is gone")
        check(not whole or bool(texts & {one.text for one in messages}), "no text is left")
    return READ


def read_mark(profile: Profile, _path: Path, _good: bytes, _change: Change) -> str:
    """What is said of the run before can be shown and copied; this run leaves its own mark."""
    mark = RunMark(profile)
    mark.begin("2.0")
    stopped = mark.stopped
    if stopped is not None:
        report = stopped_report(stopped)
        check(len(report) < 100_000, "a report of its own length")
        f"{stopped.last_seen:%c}"
    mark.end()
    return SAID if mark.trouble is not None else READ


def read_work(profile: Profile, path: Path, _good: bytes, _change: Change) -> str:
    """What comes back can be put into the strip and the message box."""
    store = WorkStore(path, write_after_s=60)
    work = store.read()
    for clip in work.clips:
        os.fsencode(clip.path)
        check(0 <= clip.position_s < 1e9, "a place beyond any clip")
    check(len(work.draft) <= 200_000, "a draft without end")
    work.draft.encode()
    store.keep(clips=work.clips, draft=work.draft)
    store.stop()
    return ASIDE if store.moved_aside is not None else READ


def read_picture(profile: Profile, _path: Path, _good: bytes, _change: Change) -> str:
    """The machine is excluded or not, and no other one is; the mark counts whatever is in it."""
    mark = DriverCrashMark(profile.folder)
    check(not mark.is_excluded("another machine"), "another machine")
    return READ if mark.is_excluded("a machine") or mark.is_set() else ASIDE


def read_face(_profile: Profile, path: Path, _good: bytes, _change: Change) -> str:
    """A face, or words."""
    try:
        load_face(path)
    except MediaError as error:
        check(path.name in str(error), "the file is not named")
        return SAID
    return READ


STORED = {
    "settings": Stored(samples.write_settings, read_settings, "whole"),
    "billing": Stored(samples.write_billing, read_billing, "lines"),
    "transcript": Stored(samples.write_transcript, read_transcript, "lines"),
    "mark": Stored(samples.write_mark, read_mark, "whole"),
    "work": Stored(samples.write_work, read_work, "whole"),
    "driver": Stored(samples.write_driver_record, read_picture, "whole"),
    "trying": Stored(samples.write_trying, read_picture),
    "face": Stored(samples.write_face, read_face),
    "log": Stored(samples.write_log, read_mark),
}
"""Every file of the profile that is read again."""
