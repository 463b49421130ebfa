"""The sessions that the guard holds, and their ends: each is ended once, however many ask for it."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from atlas_desktop.aio import TaskScope, guarded
from atlas_desktop.api.guard_protocol import EndReason, Frame, LeftoverOutcome, encode_error
from atlas_desktop.api.source import EndReceipt
from atlas_desktop.guard.journal_writer import JournalWriter
from atlas_desktop.guard.managed_session import ManagedSession, SessionName, SourceRegistry
from atlas_desktop.guard.termination import EndRequests, RetryPolicy
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_entry import BillingEntry

log = logging.getLogger(__name__)

_SECRETS = ("sealed_id", "salt", "fingerprint")


def orphan_event(
    entry: BillingEntry,
    outcome: LeftoverOutcome,
    now: datetime,
    receipt: EndReceipt | None = None,
    most_usd: float | None = None,
) -> Frame:
    """Return what the app hears of an earlier run's session: its entry without secrets, and its cost.

    Args:
        entry: The session's.
        outcome: What became of it.
        now: The wall clock.
        receipt: The service's, at its end.
        most_usd: What it may cost at most where nobody can end it; ``None`` where that is not known.
    """
    plain = {name: _plain(value) for name, value in asdict(entry).items() if name not in _SECRETS}
    cost_usd = entry.cost_by(now) if receipt is None or receipt.cost_usd is None else receipt.cost_usd
    return {
        "event": "leftover",
        "entry": {**plain, "address": entry.place, "running_s": entry.running_s(now)},
        "outcome": outcome.value,
        "cost_usd": cost_usd,
        "most_usd": most_usd,
        "receipt": None if receipt is None else asdict(receipt),
    }


class Termination:
    """One session whose end is being requested.

    Attributes:
        reason: What it is ended for; the first reason stays.
        unasked: Whether the guard began it.
        is_inconclusive: Whether the last answer said nothing about the session.
        abandoned: Whether nothing follows the next answer.
        is_reported: Whether the app knows that its end is not confirmed.
        listeners: How many callers wait for the next answer.
    """

    def __init__(
        self, session: ManagedSession, reason: EndReason, policy: RetryPolicy, *, unasked: bool
    ) -> None:
        self.session = session
        self.reason = reason
        self.requests = EndRequests(session.source, session.session_id, policy)
        self.unasked = unasked
        self.is_inconclusive = False
        self.abandoned = False
        self.is_reported = False
        self.listeners = 0
        self._next: asyncio.Future[EndReceipt] = asyncio.get_running_loop().create_future()

    async def next_answer(self, timeout_s: float) -> EndReceipt:
        """Wait for the service's next answer; a pause between requests is cut short.

        Without an answer in time the receipt is not confirmed, and the requests go on.
        """
        self.requests.skip_pauses()
        self.listeners += 1
        try:
            await asyncio.wait({coming := self._next}, timeout=timeout_s)
            return coming.result() if coming.done() else EndReceipt(self.session.session_id, confirmed=False)
        finally:
            self.listeners -= 1

    def settle(self, receipt: EndReceipt) -> None:
        """Hand ``receipt`` to all callers that wait."""
        settled, self._next = self._next, asyncio.get_running_loop().create_future()
        settled.set_result(receipt)


class SessionStore:
    """Holds sessions and ends them. Thread: one event loop; it blocks for the journal's disk.

    Attributes:
        sessions: Those held, by name; those that are being ended included.
        occupied: Set while a session is held.

    Args:
        journal: Records the ends.
        sources: What the app has opened.
        publish: Takes the events.
        clock_s: Counts sleep.
        now: The wall clock, UTC.
        policy: When DELETEs are repeated.
    """

    def __init__(
        self,
        journal: JournalWriter,
        sources: SourceRegistry,
        publish: Callable[[Frame], None],
        clock_s: Callable[[], float],
        now: Callable[[], datetime],
        policy: RetryPolicy | None = None,
    ) -> None:
        self.sessions: dict[SessionName, ManagedSession] = {}
        self.occupied = asyncio.Event()
        self._journal = journal
        self._sources = sources
        self._publish = publish
        self._clock_s = clock_s
        self._now = now
        self._policy = policy or RetryPolicy()
        self._closing: EndReason | None = None
        self._terminations: dict[SessionName, Termination] = {}
        self._over: dict[SessionName, tuple[ManagedSession, EndReceipt]] = {}
        self._scope = TaskScope("guard.store")

    def __len__(self) -> int:
        """Return how many terminations are running."""
        return len(self._scope)

    def add(self, session: ManagedSession) -> ManagedSession:
        """Hold ``session`` from now on; while the guard is closing it is ended at once."""
        # The service may give an id again: that of a session that is over says nothing about this one.
        self._over.pop(session.name, None)
        self.sessions[session.name] = session
        self.occupied.set()
        if self._closing is not None:
            self.end(session, self._closing)
        return session

    def with_id(self, session_id: str) -> Iterator[ManagedSession]:
        """Iterate over the sessions held under an id, wherever they were made."""
        return (session for session in tuple(self.sessions.values()) if session.session_id == session_id)

    def is_running(self, session: ManagedSession) -> bool:
        """Return whether this very session is held and is not being ended."""
        name = session.name
        return self._holds(session) and name not in self._terminations and name not in self._over

    def is_known(self, name: SessionName) -> bool:
        """Return whether the session is held, is being ended or was ended by this guard."""
        return name in self.sessions or name in self._terminations or name in self._over

    def has_entry(self, key: str) -> bool:
        """Return whether this guard holds, ends or ended the session of a journal entry."""
        ending = (termination.session for termination in self._terminations.values())
        over = (session for session, _ in self._over.values())
        return any(session.key == key for session in (*self.sessions.values(), *ending, *over))

    def receipt_of(self, name: SessionName) -> EndReceipt | None:
        """Return what the service said at the end of a session that is over and not held any more."""
        over = None if name in self.sessions else self._over.get(name)
        return None if over is None else over[1]

    def end(self, session: ManagedSession, reason: EndReason, *, unasked: bool = True) -> Termination | None:
        """End ``session``, or join the termination that runs; ``None`` when it is over."""
        over = self._over.get(session.name)
        # Compared with the session itself: the service may have given its id to one that is over.
        if over is not None and over[0] is session:
            return None
        termination = self._terminations.get(session.name)
        if termination is None:
            log.info("ending %s (%s)", session.session_id, reason.value)
            termination = Termination(session, reason, self._policy, unasked=unasked)
            self._terminations[session.name] = termination
            self._scope.start(self._run(termination), "end")
        return termination

    def end_orphan(self, session: ManagedSession) -> None:
        """End a session that an earlier run left open."""
        self._over.pop(session.name, None)
        self.end(session, EndReason.LEFT_OPEN)

    async def end_and_wait(self, session: ManagedSession, reason: EndReason) -> EndReceipt:
        """End ``session`` and return the service's next answer, or that of before when it is over."""
        termination = self.end(session, reason, unasked=False)
        if termination is None:
            return self._over[session.name][1]
        return await termination.next_answer(self._policy.reply_timeout_s)

    def skip_pauses(self) -> None:
        """Cut the pauses of all terminations short."""
        for termination in self._terminations.values():
            termination.requests.skip_pauses()

    def close(self, reason: EndReason) -> None:
        """End all sessions, also those that are added from now on."""
        self._closing = reason
        for session in tuple(self.sessions.values()):
            self.end(session, reason)
        for termination in self._terminations.values():
            self._abandon_orphan(termination)
        self.skip_pauses()

    async def join(self) -> None:
        """Wait until no termination runs."""
        await self._scope.join()

    async def aclose(self) -> None:
        """Cancel all terminations."""
        await self._scope.aclose()

    def _holds(self, session: ManagedSession) -> bool:
        # Not one that came later under its id.
        return self.sessions.get(session.name) is session

    async def _run(self, termination: Termination) -> None:
        requests = termination.requests
        try:
            while True:
                receipt = await requests.next()
                if receipt is None or not receipt.confirmed:
                    guarded("guard.store")(self._publish_failure)(termination, answered=receipt is not None)
                if receipt is None and not requests.exhausted:
                    continue
                receipt = receipt or EndReceipt(termination.session.session_id, confirmed=False)
                self._take_answer(termination, receipt)
                if receipt.confirmed or termination.abandoned:
                    return
        finally:
            requests.close()

    def _publish_failure(self, termination: Termination, *, answered: bool) -> None:
        session_id, requests = termination.session.session_id, termination.requests
        event: Frame = {"event": "attempt_failed", "session_id": session_id, "answered": answered}
        event["error"] = None if requests.error is None else encode_error(requests.error)
        self._publish({**event, "repeated": not requests.exhausted})
        if not answered and termination.unasked and termination.session.orphan is None:
            self._report(termination, EndReceipt(session_id, confirmed=False))

    def _take_answer(self, termination: Termination, receipt: EndReceipt) -> None:
        session = termination.session
        log.info(
            "the end of %s: %s", session.session_id, "confirmed" if receipt.confirmed else "not confirmed"
        )
        termination.is_inconclusive = not receipt.confirmed
        termination.abandoned |= termination.requests.exhausted
        if receipt.confirmed:
            self._over[session.name] = session, receipt
        # A bug in the record must not keep anybody from the answer.
        guarded("guard.store")(self._record)(termination, receipt)
        if receipt.confirmed or termination.abandoned:
            del self._terminations[session.name]
        termination.settle(receipt)

    def _record(self, termination: Termination, receipt: EndReceipt) -> None:
        session = termination.session
        if receipt.confirmed:
            self._forget(session)
            if session.key:
                counted = session.with_duration(receipt, self._clock_s())
                usd = session.estimated_usd(counted.duration_s)
                ended = records.ended(session.key, counted, termination.reason.value, usd, self._now())
                self._journal.append_or_queue(ended)
        elif self._closing is not None:
            self._abandon_orphan(termination)
        if termination.unasked or not termination.listeners:
            self._report(termination, receipt)
        else:
            termination.is_reported = not receipt.confirmed

    def _forget(self, session: ManagedSession) -> None:
        if self._holds(session):
            del self.sessions[session.name]
        if not self.sessions:
            self.occupied.clear()
        self._scope.start(self._sources.release(session.opened, session.session_id), "release")

    def _report(self, termination: Termination, receipt: EndReceipt) -> None:
        if termination.is_reported and not receipt.confirmed:
            return
        termination.is_reported = True
        session = termination.session
        if session.orphan is not None:
            outcome = LeftoverOutcome.ENDED if receipt.confirmed else LeftoverOutcome.UNCONFIRMED
            self._publish(orphan_event(session.orphan, outcome, self._now(), receipt))
            return
        reason, plain = termination.reason.value, asdict(receipt)
        self._publish({"event": "ended", "session_id": session.session_id, "why": reason, "receipt": plain})

    def _abandon_orphan(self, termination: Termination) -> None:
        """An earlier run's session that the service says nothing about keeps no guard alive."""
        if termination.session.orphan is not None and termination.is_inconclusive:
            termination.abandoned = True
            termination.requests.skip_pauses()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
