"""What the sessions of one local day have cost by now: several programs share one daily limit."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import datetime, time, timedelta

from atlas_desktop.aio import guarded
from atlas_desktop.api.guard_protocol import Frame
from atlas_desktop.api.limits import Terms, cost_usd, day_left_s
from atlas_desktop.api.source import SessionGrant
from atlas_desktop.guard.journal_writer import JournalWriter
from atlas_desktop.guard.managed_session import ManagedSession
from atlas_desktop.guard.session_store import SessionStore
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.history import spent_today_usd

PERIOD_S = 5.0
"""How often the figures are computed while another session runs, too."""
_SAME_USD = 0.001
_SAME_S = 1.0


class DailySpend:
    """Keeps the day's figures of the held sessions up to date, and publishes changes. Thread: one event loop.

    Cheap: the journal is read only when it was written to, and without another session nothing is computed.

    Args:
        store: The sessions.
        journal: The journal.
        publish: Takes the events.
        clock_s: Counts sleep.
        now: The wall clock, UTC.
    """

    def __init__(
        self,
        store: SessionStore,
        journal: JournalWriter,
        publish: Callable[[Frame], None],
        clock_s: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._journal = journal
        self._publish = publish
        self._clock_s = clock_s
        self._now = now
        self._entries: list[BillingEntry] = []
        self._updated_s = clock_s()
        self._is_growing = False

    def update(self) -> bool:
        """Recompute what has changed; to be called about once a second.

        Returns:
            Whether the journal was written to since the last call, maybe by another program.
        """
        entries = self._journal.recent(self._now())
        has_changed = entries is not self._entries
        is_due = self._is_growing and self._clock_s() - self._updated_s >= PERIOD_S
        if not has_changed and not is_due:
            return False
        self._entries, self._updated_s = entries, self._clock_s()
        sessions = tuple(self._store.sessions.values())
        keys = {session.key for session in sessions}
        self._is_growing = len(keys) > 1 or any(entry.is_open and entry.key not in keys for entry in entries)
        for session in sessions:
            # What goes wrong with one must not leave the others with old figures.
            guarded("guard.daily_spend")(self._update)(session)
        return has_changed

    def _update(self, session: ManagedSession) -> None:
        ran_s = self._clock_s() - session.granted_s
        # By the clock that counts sleep, from the grant on: a wall clock that is set changes nothing.
        now = session.granted_at + timedelta(seconds=ran_s)
        terms = day_terms(session.terms, session.key, ran_s, self._entries, now)
        if _are_same(terms, session.terms):
            return
        session.terms = terms
        figures = {name: asdict(terms)[name] for name in ("spent_today_usd", "day_left_s")}
        self._publish({"event": "day", "session_id": session.session_id, **figures})


def terms_of_grant(grant: SessionGrant, key: str, entries: Iterable[BillingEntry], now: datetime) -> Terms:
    """Return the terms of a session that was made just now, as the entry named ``key``."""
    granted = Terms(grant.price_per_hour_usd, max_duration_s=grant.max_duration_s)
    return day_terms(granted, key, 0.0, entries, now)


def terms_of_entry(entry: BillingEntry, entries: Iterable[BillingEntry], now: datetime) -> Terms:
    """Return the terms of a session that another guard made, counted from its grant."""
    granted = Terms(entry.price_per_hour_usd, max_duration_s=entry.max_duration_s)
    return day_terms(granted, entry.key, entry.running_s(now), entries, now)


def day_terms(
    granted: Terms, key: str, ran_s: float, entries: Iterable[BillingEntry], now: datetime
) -> Terms:
    """Return ``granted`` with the figures of the local day of ``now``; ``ran_s``: since the grant.

    What this session itself has cost before the day began is taken off what others have cost in it.
    """
    gone_s, left_s = _local_day(now)
    before_usd = cost_usd(max(0.0, ran_s - gone_s), granted.price_per_hour_usd or 0.0)
    spent_usd = spent_today_usd(entries, now, except_key=key) - before_usd
    return replace(granted, spent_today_usd=spent_usd, day_left_s=ran_s + left_s)


def _are_same(one: Terms, other: Terms) -> bool:
    spent_usd = abs(one.spent_today_usd - other.spent_today_usd)
    return spent_usd < _SAME_USD and abs(one.day_left_s - other.day_left_s) < _SAME_S


def _local_day(now: datetime) -> tuple[float, float]:
    """Return the seconds since this computer's midnight, and to the next."""
    # Without a zone: so midnight is that of the zone's rules, not of this moment's offset.
    local = now.astimezone().replace(tzinfo=None)
    began = datetime.combine(local.date(), time())
    return now.timestamp() - began.timestamp(), day_left_s(local)
