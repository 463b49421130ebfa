"""One paid session against its limits: what is near, what is over. Pure: it is told the time."""

from dataclasses import dataclass, replace
from datetime import datetime

from atlas_desktop.api.limits import (
    LAST_S,
    Allowance,
    Bound,
    SpendingLimits,
    Terms,
    allowance,
    allowances,
    allowed_usd,
    day_left_s,
    is_absent,
    is_spent,
)
from atlas_desktop.api.orders import Why
from atlas_desktop.api.source import SessionGrant
from atlas_desktop.errors import (
    CostReachedError,
    DayReachedError,
    EndedByServiceError,
    HungError,
    LongestTimeError,
    NobodyThereError,
    SleptError,
    StoppedError,
    TimeReachedError,
)

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session stands to its limits, named as in ``SessionSnapshot``; by default it has none."""

    allowance: Allowance | None = None
    left_s: float | None = None
    allowed_usd: float | None = None
    limit_near: bool = False
    limit_last: bool = False
    can_extend: bool = False
    idle_left_s: float | None = None


def terms_of(grant: SessionGrant, now: datetime) -> Terms:
    """What a grant says of money and time; ``now`` is the wall clock of the moment it came."""
    return Terms(grant.price_per_hour_usd, grant.spent_today_usd, day_left_s(now), grant.max_duration_s)


class SpendingWatch:
    """Holds the limits of one paid session, and what the user extended of them.

    All times are seconds since the grant, by a clock that is never set and counts sleep.

    Args:
        limits: What the user allows.
        terms: What is known of the session.
    """

    def __init__(self, limits: SpendingLimits, terms: Terms) -> None:
        self._allowed = limits
        self._terms = terms
        self._extended: list[Bound] = []

    @property
    def limits(self) -> SpendingLimits:
        """The limits of this session, extensions included."""
        limits = self._allowed
        for bound in self._extended:
            limits = limits.extended(bound)
        return limits

    def allow(self, limits: SpendingLimits) -> None:
        """The user chose other limits; what was extended stays extended."""
        self._allowed = limits

    def tell_day(self, spent_today_usd: float, day_left_s: float) -> None:
        """Other sessions of the day have cost more by now, or the day is another one."""
        self._terms = replace(self._terms, spent_today_usd=spent_today_usd, day_left_s=day_left_s)

    def extend(self, elapsed_s: float) -> bool:
        """Gives the limit that comes first a quarter more, and each that would end it within a minute.

        Returns:
            Whether that changed anything: the service's own limit can't be extended.
        """
        first = self._first()
        if first.bound is Bound.SERVICE_TIME:
            return False
        self._extended += [
            one.bound
            for one in allowances(self.limits, self._terms)
            if one.bound is first.bound or one.left_s(elapsed_s) <= LAST_S
        ]
        return True

    def standing(self, elapsed_s: float, idle_s: float) -> Standing:
        """How it stands after ``elapsed_s``, when nobody did anything for ``idle_s``."""
        first = self._first()
        left_s = max(0.0, first.left_s(elapsed_s))
        limits = self.limits
        is_asked = idle_s >= limits.idle_s
        return Standing(
            allowance=first,
            left_s=left_s,
            allowed_usd=allowed_usd(limits, self._terms),
            limit_near=first.is_near(elapsed_s),
            limit_last=left_s <= LAST_S,
            can_extend=first.bound is not Bound.SERVICE_TIME,
            idle_left_s=max(0.0, limits.idle_s + LAST_S - idle_s) if is_asked else None,
        )

    def over(self, elapsed_s: float, idle_s: float) -> StoppedError | None:
        """Why it has to end now; ``None`` while it need not."""
        if is_spent(self.limits, self._terms, elapsed_s):
            return self.reason(Why.LIMIT)
        if is_absent(self.limits, idle_s):
            return self.reason(Why.IDLE)
        return None

    def reason(self, why: Why) -> StoppedError:
        """``why``, as it is said to the user."""
        return reason(why, self.limits, self._first().bound)

    def _first(self) -> Allowance:
        return allowance(self.limits, self._terms)


def reason(why: Why, limits: SpendingLimits, bound: Bound) -> StoppedError:
    """``why`` a session was ended, as it is said to the user; ``bound`` is the limit that came first."""
    match why:
        case Why.LIMIT:
            return _limit_reason(limits, bound)
        case Why.IDLE:
            return NobodyThereError(idle_min=limits.idle_s / _MINUTE_S)
        case Why.HANG:
            return HungError(hang_s=limits.hang_s)
        case Why.SLEEP:
            return SleptError()
        case Why.SERVICE:
            return EndedByServiceError()
        case _:
            return StoppedError(why=why.value)


def _limit_reason(limits: SpendingLimits, bound: Bound) -> StoppedError:
    match bound:
        case Bound.SESSION_USD:
            return CostReachedError(limit_usd=limits.session_usd)
        case Bound.SESSION_TIME:
            return TimeReachedError(limit_min=limits.session_s / _MINUTE_S)
        case Bound.DAY_USD:
            return DayReachedError(limit_usd=limits.day_usd)
        case Bound.SERVICE_TIME:
            return LongestTimeError()
