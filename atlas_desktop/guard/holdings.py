"""What a guard holds, and how it comes to know a session: made here, adopted, or left by an earlier run."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from atlas_desktop.api.limits import SpendingLimits, Terms
from atlas_desktop.api.orders import Frame, limits_of_frame
from atlas_desktop.api.source import SessionGrant, SessionSource
from atlas_desktop.guard.held import Held, Name, day_terms, terms_of_entry
from atlas_desktop.guard.ledger import Ledger
from atlas_desktop.guard.sources import Opened, Sources
from atlas_desktop.storage.billing_entry import BillingEntry, taken_over

Enter = Callable[[Opened, SessionGrant, datetime], str]
"""Writes down a session that the journal does not know, with the time of its grant; the entry's name."""


class Holdings:
    """The sessions by name, and the descriptions of others. Thread: one event loop; blocks for the disk.

    Attributes:
        held: Those that are being ended included.

    Args:
        guard: This guard's name.
        ledger: The journal.
        sources: What the app has opened.
        clock_s: Counts sleep.
        now: The wall clock, UTC.
    """

    def __init__(
        self,
        guard: str,
        ledger: Ledger,
        sources: Sources,
        clock_s: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self.held: dict[Name, Held] = {}
        self._guard = guard
        self._ledger = ledger
        self._sources = sources
        self._clock_s = clock_s
        self._now = now

    def name_in(self, order: Frame) -> Name:
        """The session that an order is about.

        Raises:
            BugError: The app has not opened its source.
        """
        return self._sources.named(order["source"]).address, order["session_id"]

    def with_id(self, session_id: str) -> Iterator[Held]:
        """What is held under an id, wherever it was made."""
        return (held for held in tuple(self.held.values()) if held.session_id == session_id)

    def is_held(self, held: Held) -> bool:
        """Whether it is this very session that is held, not one that came later under its id."""
        return self.held.get(held.name) is held

    def let_go(self, held: Held) -> None:
        """It is over."""
        if self.is_held(held):
            del self.held[held.name]

    def described(
        self,
        session_id: str,
        opened: Opened,
        key: str,
        limits: SpendingLimits,
        terms: Terms,
        ran_s: float = 0.0,
        source: SessionSource | None = None,
    ) -> Held:
        """A session as this guard sees it from now on; it is not held by that."""
        now_s, granted_at = self._clock_s(), self._now() - timedelta(seconds=ran_s)
        return Held(
            session_id,
            opened,
            source or opened.source,
            key,
            limits,
            terms,
            granted_s=now_s - ran_s,
            granted_at=granted_at,
            since_s=now_s,
            asked_status_s=now_s,
        )

    def unheld(self, order: Frame) -> Held:
        """The session of an order that is not held; it may be of an earlier run."""
        opened, session_id = self._sources.named(order["source"]), order["session_id"]
        entry = self._ledger.entry_of(session_id)
        if entry is None or not opened.made(entry):
            return self.described(session_id, opened, "", SpendingLimits(), Terms())
        return self.of_entry(entry, opened)

    def of_entry(self, entry: BillingEntry, opened: Opened) -> Held:
        """A session of an earlier run."""
        session_id, now = entry.id_for(opened.access.secret), self._now()
        source = self._sources.for_session(opened, session_id)
        counts_s = entry.counted_s(now)
        ran_s = entry.running_s(now) if counts_s is None else counts_s
        terms = terms_of_entry(entry, self._ledger.recent(now), now)
        return self.described(session_id, opened, entry.key, SpendingLimits(), terms, ran_s, source)

    def adopted(self, order: Frame, enter: Enter) -> Held:
        """A session that a guard which died has held for this very app.

        The app's own figures count: its clock is never set, and it knows the price though no journal does.
        """
        opened, session_id = self._sources.named(order["source"]), order["session_id"]
        now, entry = self._now(), self._ledger.entry_of(session_id)
        if entry is not None and not entry.is_at(opened.address):
            entry = None
        told = _granted(order, entry)
        ran_s = max(0.0, float(order.get("ran_s", 0.0 if entry is None else entry.running_s(now))))
        if entry is None:
            key = enter(opened, told, now - timedelta(seconds=ran_s))
        else:
            key = entry.key
            self._ledger.keep(taken_over(key, self._guard, now))
        known = Terms(told.price_per_hour_usd, max_duration_s=told.max_duration_s)
        terms = day_terms(known, key, ran_s, self._ledger.recent(now), now)
        source = self._sources.for_session(opened, session_id)
        limits = limits_of_frame(order["limits"])
        return self.described(session_id, opened, key, limits, terms, ran_s, source)


def _granted(order: Frame, entry: BillingEntry | None) -> SessionGrant:
    """What the service granted: in the app's words where it says it, else in the journal's."""
    price, longest_s = (None, None) if entry is None else (entry.price_per_hour_usd, entry.max_duration_s)
    return SessionGrant(
        order["session_id"],
        "",
        "",
        price_per_hour_usd=order.get("price_per_hour_usd", price),
        max_duration_s=order.get("max_duration_s", longest_s),
    )
