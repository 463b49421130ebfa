"""What a session costs, what it may cost and how long it may run: plain numbers, for app and guard alike."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
EXTENSION = 1.25
WARN_SHARE = 0.8
LAST_S = 60.0
"""The countdown before a limit, and the time to answer when nobody seems to be there."""


def cost_usd(duration_s: float, price_per_hour_usd: float) -> float:
    """Return what ``duration_s`` costs."""
    return duration_s / _HOUR_S * price_per_hour_usd


def affordable_s(usd: float, price_per_hour_usd: float) -> float:
    """Return how many seconds ``usd`` buys."""
    return usd / price_per_hour_usd * _HOUR_S


class Bound(StrEnum):
    """Which limit comes first."""

    SESSION_USD = "session_usd"
    SESSION_TIME = "session_s"
    DAY_USD = "day_usd"
    SERVICE_TIME = "service"
    """The service's own ``max_duration_seconds``: it can't be extended."""


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """What the user allows.

    Attributes:
        session_usd: One session's cost. No limit may be ``nan``; 0 allows nothing, ``inf`` everything.
        session_s: One session's time.
        day_usd: The cost of all sessions of one local calendar day.
        idle_s: Nobody spoke, typed, dropped or moved for so long: it is asked, then ended.
        hang_s: The program gave no sign of life for so long: the guard ends its sessions.
    """

    session_usd: float = 5.0
    session_s: float = 3600.0
    day_usd: float = 20.0
    idle_s: float = 600.0
    hang_s: float = 30.0

    def extended(self, bound: Bound) -> "SpendingLimits":
        """These limits with ``bound`` a quarter higher; the service's own stays."""
        if bound is Bound.SERVICE_TIME:
            return self
        return replace(self, **{bound.value: getattr(self, bound.value) * EXTENSION})


@dataclass(frozen=True, slots=True)
class Terms:
    """What is known of a session when the service grants it.

    Attributes:
        price_per_hour_usd: ``None`` where it is not known: then only times limit it.
        spent_today_usd: What other sessions of this local day have cost.
        day_left_s: Seconds from the grant to local midnight, by the wall clock of that moment: a clock
            that is set later changes nothing.
        max_duration_s: The service's own limit.
    """

    price_per_hour_usd: float | None = None
    spent_today_usd: float = 0.0
    day_left_s: float = _DAY_S
    max_duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long a session may run, counted from its grant, and what says so."""

    bound: Bound
    seconds: float

    def left_s(self, elapsed_s: float) -> float:
        """Seconds until the end; negative when it is over."""
        return self.seconds - elapsed_s

    def is_near(self, elapsed_s: float) -> bool:
        """Whether 80 % are used."""
        return elapsed_s >= WARN_SHARE * self.seconds


def allowance(limits: SpendingLimits, terms: Terms) -> Allowance:
    """The limit that comes first."""
    return min(allowances(limits, terms), key=lambda one: one.seconds)


def allowances(limits: SpendingLimits, terms: Terms) -> list[Allowance]:
    """Every limit that can end this session: those of money only where the price is known."""
    found = [Allowance(Bound.SESSION_TIME, limits.session_s)]
    if terms.max_duration_s is not None:
        found.append(Allowance(Bound.SERVICE_TIME, terms.max_duration_s))
    price = _price(terms)
    if price is not None:
        found.append(Allowance(Bound.SESSION_USD, affordable_s(limits.session_usd, price)))
        found.append(Allowance(Bound.DAY_USD, _day_s(limits.day_usd, price, terms)))
    return found


def allowed_usd(limits: SpendingLimits, terms: Terms) -> float | None:
    """The cost at which a limit of money ends this session; ``None`` where the price is not known."""
    price = _price(terms)
    if price is None:
        return None
    return min(limits.session_usd, cost_usd(_day_s(limits.day_usd, price, terms), price))


def is_spent(limits: SpendingLimits, terms: Terms, elapsed_s: float, grace_s: float = 0.0) -> bool:
    """Return whether a limit was reached ``grace_s`` ago or earlier, ``elapsed_s`` after the grant."""
    return allowance(limits, terms).left_s(elapsed_s) <= -grace_s


def is_absent(limits: SpendingLimits, idle_s: float, grace_s: float = 0.0) -> bool:
    """Return whether nobody did anything for so long that nobody is there, ``grace_s`` ago or earlier.

    The minute in which the user is asked is part of it.
    """
    return idle_s >= limits.idle_s + LAST_S + grace_s


def day_left_s(now: datetime) -> float:
    """Seconds from ``now`` to midnight in its zone; without one, in this computer's.

    A day on which the clock changes for summer or winter has an hour less or more.
    """
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    return max(0.0, midnight.timestamp() - now.timestamp())


def _price(terms: Terms) -> float | None:
    price = terms.price_per_hour_usd
    return price if price is not None and price > 0 else None


def _day_s(day_usd: float, price_per_hour_usd: float, terms: Terms) -> float:
    today_s = affordable_s(max(0.0, day_usd - terms.spent_today_usd), price_per_hour_usd)
    if today_s <= terms.day_left_s:
        return today_s
    # What midnight leaves of today is not carried over: tomorrow has its own whole limit.
    whole_s = affordable_s(day_usd, price_per_hour_usd)
    return terms.day_left_s + whole_s if whole_s <= _DAY_S else math.inf
