"""The guard's twin: a fork that sends one create, so that its answer is heard though the guard is killed.

Between a create and its answer nobody knows the session's id; a guard killed in that moment would take the
only connection along on which it can come. So a copy of the guard sends the request, writes the id down and
hands it over. When nobody is left to take it, the twin ends the session itself. Linux only: elsewhere a fork
of a process with threads is not safe.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from atlas_desktop.api.orders import (
    LONGEST_LINE_BYTES,
    Frame,
    complaint_of,
    error_in,
    frame_of,
    grant_frame,
    grant_of_frame,
    line_of,
)
from atlas_desktop.api.source import Face, IdCallback, Mode, SessionGrant
from atlas_desktop.errors import AppError, GuardLostError, JournalError
from atlas_desktop.guard.refusals import made_none
from atlas_desktop.guard.sources import Opened, Opener
from atlas_desktop.guard.stranded import Stranded
from atlas_desktop.storage.billing_entry import found, granted, refused
from atlas_desktop.storage.billing_journal import BillingJournal

log = logging.getLogger(__name__)

_TAKEN = b"+"
_TAKE_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, and under which entry of the journal.

    Attributes:
        key: The entry's name; it is on the disk as ``asked``.
        recorded: Whether it is: without, nothing is written here either.
        note: Writes down the id that came, before anything else of the answer is read; a twin has its own.
    """

    key: str
    opened: Opened
    mode: Mode
    face: Face | None
    recorded: bool = True
    note: IdCallback | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A session that was made.

    Attributes:
        recorded: Whether its id is on the disk.
    """

    grant: SessionGrant
    recorded: bool


Maker = Callable[[Request], Awaitable[Made]]
"""Makes a session: by a twin, or here."""


class Twins:
    """Makes sessions by twins. Thread: the guard's loop, in its main thread.

    Args:
        guard: The guard's name.
        journal: Where the twin writes.
        guards_folder: Where the guards' locks lie.
        opener: Makes the twin's own source: connections can't be shared with a fork.
    """

    def __init__(self, guard: str, journal: BillingJournal, guards_folder: Path, opener: Opener) -> None:
        self._guard = guard
        self._journal = journal
        self._folder = guards_folder
        self._opener = opener
        # Nobody waits for twins: the system buries them.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    async def make(self, request: Request) -> Made:
        """Has a twin make a session.

        Raises:
            GuardLostError: The twin was killed: the session's id, if there is one, is lost with it.
                Or its answer can't be used: then it ends the session itself.
            AppError: What the service said.
        """
        ours, its = socket.socketpair()
        guard_pid = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            log.warning("no twin: %s", error.strerror)
            ours.close()
            its.close()
            return await made_here(request)
        if pid == 0:
            _be_twin(its, _Twin(self._guard, guard_pid, self._journal, self._folder, self._opener, request))
        its.close()
        return await hear(ours)


async def hear(ours: socket.socket) -> Made:
    """Takes a twin's answer; one that can't be used is left to the twin, which ends what it made.

    Raises:
        GuardLostError: The twin was killed, or what it said can't be used.
        AppError: What the service said.
    """
    reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST_LINE_BYTES)
    try:
        answer = _answer_in(await reader.readline())
        writer.write(_TAKEN)
        with suppress(OSError):
            await writer.drain()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        log.info("a twin's answer can't be used (%s)", type(error).__name__)
        raise GuardLostError from error
    finally:
        writer.close()
    if isinstance(answer, AppError):
        raise answer
    return answer


def _answer_in(line: bytes) -> Made | AppError:
    if not line.endswith(b"\n"):
        raise ValueError("the line ended")
    answer = frame_of(line)
    complaint = answer.get("error")
    if isinstance(complaint, dict):
        return error_in(complaint)
    return Made(grant_of_frame(answer["ok"]), bool(answer["recorded"]))


async def made_here(request: Request) -> Made:
    """Makes a session without a twin."""
    source = request.opened.source
    return Made(await source.create(request.mode, request.face, request.note), recorded=False)


def can_fork() -> bool:
    """Whether twins are possible here."""
    return sys.platform == "linux"


def _be_twin(its: socket.socket, twin: "_Twin") -> None:
    """The fork's whole life; never returns."""
    status = 1
    try:
        _let_go_of_all_but(its.fileno())
        # The guard's loop is a copy here that must not run on.
        asyncio._set_running_loop(None)
        asyncio.run(twin.live(its))
        status = 0
    finally:
        os._exit(status)


def _let_go_of_all_but(descriptor: int) -> None:
    """The guard's pipes, lock and connections are not ours: held here, its death would go unnoticed."""
    logging.disable(logging.CRITICAL)
    # A collection would touch, and so copy, all that is shared with the guard.
    gc.disable()
    signal.set_wakeup_fd(-1)
    # It is over within moments, or has a session to end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.closerange(0, descriptor)
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
    for standard in range(3):
        if standard != descriptor:
            os.open(os.devnull, os.O_RDWR)


class _Twin:
    def __init__(
        self,
        guard: str,
        guard_pid: int,
        journal: BillingJournal,
        folder: Path,
        opener: Opener,
        request: Request,
    ) -> None:
        self._guard = guard
        self._journal = BillingJournal(journal.file)
        self._folder = folder
        self._opener = opener
        self._request = request
        self._guard_pid = guard_pid

    async def live(self, its: socket.socket) -> None:
        """Asks, writes down, hands over; ends what nobody takes."""
        access = self._request.opened.access
        source = self._opener(access)
        reader, writer = await asyncio.open_connection(sock=its)
        session_id = ""
        try:
            grant = await source.create(self._request.mode, self._request.face, self._note)
            session_id = grant.session_id
            # Its id is on the disk already: without it a power cut costs no more than the price.
            record = granted(self._request.key, grant, _now(), access.secret)
            is_written = self._write(record, durable=False)
            answer: Frame = {"ok": grant_frame(grant), "recorded": is_written}
        except AppError as error:
            session_id = str(error.params.get("session_id") or "")
            answer = {"error": complaint_of(error)}
        if await _is_taken(answer, reader, writer):
            return
        if session_id:
            own = self._opener(access, [session_id])
            await self._stranded().end(own, session_id)
        elif "error" in answer and made_none(error_in(answer["error"])):
            self._write(refused(self._request.key, str(answer["error"]["code"]), _now()))

    def _stranded(self) -> Stranded:
        return Stranded(self._guard, self._folder, self._journal, self._request.key, self._guard_lives)

    def _guard_lives(self) -> bool:
        return os.getppid() == self._guard_pid

    def _note(self, session_id: str) -> None:
        self._write(found(self._request.key, session_id, _now(), self._request.opened.access.secret))

    def _write(self, record: dict[str, object], *, durable: bool = True) -> bool:
        if not self._request.recorded:
            return False
        try:
            self._journal.append(record, durable=durable)
        except JournalError:
            return False
        return True


async def _is_taken(answer: Frame, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    try:
        writer.write(line_of(answer))
        async with asyncio.timeout(_TAKE_LIMIT_S):
            await writer.drain()
            return await reader.readexactly(1) == _TAKEN
    except (OSError, EOFError, TimeoutError):
        return False


def _now() -> datetime:
    return datetime.now(UTC)
