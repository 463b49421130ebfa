"""A session that the guard answers for, and the sources that sessions are made with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from atlas_desktop.api.access import Access
from atlas_desktop.api.limits import SpendingLimits, Terms, cost_usd
from atlas_desktop.api.source import EndReceipt, SourceKind
from atlas_desktop.errors import BugError
from atlas_desktop.storage.billing_entry import BillingEntry

if TYPE_CHECKING:
    from atlas_desktop.api.http_source import HttpSource

SessionName = tuple[str, str]
"""The address where a session was made, and its id there: another service may give the same id."""

SourceFactory = Callable[..., "HttpSource"]
"""Makes the source of an access: ``api.opening.open_source``."""


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """One source as the app opened it."""

    access: Access
    source: "HttpSource"

    @property
    def address(self) -> str:
        return self.access.address

    def made(self, entry: BillingEntry) -> bool:
        """Return whether the entry's session was made with this secret, at this address."""
        return entry.matches(self.access.kind.value, self.access.address, self.access.secret)


@dataclass(slots=True, eq=False)
class ManagedSession:
    """One paid session: where it was made, what it may cost, and its entry in the journal.

    Attributes:
        session_id: As the service gave it.
        opened: Where it was made.
        source: Ends it; knows that the session is its own.
        key: Its entry in the journal; empty where there is none.
        limits: What the user allows.
        terms: What the service granted, and what is left of the day.
        granted_s: When, by the clock that counts sleep.
        granted_at: The same by the wall clock, as that stood when this guard took it.
        since_s: When this guard took it, by the clock that counts sleep.
        polled_s: When the service was last asked about it.
        was_found: Whether the service has ever said how it stands.
        orphan: Its entry, where an earlier run left it open.
    """

    session_id: str
    opened: OpenedSource
    source: "HttpSource"
    key: str
    limits: SpendingLimits
    terms: Terms
    granted_s: float
    granted_at: datetime
    since_s: float
    polled_s: float
    was_found: bool = False
    orphan: BillingEntry | None = None

    @property
    def name(self) -> SessionName:
        """Identifies it among the sessions of all services."""
        return self.opened.address, self.session_id

    @property
    def has_status(self) -> bool:
        """Whether a backend is known to offer the call; Atlas does."""
        return self.was_found or self.opened.access.kind is not SourceKind.BACKEND

    def with_duration(self, receipt: EndReceipt, now_s: float) -> EndReceipt:
        """Return the receipt, with our own duration where the service gave none."""
        if receipt.duration_s is not None:
            return receipt
        passed_s = max(0.0, now_s - self.granted_s)
        max_s = self.terms.max_duration_s
        return replace(receipt, duration_s=passed_s if max_s is None else min(passed_s, max_s))

    def estimated_usd(self, duration_s: float | None) -> float | None:
        """Return what it costs by our own clock, where the price is known."""
        price = self.terms.price_per_hour_usd
        return None if price is None or duration_s is None else cost_usd(duration_s, price)


class SourceRegistry:
    """The sources that the app has opened, by its names for them. Thread: one event loop.

    Args:
        factory: Makes them.
        keep_warm: Connect to their services ahead of the first request.
    """

    def __init__(self, factory: SourceFactory, *, keep_warm: bool) -> None:
        self._factory = factory
        self._keep_warm = keep_warm
        self._by_name: dict[str, OpenedSource] = {}
        self._of_sessions: dict[tuple[OpenedSource, str], HttpSource] = {}
        self._replaced: list[HttpSource] = []

    def open(self, name: str, access: Access) -> OpenedSource:
        """Open a source; the same one is opened once.

        Raises:
            InsecureAddressError: A key would be sent in the clear.
        """
        known = self._by_name.get(name)
        if known is not None and known.access == access:
            return known
        opened = OpenedSource(access, self._factory(access))
        if self._keep_warm:
            opened.source.keep_warm()
        if known is not None:
            # What it made may still have to be ended by it.
            self._replaced.append(known.source)
        self._by_name[name] = opened
        return opened

    def named(self, name: str) -> OpenedSource:
        """Return the source of that name.

        Raises:
            BugError: The app has not opened it.
        """
        if name not in self._by_name:
            raise BugError(where=f"an order for the unknown source {name}")
        return self._by_name[name]

    def for_session(self, opened: OpenedSource, session_id: str) -> "HttpSource":
        """Return a source that knows this session of an earlier run as its own; one for each session."""
        found = self._of_sessions.get((opened, session_id))
        if found is None:
            found = self._factory(opened.access, [session_id])
            self._of_sessions[opened, session_id] = found
        return found

    def maker_of(self, entry: BillingEntry) -> OpenedSource | None:
        """Return the opened source that made the entry's session, if there is one."""
        return next((opened for opened in self._by_name.values() if opened.made(entry)), None)

    async def release(self, opened: OpenedSource, session_id: str) -> None:
        """Close what was opened for this session alone."""
        source = self._of_sessions.pop((opened, session_id), None)
        if source is not None:
            await source.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        opened = (opened.source for opened in self._by_name.values())
        for source in (*opened, *self._of_sessions.values(), *self._replaced):
            await source.aclose()
