"""A session that the guard answers for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from atlas_desktop.api.limits import Allowance, SpendingLimits, Terms, allowance, day_left_s
from atlas_desktop.api.source import EndReceipt, SessionGrant, SessionSource
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.history import spent_today_usd

_HOUR_S = 3600.0


@dataclass(slots=True, eq=False)
class Held:
    """One paid session: where it was made, what it may cost, and its entry in the journal.

    Attributes:
        session_id: As the service gave it.
        source: Ends it; knows that the session is its own.
        key: Its entry in the journal; empty where there is none.
        limits: What the user allows.
        terms: What the service granted.
        granted_s: When, by the lasting clock.
        since_s: When this guard took it, by the same clock.
        asked_status_s: When the service was last asked about it.
    """

    session_id: str
    source: SessionSource
    key: str
    limits: SpendingLimits
    terms: Terms
    granted_s: float
    since_s: float
    asked_status_s: float

    @property
    def allowance(self) -> Allowance:
        """The limit that comes first."""
        return allowance(self.limits, self.terms)

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


def terms_of_grant(grant: SessionGrant, key: str, entries: Iterable[BillingEntry], now: datetime) -> Terms:
    """The terms of a session that was made just now, as the entry named ``key``."""
    spent_usd = spent_today_usd(entries, now, except_key=key)
    return Terms(grant.price_per_hour_usd, spent_usd, day_left_s(now), grant.max_duration_s)


def terms_of_entry(entry: BillingEntry, entries: Iterable[BillingEntry], now: datetime) -> Terms:
    """The terms of a session that another guard made, counted from its grant."""
    spent_usd = spent_today_usd(entries, now, except_key=entry.key)
    left_s = day_left_s(now) + entry.running_s(now)
    return Terms(entry.price_per_hour_usd, spent_usd, left_s, entry.max_duration_s)
