"""The command: lists, ends and forgets sessions, and returns the exit status."""

import asyncio
import json
import logging
import os
import sys
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Any

from atlas_desktop import proxies
from atlas_desktop.errors import AppError
from atlas_desktop.guard.lock import DeadGuardLocks
from atlas_desktop.logs import one_line, redact, terminal_text
from atlas_desktop.redaction import known
from atlas_desktop.sessions_cli.arguments import SESSION_ID, Action, SessionsOptions
from atlas_desktop.sessions_cli.credentials import CredentialResolver
from atlas_desktop.sessions_cli.listing import (
    ListedSession,
    as_objects,
    as_table,
    duration_text,
    is_called,
    name_of,
    unfinished,
)
from atlas_desktop.sessions_cli.terminator import SessionTerminator, TerminationResult
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome, dismissed
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings import stored_proxy_setting

_DONE, _FAILED, _WRONG_USAGE = 0, 1, 2

_NO_ID = "{text} is no session ID: those are ses_ and 20 hexadecimal digits"
_ENDED = "{session_id} is over: {duration}, {cost}.\n"
_OVER = "{session_id} was over already.\n"
_STRANGER = "The journal does not know {session_id}: it was not started here.\n"
_IN_USE = "{session_id} is in use by a running Atlas Desktop.\n"
_LEFT_ALONE = "{session_id} is in use by a running Atlas Desktop and was left alone.\n"
_NO_ANSWER = (
    "{session_id} can't be ended from here: it was asked for, and its ID never came. If Atlas made it, end "
    "it in your Atlas account"
)
_NOT_KNOWN = "the journal does not know {session_id}"
_BUSY = "{session_id} is in use by a running Atlas Desktop: end it first"
_FORGOTTEN = "{session_id} is off the list. Nothing was sent.\n"
_NOTHING = "There is nothing to end.\n"


def run(options: SessionsOptions) -> int:
    """Carry the command out; return 1 when a session is not over that should be."""
    # What the parts log is no part of the answer; without a handler Python would print it.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        profile = Profile.at(options.profile)
        profile.check_owner()
    except OSError as error:
        return _complain(f"{options.profile or error.filename} can't be used: {error.strerror}")
    proxies.set_provider(partial(stored_proxy_setting, profile.settings_file))
    command = SessionsCommand(profile, options.as_json)
    try:
        match options.action:
            case Action.LIST:
                return asyncio.run(command.show())
            case Action.END:
                return asyncio.run(
                    command.end(options.session_id) if options.session_id else command.end_all()
                )
            case Action.FORGET:
                return command.forget(options.session_id)
    except AppError as error:
        return _complain(str(error))


class SessionsCommand:
    """The sessions of one profile, as a terminal or a script asks for them."""

    def __init__(self, profile: Profile, as_json: bool) -> None:
        self._as_json = as_json
        self._journal = BillingJournal(profile.billing_journal)
        self._guards_folder = profile.guards_folder
        self._locks = DeadGuardLocks(profile.guards_folder)
        self._credentials = CredentialResolver.of(profile, os.environ)

    async def show(self) -> int:
        """Print what was not seen to end.

        Raises:
            JournalError: The journal is there but can't be read.
        """
        listed = [await self._described(entry) for entry in unfinished(self._journal.entries())]
        now = datetime.now(UTC)
        self._say(as_table(listed, now))
        self._print_json(as_objects(listed, now))
        return _DONE

    async def end(self, session_id: str) -> int:
        """End one, even if a running program uses it."""
        entry = self._find(session_id)
        if entry is None:
            if not SESSION_ID.fullmatch(session_id):
                return _complain(_NO_ID.format(text=redact(session_id)[:40]), _WRONG_USAGE)
            self._say(_STRANGER.format(session_id=session_id))
            async with self._terminator() as terminator:
                return self._report([await terminator.end_stranger(session_id)])
        if not entry.session_id:
            return _complain(_NO_ANSWER.format(session_id=session_id))
        with self._locks.held({entry.guard}) as living:
            if living:
                self._say(_IN_USE.format(session_id=session_id))
            # The guard that held it until now may have ended it.
            if (entry := self._find(session_id) or entry).outcome is Outcome.ENDED:
                self._say(_OVER.format(session_id=session_id))
                self._print_json([_object(TerminationResult(session_id), done=True)])
                return _DONE
            async with self._terminator() as terminator:
                return self._report([await terminator.end_entry(entry)])

    async def end_all(self) -> int:
        """End every open one that no running program holds.

        Raises:
            JournalError: The journal is there but can't be read.
        """
        guards = {entry.guard for entry in self._open()}
        with self._locks.held(guards) as living:
            # What was opened only now is not ours: its guard's lock was not asked for.
            open_ = [entry for entry in self._open() if entry.guard in guards]
            for entry in open_:
                if entry.guard in living:
                    self._say(_LEFT_ALONE.format(session_id=name_of(entry)))
            targets = [entry for entry in open_ if entry.guard not in living]
            if not open_:
                self._say(_NOTHING)
            if not targets:
                return self._report([])
            async with self._terminator() as terminator:
                return self._report(await terminator.end_entries(targets))

    def forget(self, session_id: str) -> int:
        """Take one off the list that the user knows to be over.

        Raises:
            JournalError: The journal can't be read or written.
        """
        found = [entry for entry in self._journal.entries() if is_called(entry, session_id)]
        if not found:
            return _complain(_NOT_KNOWN.format(session_id=session_id))
        if any(self._locks.is_alive(entry.guard) for entry in unfinished(found)):
            return _complain(_BUSY.format(session_id=session_id))
        for entry in unfinished(found):
            self._journal.append(dismissed(entry.key, datetime.now(UTC)))
        self._say(_FORGOTTEN.format(session_id=session_id))
        self._print_json([{"session_id": session_id, "forgotten": True}])
        return _DONE

    async def _described(self, entry: BillingEntry) -> ListedSession:
        has_key = await self._credentials.access_to(entry) is not None
        return ListedSession(entry, self._locks.is_alive(entry.guard), has_key)

    def _terminator(self) -> AbstractAsyncContextManager[SessionTerminator]:
        return aclosing(SessionTerminator(self._journal, self._guards_folder, self._credentials, self._say))

    def _open(self) -> list[BillingEntry]:
        return [entry for entry in self._journal.entries() if entry.is_open]

    def _find(self, session_id: str) -> BillingEntry | None:
        """Return the latest entry of that name; none when the journal can't be read: ending comes first."""
        try:
            entries = self._journal.entries()
        except AppError as error:
            _complain(str(error))
            return None
        return next((entry for entry in reversed(entries) if is_called(entry, session_id)), None)

    def _report(self, endings: list[TerminationResult]) -> int:
        for ending in endings:
            if ending.done:
                self._say(_ended_text(ending))
            if ending.complaint:
                _complain(ending.complaint)
        self._print_json([_object(ending, done=ending.done) for ending in endings])
        return _DONE if all(ending.done for ending in endings) else _FAILED

    def _say(self, text: str) -> None:
        """To a person."""
        if not self._as_json:
            sys.stdout.write(terminal_text(known.blank(text)))
            sys.stdout.flush()

    def _print_json(self, objects: list[dict[str, Any]]) -> None:
        """To a script."""
        if self._as_json:
            sys.stdout.write(json.dumps(objects, indent=2) + "\n")


def _ended_text(ending: TerminationResult) -> str:
    receipt = ending.receipt
    assert receipt is not None
    if receipt.duration_s is None and receipt.cost_usd is None:
        return _OVER.format(session_id=one_line(ending.session_id))
    duration = "?" if receipt.duration_s is None else duration_text(receipt.duration_s)
    cost = "cost not reported" if receipt.cost_usd is None else f"${receipt.cost_usd:.2f} charged"
    return _ENDED.format(session_id=one_line(ending.session_id), duration=duration, cost=cost)


def _object(ending: TerminationResult, *, done: bool) -> dict[str, Any]:
    receipt = ending.receipt
    return {
        "session_id": ending.session_id,
        "ended": done,
        "duration_s": receipt.duration_s if receipt is not None else None,
        "charged_usd": receipt.cost_usd if receipt is not None else None,
        "complaint": ending.complaint or None,
    }


def _complain(text: str, status: int = _FAILED) -> int:
    sys.stderr.write("atlas-desktop: {text}\n".format(text=one_line(known.blank(text).rstrip("."))))
    return status
