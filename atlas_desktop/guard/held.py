"""A session that the guard answers for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from atlas_desktop.api.limits import Allowance, SpendingLimits, Terms, allowance, day_left_s
from atlas_desktop.api.source import EndReceipt, SessionGrant, SessionSource, SourceKind
from atlas_desktop.guard.sources import Opened
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.history import spent_today_usd

_HOUR_S = 3600.0

Name = tuple[str, str]
"""The address where a session was made, and its id there: another service may give the same id."""


@dataclass(slots=True, eq=False)
class Held:
    """One paid session: where it was made, what it may cost, and its entry in the journal.

    Attributes:
        session_id: As the service gave it.
        opened: Where it was made.
        source: Ends it; knows that the session is its own.
        key: Its entry in the journal; empty where there is none.
        limits: What the user allows.
        terms: What the service granted, and what is left of the day.
        granted_s: When, by the lasting clock.
        granted_at: The same by the wall clock, as that stood when this guard took it.
        since_s: When this guard took it, by the lasting clock.
        asked_status_s: When the service was last asked about it.
        was_found: Whether the service has ever said how it stands.
        leftover: Its entry, where an earlier run left it open.
    """

    session_id: str
    opened: Opened
    source: SessionSource
    key: str
    limits: SpendingLimits
    terms: Terms
    granted_s: float
    granted_at: datetime
    since_s: float
    asked_status_s: float
    was_found: bool = False
    leftover: BillingEntry | None = None

    @property
    def name(self) -> Name:
        """Tells it from every other."""
        return self.opened.address, self.session_id

    @property
    def allowance(self) -> Allowance:
        """The limit that comes first."""
        return allowance(self.limits, self.terms)

    @property
    def has_status(self) -> bool:
        """Whether a backend is known to offer the call; Atlas does."""
        return self.was_found or self.opened.access.kind is not SourceKind.BACKEND

    def counted(self, receipt: EndReceipt, clock_s: float) -> EndReceipt:
        """The receipt, with our own time where the service told none."""
        if receipt.duration_s is not None:
            return receipt
        passed_s = max(0.0, clock_s - self.granted_s)
        longest_s = self.terms.max_duration_s
        return replace(receipt, duration_s=passed_s if longest_s is None else min(passed_s, longest_s))

    def estimated_usd(self, duration_s: float | None) -> float | None:
        """What it costs by our own reckoning, where the price is known."""
        price = self.terms.price_per_hour_usd
        return None if price is None or duration_s is None else duration_s / _HOUR_S * price

    def terms_by(self, clock_s: float, entries: Iterable[BillingEntry]) -> Terms:
        """Its terms, with what other sessions of the day have cost by now.

        The day goes by the lasting clock from the grant on: a wall clock that is set changes nothing.
        """
        ran_s = clock_s - self.granted_s
        return day_terms(self.terms, self.key, ran_s, entries, self.granted_at + timedelta(seconds=ran_s))


def terms_of_grant(grant: SessionGrant, key: str, entries: Iterable[BillingEntry], now: datetime) -> Terms:
    """The terms of a session that was made just now, as the entry named ``key``."""
    granted = Terms(grant.price_per_hour_usd, max_duration_s=grant.max_duration_s)
    return day_terms(granted, key, 0.0, entries, now)


def terms_of_entry(entry: BillingEntry, entries: Iterable[BillingEntry], now: datetime) -> Terms:
    """The terms of a session that another guard made, counted from its grant."""
    granted = Terms(entry.price_per_hour_usd, max_duration_s=entry.max_duration_s)
    return day_terms(granted, entry.key, entry.running_s(now), entries, now)


def day_terms(
    granted: Terms, key: str, ran_s: float, entries: Iterable[BillingEntry], now: datetime
) -> Terms:
    """``granted`` with the figures of the local day of ``now``; ``ran_s``: since the grant.

    What this session itself has cost before the day began is taken off what others have cost in it.
    """
    gone_s, left_s = _local_day(now)
    before_usd = max(0.0, ran_s - gone_s) / _HOUR_S * (granted.price_per_hour_usd or 0.0)
    spent_usd = spent_today_usd(entries, now, except_key=key) - before_usd
    return replace(granted, spent_today_usd=spent_usd, day_left_s=ran_s + left_s)


def _local_day(now: datetime) -> tuple[float, float]:
    """Seconds since this computer's midnight, and to the next."""
    # Without a zone: so midnight is that of the zone's rules, not of this moment's offset.
    local = now.astimezone().replace(tzinfo=None)
    began = datetime.combine(local.date(), time())
    return now.timestamp() - began.timestamp(), day_left_s(local)
