"""Ending sessions from a terminal: by a guard's service in this process, for a minute at most."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.access import Access, open_source
from atlas_desktop.api.guard_protocol import EndReason, Frame, decode_error, receipt_of_frame
from atlas_desktop.api.source import EndReceipt
from atlas_desktop.errors import AppError
from atlas_desktop.guard.managed_session import SourceFactory
from atlas_desktop.guard.service import SessionService
from atlas_desktop.guard.termination import RetryPolicy
from atlas_desktop.sessions_cli.credentials import CredentialResolver
from atlas_desktop.sessions_cli.listing import name_of
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.billing_journal import BillingJournal

POLICY = RetryPolicy(
    attempt_timeouts_s=(5.0, 10.0, 15.0, 15.0),
    backoff_s=(0.5, 2.0, 5.0),
    max_attempts=4,
    reply_timeout_s=60.0,
)

_REQUESTING = "Ending {session_id} at {host}, within {limit_s:.0f} s at most.\n"
_AGAIN = "{host} has not confirmed it yet; asking again.\n"
_NO_ACCESS = (
    "{session_id} was made at {host} with {whose}. Set ATLAS_API_KEY to the key that made it and try again, "
    "or end it in your Atlas account."
)
_OTHER_KEY = "another key than the one at hand"
_NO_KEY = "a key that is not at hand"
_NO_KEYRING = "a key that is not at hand: this computer's keyring can't be used ({detail})"
_NOTHING_AT_HAND = (
    "{session_id} can't be ended: no key is at hand. Set ATLAS_API_KEY to the key that made it and try again."
)
_UNCONFIRMED = (
    "{host} did not confirm that {session_id} is over: it may still cost. The key may have been withdrawn, "
    "or a proxy has answered. Try again, or end it in your Atlas account."
)
_STRANGER = (
    "{host} did not confirm the end of {session_id} with the key at hand, and it was not started here: check "
    "the ID and the key."
)
_SILENT = (
    "{host} did not answer in time: {session_id} may still cost. Try again, or end it in your Atlas account."
)
_FAILED = "{session_id} is not ended and may still cost: {reason}."
_NOT_WRITTEN = "{session_id} is over, but stays on the list: {reason}."


@dataclass(frozen=True, slots=True)
class TerminationResult:
    """What came of ending one session.

    Attributes:
        session_id: Which; the entry's name where a terminal can't show it.
        receipt: The service's words; ``None`` where it could not be reached.
        complaint: What a person must know, one line; empty when all went well.
    """

    session_id: str
    receipt: EndReceipt | None = None
    complaint: str = ""

    @property
    def done(self) -> bool:
        """Whether it is over for sure."""
        return self.receipt is not None and self.receipt.confirmed


class SessionTerminator:
    """Ends sessions with the keys at hand. Thread: one event loop.

    Args:
        journal: Gets the ends.
        guards_folder: Where the guards' locks lie.
        credentials: Keys and backends.
        say: Takes a line of progress.
        factory: Makes the sources; knows which sessions are ours.
        policy: When requests are repeated.
    """

    def __init__(
        self,
        journal: BillingJournal,
        guards_folder: Path,
        credentials: CredentialResolver,
        say: Callable[[str], None],
        factory: SourceFactory = open_source,
        policy: RetryPolicy = POLICY,
    ) -> None:
        self._credentials = credentials
        self._say = say
        self._policy = policy
        self._service = SessionService(
            journal, guards_folder, self._take_event, factory, policy=policy, keep_warm=False
        )
        self._names: dict[Access, str] = {}
        self._hosts: dict[str, str] = {}
        self._answered: set[str] = set()
        self._errors: dict[str, AppError | None] = {}
        self._journal_error: AppError | None = None

    async def aclose(self) -> None:
        """Stop what is still being requested."""
        await self._service.aclose(0.0)

    async def end_entries(self, entries: Sequence[BillingEntry]) -> list[TerminationResult]:
        """End all of them at once; each has its own answer."""
        scope = TaskScope("sessions")
        try:
            works = [scope.start(self.end_entry(entry), entry.session_id) for entry in entries]
            # What goes wrong with one is no reason not to wait for the others.
            found = await asyncio.gather(*works, return_exceptions=True)
        finally:
            await scope.aclose()
        return [_result_of(entry, one) for entry, one in zip(entries, found, strict=True)]

    async def end_entry(self, entry: BillingEntry) -> TerminationResult:
        """End one that the journal knows; its end is written down there."""
        if not entry.address:
            # The journal lost where it was made: all that can be tried is the key at hand.
            return await self.end_stranger(entry.session_id, entry)
        access = await self._credentials.access_to(entry)
        if access is None:
            return TerminationResult(name_of(entry), complaint=await self._no_access(entry))
        return await self._end(access, entry.id_for(access.secret), name_of(entry), entry)

    async def end_stranger(self, session_id: str, entry: BillingEntry | None = None) -> TerminationResult:
        """End one that the journal does not know, or not enough of, with what is at hand now."""
        access = await self._credentials.current()
        if access is None:
            return TerminationResult(session_id, complaint=_NOTHING_AT_HAND.format(session_id=session_id))
        return await self._end(access, session_id, session_id, entry)

    async def _end(
        self, access: Access, session_id: str, name: str, entry: BillingEntry | None
    ) -> TerminationResult:
        host = access.host
        self._hosts[session_id] = host
        self._say(_REQUESTING.format(session_id=name, host=host, limit_s=self._policy.reply_timeout_s))
        order = {
            "op": "end",
            "source": self._name_of(access),
            "session_id": session_id,
            "why": EndReason.ASKED.value,
        }
        if entry is not None:
            order["entry"] = entry.key
        try:
            await self._service.handle({"op": "open", "source": order["source"], **asdict(access)})
            receipt = receipt_of_frame(await self._service.handle(order))
        except AppError as error:
            return TerminationResult(name, complaint=_FAILED.format(session_id=name, reason=_title(error)))
        if not receipt.confirmed:
            own = entry is not None and bool(entry.address)
            return TerminationResult(name, receipt, self._unconfirmed(session_id, name, host, own=own))
        if self._journal_error is not None and entry is not None:
            reason = _title(self._journal_error)
            return TerminationResult(name, receipt, _NOT_WRITTEN.format(session_id=name, reason=reason))
        return TerminationResult(name, receipt)

    def _unconfirmed(self, session_id: str, name: str, host: str, *, own: bool) -> str:
        """Return why the end is not confirmed."""
        error = self._errors.get(session_id)
        if error is not None:
            return _FAILED.format(session_id=name, reason=_title(error))
        if session_id not in self._answered:
            return _SILENT.format(session_id=name, host=host)
        return (_UNCONFIRMED if own else _STRANGER).format(session_id=name, host=host)

    def _name_of(self, access: Access) -> str:
        return self._names.setdefault(access, f"source-{len(self._names) + 1}")

    def _take_event(self, event: Frame) -> None:
        match event["event"]:
            case "attempt_failed":
                self._take_failure(event["session_id"], event)
            case "journal":
                self._journal_error = decode_error(event["error"])

    def _take_failure(self, session_id: str, event: Frame) -> None:
        self._errors[session_id] = None if event["error"] is None else decode_error(event["error"])
        if event["answered"]:
            self._answered.add(session_id)
        elif event["repeated"]:
            self._say(_AGAIN.format(host=self._hosts[session_id]))

    async def _no_access(self, entry: BillingEntry) -> str:
        current, problem = await self._credentials.current(), self._credentials.problem
        if current is not None:
            whose = _OTHER_KEY
        else:
            whose = _NO_KEY if problem is None else _NO_KEYRING.format(**problem.params)
        return _NO_ACCESS.format(session_id=name_of(entry), host=entry.host, whose=whose)


def _result_of(entry: BillingEntry, found: TerminationResult | BaseException) -> TerminationResult:
    if isinstance(found, TerminationResult):
        return found
    reason = _title(found) if isinstance(found, AppError) else type(found).__name__
    return TerminationResult(
        name_of(entry), complaint=_FAILED.format(session_id=name_of(entry), reason=reason)
    )


def _title(error: AppError) -> str:
    return error.title.format(**error.params)
