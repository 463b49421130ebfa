"""How the guard comes to know a session: created, adopted from a guard that died, or found in the journal.

A create is written down before its request leaves, and again as soon as the session has an id.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from atlas_desktop.aio import guarded
from atlas_desktop.api.address import host_of
from atlas_desktop.api.guard_protocol import EndReason, Frame, face_in, limits_of_frame
from atlas_desktop.api.limits import SpendingLimits, Terms
from atlas_desktop.api.source import Face, IdCallback, Mode, SessionGrant
from atlas_desktop.errors import (
    AppError,
    BadAnswerError,
    BugError,
    DayReachedError,
    JournalError,
    ServiceError,
    UnreachableError,
)
from atlas_desktop.guard.daily_spend import day_terms, terms_of_entry, terms_of_grant
from atlas_desktop.guard.journal_writer import JournalWriter
from atlas_desktop.guard.managed_session import ManagedSession, OpenedSource, SourceRegistry
from atlas_desktop.guard.session_store import SessionStore
from atlas_desktop.storage.billing_entry import BillingEntry, asked, found, granted, refused, taken_over
from atlas_desktop.storage.history import spent_today_usd

TIMEOUT_S: Final = 150.0
"""The request itself takes two minutes at most; this one holds whatever becomes of it."""
_REQUEST_TIMEOUT: Final = 408
_GATEWAY_ERRORS: Final = (502, 504)
"""A proxy's word that it has no answer: the request may have been carried out behind it."""


class SessionCreator:
    """Creates sessions and describes those of others. Thread: one event loop; it blocks for the disk.

    Args:
        guard: This guard's name.
        journal: Records each step.
        sources: What the app has opened.
        store: Holds each session from its first moment.
        clock_s: Counts sleep.
        now: The wall clock, UTC.
    """

    def __init__(
        self,
        guard: str,
        journal: JournalWriter,
        sources: SourceRegistry,
        store: SessionStore,
        clock_s: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._guard = guard
        self._journal = journal
        self._sources = sources
        self._store = store
        self._clock_s = clock_s
        self._now = now

    async def create(self, order: Frame, content: bytes) -> SessionGrant:
        """Carry out a ``create``.

        Raises:
            DayReachedError: What today's sessions may cost is spent.
            JournalError: It can't be written down, and the user has not agreed to do without.
            UnreachableError: No answer in time; a session may have been made all the same.
            AppError: What the service said.
        """
        opened, mode = self._sources.named(order["source"]), Mode(order["mode"])
        face, limits = face_in(order.get("face"), content), limits_of_frame(order["limits"])
        self._check_day(limits)
        key = self._write_asked(opened, mode, limits, unrecorded=bool(order.get("unrecorded")))
        ids: list[str] = []

        def note(session_id: str) -> None:
            ids.append(session_id)
            self._journal.append_or_queue(found(key, session_id, self._now(), opened.access.secret))

        # Whatever stops it, also a bug behind the id: what was created must be ended.
        failure: AppError | None = BugError(where="guard.create")
        try:
            grant = await _answered(opened, mode, face, note)
            failure = None
        except AppError as error:
            failure = error
            raise
        finally:
            if failure is not None:
                self._take_failure(failure, ids, key, opened, limits)
        # Held before anything is computed: what stops that must not stop its limits.
        session = self._store.add(self.describe(grant.session_id, opened, key, limits, Terms()))
        return guarded("guard.create")(self._record_grant)(grant, session) or grant

    def adopt(self, order: Frame) -> None:
        """Hold a session that a guard which died has held for this very app.

        The app's own figures count: its clock is never set, and it knows the price though no journal does.
        """
        opened, session_id = self._sources.named(order["source"]), order["session_id"]
        if self._store.is_known((opened.address, session_id)):
            return
        now, entry = self._now(), self._journal.entry_of(session_id)
        if entry is not None and not entry.is_at(opened.address):
            entry = None
        grant = _grant_in(order, entry)
        ran_s = max(0.0, float(order.get("ran_s", 0.0 if entry is None else entry.running_s(now))))
        if entry is None:
            key = self._enter(opened, grant, now - timedelta(seconds=ran_s))
        else:
            key = entry.key
            self._journal.append_or_queue(taken_over(key, self._guard, now))
        known = Terms(grant.price_per_hour_usd, max_duration_s=grant.max_duration_s)
        terms = day_terms(known, key, ran_s, self._journal.recent(now), now)
        session = self.describe(session_id, opened, key, limits_of_frame(order["limits"]), terms, ran_s)
        session.source = self._sources.for_session(opened, session_id)
        self._store.add(session)

    def find(self, order: Frame) -> ManagedSession:
        """Describe the session of an order that is not held; it may be of an earlier run.

        The order may name its ``entry`` in the journal.
        """
        opened, session_id = self._sources.named(order["source"]), order["session_id"]
        entry = self._journal.entry_of(session_id, order.get("entry", ""))
        if entry is not None and opened.made(entry):
            return self.describe_entry(entry, opened)
        # Of an entry that the order names the address may be lost: its end is written down all the same.
        key = order.get("entry", "")
        return self.describe(session_id, opened, key, SpendingLimits(), Terms())

    def describe_entry(self, entry: BillingEntry, opened: OpenedSource) -> ManagedSession:
        """Describe a session of an earlier run; it is not held by that."""
        session_id, now = entry.id_for(opened.access.secret), self._now()
        counts_s = entry.counted_s(now)
        ran_s = entry.running_s(now) if counts_s is None else counts_s
        terms = terms_of_entry(entry, self._journal.recent(now), now)
        session = self.describe(session_id, opened, entry.key, SpendingLimits(), terms, ran_s)
        session.source = self._sources.for_session(opened, session_id)
        return session

    def describe(
        self,
        session_id: str,
        opened: OpenedSource,
        key: str,
        limits: SpendingLimits,
        terms: Terms,
        ran_s: float = 0.0,
    ) -> ManagedSession:
        """Describe a session as this guard sees it from now on; it is not held by that."""
        now_s = self._clock_s()
        return ManagedSession(
            session_id,
            opened,
            opened.source,
            key,
            limits,
            terms,
            granted_s=now_s - ran_s,
            granted_at=self._now() - timedelta(seconds=ran_s),
            since_s=now_s,
            polled_s=now_s,
        )

    def _record_grant(self, grant: SessionGrant, session: ManagedSession) -> SessionGrant:
        """Write the grant's figures down, and count them among those of the day."""
        now = self._now()
        record = granted(session.key, grant, now, session.opened.access.secret)
        # Its id is on the disk already: without this record a power cut costs no more than the price.
        self._journal.append_or_queue(record, durable=False)
        session.terms = terms_of_grant(grant, session.key, self._journal.recent(now), now)
        return replace(grant, spent_today_usd=session.terms.spent_today_usd)

    def _enter(self, opened: OpenedSource, grant: SessionGrant, granted_at: datetime) -> str:
        """Write down a session that runs and that the journal does not know; return its entry's name."""
        record = self._asked(opened, Mode.CONVERSATION)
        self._journal.append_or_queue(record)
        self._journal.append_or_queue(granted(record["key"], grant, granted_at, opened.access.secret))
        return str(record["key"])

    def _check_day(self, limits: SpendingLimits) -> None:
        """Refuse what would be ended the moment it began."""
        now = self._now()
        if spent_today_usd(self._journal.recent(now), now) >= limits.day_usd:
            raise DayReachedError(limit_usd=limits.day_usd)

    def _write_asked(
        self, opened: OpenedSource, mode: Mode, limits: SpendingLimits, *, unrecorded: bool
    ) -> str:
        """Return the new entry's name."""
        record = self._asked(opened, mode, limits)
        try:
            self._journal.append(record)
        except JournalError:
            if not unrecorded:
                raise
            self._journal.append_or_queue(record)
        return str(record["key"])

    def _asked(
        self, opened: OpenedSource, mode: Mode, limits: SpendingLimits | None = None
    ) -> dict[str, Any]:
        access, now = opened.access, self._now()
        return asked(self._guard, access.kind.value, access.address, access.secret, mode, now, limits)

    def _take_failure(
        self, error: AppError, ids: list[str], key: str, opened: OpenedSource, limits: SpendingLimits
    ) -> None:
        session_id = ids[-1] if ids else error.params.get("session_id")
        if session_id:
            if not ids:
                secret = opened.access.secret
                self._journal.append_or_queue(found(key, session_id, self._now(), secret))
            session = self._store.add(self.describe(session_id, opened, key, limits, Terms()))
            self._store.end(session, EndReason.UNUSABLE)
        elif create_definitely_failed(error):
            self._journal.append_or_queue(refused(key, error.code, self._now()))


async def _answered(opened: OpenedSource, mode: Mode, face: Face | None, note: IdCallback) -> SessionGrant:
    """Send the request, and wait for its answer within a limit of our own."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await opened.source.create(mode, face, note)
    except TimeoutError as error:
        raise UnreachableError(host=host_of(opened.address), detail="no answer in time") from error


def create_definitely_failed(error: AppError) -> bool:
    """Return whether it is certain that no session runs because of the create that failed so.

    Not so after a request that may have reached the service and had no answer of the service's own.
    """
    if error.params.get("session_id") or not isinstance(error, ServiceError):
        return False
    if isinstance(error, UnreachableError):
        return not error.params.get("sent", True)
    status = int(error.params.get("status", 0))
    if status in (_REQUEST_TIMEOUT, *_GATEWAY_ERRORS):
        return False
    if isinstance(error, BadAnswerError):
        return 300 <= status < 500
    return True


def _grant_in(order: Frame, entry: BillingEntry | None) -> SessionGrant:
    """Return what the service granted: as the app knows it where it does, else as the journal does."""
    price, max_s = (None, None) if entry is None else (entry.price_per_hour_usd, entry.max_duration_s)
    return SessionGrant(
        order["session_id"],
        "",
        "",
        price_per_hour_usd=order.get("price_per_hour_usd", price),
        max_duration_s=order.get("max_duration_s", max_s),
    )
