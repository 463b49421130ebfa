"""Ending sessions from a terminal: asked for a minute at most, written into the journal, and said."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.access import Access, open_source
from atlas_desktop.api.orders import Why
from atlas_desktop.api.pending import PendingSource
from atlas_desktop.api.source import EndReceipt, SessionSource
from atlas_desktop.errors import AppError, JournalError, ServiceError
from atlas_desktop.guard.asking import Patience, end_on_server
from atlas_desktop.guard.sources import Opener
from atlas_desktop.sessions.at_hand import AtHand
from atlas_desktop.sessions.listing import name_of
from atlas_desktop.storage.billing_entry import BillingEntry, ended
from atlas_desktop.storage.billing_journal import BillingJournal

LIMIT_S = 60.0
PATIENCE = Patience(attempts_s=(5.0, 10.0, 15.0, 15.0), pauses_s=(0.5, 2.0, 5.0))

_ASKING = "Ending {session_id} at {host}, within {limit_s:.0f} s at most.\n"
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
class Ending:
    """What came of one.

    Attributes:
        session_id: Which; the entry's name where a terminal can't show it.
        receipt: The service's words; ``None`` where it could not be asked.
        complaint: What a person must know, one line; empty when all went well.
    """

    session_id: str
    receipt: EndReceipt | None = None
    complaint: str = ""

    @property
    def done(self) -> bool:
        """Whether it is over for sure."""
        return self.receipt is not None and self.receipt.confirmed


class Ender:
    """Ends sessions with the keys at hand. Thread: one event loop.

    Args:
        journal: Gets the ends.
        at_hand: Keys and backends.
        say: Takes a line of progress.
        opener: Makes the sources; knows which sessions are ours.
        patience: How long to go on asking.
        limit_s: The end of all patience.
    """

    def __init__(
        self,
        journal: BillingJournal,
        at_hand: AtHand,
        say: Callable[[str], None],
        opener: Opener = open_source,
        patience: Patience = PATIENCE,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._journal = journal
        self._at_hand = at_hand
        self._say = say
        self._opener = opener
        self._patience = patience
        self._limit_s = limit_s

    async def end_entries(self, entries: Sequence[BillingEntry]) -> list[Ending]:
        """Ends all of them at once; each has its own answer."""
        scope = TaskScope("sessions")
        try:
            works = [scope.start(self.end_entry(entry), entry.session_id) for entry in entries]
            # What goes wrong with one is no reason not to wait for the others.
            found = await asyncio.gather(*works, return_exceptions=True)
        finally:
            await scope.aclose()
        return [_ending_of(entry, one) for entry, one in zip(entries, found, strict=True)]

    async def end_entry(self, entry: BillingEntry) -> Ending:
        """Ends one that the journal knows, and writes that down."""
        if not entry.address:
            # The journal lost where it was made: all that can be tried is the key at hand.
            ending = await self.end_stranger(entry.session_id)
        else:
            access = await self._at_hand.access_to(entry)
            if access is None:
                return Ending(name_of(entry), complaint=await self._no_access(entry))
            ending = await self._end(access, entry.id_for(access.secret), name_of(entry), own=True)
        if ending.receipt is None or not ending.receipt.confirmed:
            return ending
        return self._written(entry, ending.receipt)

    async def end_stranger(self, session_id: str) -> Ending:
        """Ends one that the journal does not know, with what is at hand now."""
        access = await self._at_hand.current()
        if access is None:
            return Ending(session_id, complaint=_NOTHING_AT_HAND.format(session_id=session_id))
        return await self._end(access, session_id, session_id, own=False)

    async def _end(self, access: Access, session_id: str, name: str, *, own: bool) -> Ending:
        host = access.host

        def ask_again() -> None:
            self._say(_AGAIN.format(host=host))

        self._say(_ASKING.format(session_id=name, host=host, limit_s=self._limit_s))
        source = _Remembering(access, [session_id] if own else [], self._opener)
        try:
            async with asyncio.timeout(self._limit_s):
                receipt = await end_on_server(source, session_id, self._patience, ask_again)
        except TimeoutError:
            receipt = EndReceipt(session_id, confirmed=False)
        except AppError as error:
            return Ending(name, complaint=_FAILED.format(session_id=name, reason=_title(error)))
        finally:
            await source.aclose()
        complaint = "" if receipt.confirmed else source.complaint(name, host, own=own)
        return Ending(name, receipt, complaint)

    async def _no_access(self, entry: BillingEntry) -> str:
        current, problem = await self._at_hand.current(), self._at_hand.problem
        if current is not None:
            whose = _OTHER_KEY
        else:
            whose = _NO_KEY if problem is None else _NO_KEYRING.format(**problem.params)
        return _NO_ACCESS.format(session_id=name_of(entry), host=entry.host, whose=whose)

    def _written(self, entry: BillingEntry, receipt: EndReceipt) -> Ending:
        now = datetime.now(UTC)
        ran_s = entry.counted_s(now) if receipt.duration_s is None else receipt.duration_s
        price = entry.price_per_hour_usd
        estimated_usd = None if price is None or ran_s is None else ran_s / 3600 * price
        try:
            self._journal.append(ended(entry.key, receipt, Why.ASKED.value, estimated_usd, now))
        except JournalError as error:
            complaint = _NOT_WRITTEN.format(session_id=name_of(entry), reason=_title(error))
            return Ending(name_of(entry), receipt, complaint)
        return Ending(name_of(entry), receipt)


class _Remembering(PendingSource):
    """The source of one access, which remembers how the last try to end went."""

    def __init__(self, access: Access, own_ids: Sequence[str], opener: Opener) -> None:
        async def opened() -> SessionSource:
            return opener(access, own_ids)

        super().__init__(access.host, True, opened)
        self._answered = False
        self._error: ServiceError | None = None

    async def end(self, session_id: str) -> EndReceipt:
        self._error = None
        try:
            receipt = await super().end(session_id)
        except ServiceError as error:
            self._error = error
            raise
        self._answered = True
        return receipt

    def complaint(self, name: str, host: str, *, own: bool) -> str:
        """Why the end is not confirmed."""
        if self._error is not None:
            return _FAILED.format(session_id=name, reason=_title(self._error))
        if not self._answered:
            return _SILENT.format(session_id=name, host=host)
        return (_UNCONFIRMED if own else _STRANGER).format(session_id=name, host=host)


def _ending_of(entry: BillingEntry, found: Ending | BaseException) -> Ending:
    if isinstance(found, Ending):
        return found
    reason = _title(found) if isinstance(found, AppError) else type(found).__name__
    return Ending(name_of(entry), complaint=_FAILED.format(session_id=name_of(entry), reason=reason))


def _title(error: AppError) -> str:
    return error.title.format(**error.params)
