"""How a session is made: written down before the request leaves, and again as soon as it has an id."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol

from atlas_desktop.aio import guarded
from atlas_desktop.api.address import host_of
from atlas_desktop.api.limits import SpendingLimits, Terms
from atlas_desktop.api.orders import Frame, face_in, limits_of_frame
from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.errors import AppError, DayReachedError, JournalError, UnreachableError
from atlas_desktop.guard.held import Held, terms_of_grant
from atlas_desktop.guard.ledger import Ledger
from atlas_desktop.guard.refusals import made_none
from atlas_desktop.guard.sources import Opened, Sources
from atlas_desktop.guard.twin import Made, Maker, Request, made_here
from atlas_desktop.storage.billing_entry import asked, found, granted, refused
from atlas_desktop.storage.history import spent_today_usd

LIMIT_S: Final = 150.0
"""The request itself takes two minutes at most; whoever sends it may have been stopped."""


class Hold(Protocol):
    """Takes a session into the guard's care."""

    def __call__(
        self, session_id: str, opened: Opened, key: str, limits: SpendingLimits, terms: Terms
    ) -> Held: ...


class Making:
    """Makes sessions and keeps the journal of it. Thread: one event loop; blocks for the disk.

    Args:
        guard: This guard's name.
        ledger: The journal.
        sources: What the app has opened.
        now: The wall clock, UTC.
        hold: Takes each session that was made.
        end_unusable: Ends one whose answer could not be used.
        make: Sends the request: here, or by a twin.
    """

    def __init__(
        self,
        guard: str,
        ledger: Ledger,
        sources: Sources,
        now: Callable[[], datetime],
        hold: Hold,
        end_unusable: Callable[[Held], None],
        make: Maker = made_here,
    ) -> None:
        self._guard = guard
        self._ledger = ledger
        self._sources = sources
        self._now = now
        self._hold = hold
        self._end_unusable = end_unusable
        self._make = make

    async def create(self, order: Frame, content: bytes) -> SessionGrant:
        """Carries out a ``create``.

        Raises:
            DayReachedError: What today's sessions may cost is spent.
            JournalError: It can't be written down, and the user has not agreed to do without.
            AppError: What the service said.
        """
        opened, mode = self._sources.named(order["source"]), Mode(order["mode"])
        face, limits = face_in(order.get("face"), content), limits_of_frame(order["limits"])
        self._check_day(limits)
        key, recorded = self._write_asked(opened, mode, limits, unrecorded=bool(order.get("unrecorded")))

        def note(session_id: str) -> None:
            self._ledger.keep(found(key, session_id, self._now(), opened.access.secret))

        try:
            made = await self._limited(Request(key, opened, mode, face, recorded, note))
        except AppError as error:
            self._take_failure(error, key, opened, limits)
            raise
        # Held before anything is reckoned: what stops that must not stop its limits.
        held = self._hold(made.grant.session_id, opened, key, limits, Terms())
        return guarded("guard.making")(self._reckoned)(made, held) or made.grant

    async def _limited(self, request: Request) -> Made:
        """Sends the request, and waits for what comes of it for a while that has an end.

        Raises:
            UnreachableError: Nothing came; a session may have been made all the same.
            AppError: What the service said.
        """
        try:
            async with asyncio.timeout(LIMIT_S):
                return await self._make(request)
        except TimeoutError as error:
            raise UnreachableError(
                host=host_of(request.opened.address), detail="no answer in time"
            ) from error

    def _reckoned(self, made: Made, held: Held) -> SessionGrant:
        """The grant, its figures written down and counted among those of the day."""
        grant, now = made.grant, self._now()
        if not made.recorded:
            self._ledger.keep(granted(held.key, grant, now, held.opened.access.secret))
        held.terms = terms_of_grant(grant, held.key, self._ledger.recent(now), now)
        return replace(grant, spent_today_usd=held.terms.spent_today_usd)

    def enter(self, opened: Opened, grant: SessionGrant, granted_at: datetime) -> str:
        """Writes down a session that runs, and that the journal does not know; returns its entry's name."""
        record = self._asked(opened, Mode.CONVERSATION)
        self._ledger.keep(record)
        self._ledger.keep(granted(record["key"], grant, granted_at, opened.access.secret))
        return str(record["key"])

    def _check_day(self, limits: SpendingLimits) -> None:
        """Refuses what would be ended the moment it began."""
        now = self._now()
        if spent_today_usd(self._ledger.recent(now), now) >= limits.day_usd:
            raise DayReachedError(limit_usd=limits.day_usd)

    def _write_asked(
        self, opened: Opened, mode: Mode, limits: SpendingLimits, *, unrecorded: bool
    ) -> tuple[str, bool]:
        """The entry's name, and whether it is on the disk."""
        record = self._asked(opened, mode, limits)
        try:
            self._ledger.write(record)
        except JournalError:
            if not unrecorded:
                raise
            self._ledger.keep(record)
            return str(record["key"]), False
        return str(record["key"]), True

    def _asked(self, opened: Opened, mode: Mode, limits: SpendingLimits | None = None) -> dict[str, Any]:
        access, now = opened.access, self._now()
        return asked(self._guard, access.kind.value, access.address, access.secret, mode, now, limits)

    def _take_failure(self, error: AppError, key: str, opened: Opened, limits: SpendingLimits) -> None:
        secret = opened.access.secret
        noted = self._noted(key, secret)
        session_id = noted or error.params.get("session_id")
        if session_id:
            if not noted:
                self._ledger.keep(found(key, session_id, self._now(), secret))
            self._end_unusable(self._hold(session_id, opened, key, limits, Terms()))
        elif made_none(error):
            self._ledger.keep(refused(key, error.code, self._now()))

    def _noted(self, key: str, secret: str) -> str:
        """The id that was written down, perhaps by a twin that died of the rest of the answer."""
        entries = (entry for entry in self._ledger.entries() if entry.key == key)
        return next((entry.id_for(secret) for entry in entries), "")
