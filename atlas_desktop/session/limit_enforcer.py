"""The limits of a paid session: how close it is to them, and ending it when one is reached."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from atlas_desktop.aio import ErrorHandler
from atlas_desktop.api.guard_protocol import EndReason
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
from atlas_desktop.api.source import EndReceipt, SessionGrant
from atlas_desktop.clock import SleepDetector, boottime_s
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
from atlas_desktop.session.callbacks import Callbacks, Unsubscribe
from atlas_desktop.session.state import Ending, Stop, Switch, grant_of, is_over

if TYPE_CHECKING:
    from atlas_desktop.session.lifecycle import Lifecycle
    from atlas_desktop.session.server_session import ServerSession

SLEPT_S = 5.0
"""A shorter sleep, or drift between the clocks, ends nothing."""
_MINUTE_S = 60.0
_UNREMARKABLE = frozenset({EndReason.ASKED, EndReason.LEFT_OPEN, EndReason.UNUSABLE})
"""Reasons of an end that the user need not be given."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session is with its limits, named as in ``SessionSnapshot``; by default it has none."""

    allowance: Allowance | None = None
    left_s: float | None = None
    allowed_usd: float | None = None
    limit_near: bool = False
    limit_last: bool = False
    can_extend: bool = False
    idle_left_s: float | None = None


def terms_of(grant: SessionGrant, now: datetime) -> Terms:
    """Return what ``grant`` says of money and time; ``now`` is the wall clock when it came."""
    return Terms(grant.price_per_hour_usd, grant.spent_today_usd, day_left_s(now), grant.max_duration_s)


class SpendingTracker:
    """The limits of one paid session, including what the user extended. Pure: times are arguments.

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

    def set_limits(self, limits: SpendingLimits) -> None:
        """Replace what the user allows; extensions stay."""
        self._allowed = limits

    def update_day(self, spent_today_usd: float, day_left_s: float) -> None:
        """Set the cost of the day's other sessions, and how long the day lasts from the grant."""
        self._terms = replace(self._terms, spent_today_usd=spent_today_usd, day_left_s=day_left_s)

    def extend(self, elapsed_s: float) -> bool:
        """Extend the limit that comes first by a quarter, and any other that would end it within a minute.

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
        """Return the standing after ``elapsed_s``, with nobody active for ``idle_s``."""
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
        """Return why the session has to end now, else ``None``."""
        if is_spent(self.limits, self._terms, elapsed_s):
            return self.reason(EndReason.LIMIT)
        if is_absent(self.limits, idle_s):
            return self.reason(EndReason.IDLE)
        return None

    def reason(self, why: EndReason) -> StoppedError:
        """Return the error that explains ``why`` to the user."""
        return _reason(why, self.limits, self._first().bound)

    def _first(self) -> Allowance:
        return allowance(self.limits, self._terms)


class LimitEnforcer:
    """Ends paid sessions at their limits. A rehearsal has none. Thread: the session's loop.

    Args:
        lifecycle: Whose sessions are limited.
        on_change: Called when the standing may have changed.
        on_error: Called with the error of a failed callback.
        clock_s: A monotonic clock that counts sleep.
        awake_s: A monotonic clock that does not, where the platform has one.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        on_change: Callable[[], None],
        on_error: ErrorHandler,
        clock_s: Callable[[], float] = boottime_s,
        awake_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = SpendingLimits()
        self._lifecycle = lifecycle
        self._on_change = on_change
        self._limits_changes: Callbacks[[str, SpendingLimits]] = Callbacks(
            "session.on_limits_changed", on_error
        )
        self._clock_s = clock_s
        self._active_s = clock_s()
        self._sleep = SleepDetector(SLEPT_S, clock_s, awake_s)
        self._tracker: SpendingTracker | None = None

    @property
    def idle_s(self) -> float:
        """How long nobody has spoken, typed, dropped or moved."""
        return max(0.0, self._clock_s() - self._active_s)

    @property
    def standing(self) -> Standing:
        """Where the running session is with its limits."""
        run = self._lifecycle.run
        if self._tracker is None or run is None or is_over(self._lifecycle.state):
            return Standing()
        standing = self._tracker.standing(run.cost.spent_s, self.idle_s)
        if isinstance(self._lifecycle.state, Ending):
            return Standing(allowance=standing.allowance, allowed_usd=standing.allowed_usd)
        return standing

    def on_limits_changed(self, callback: Callable[[str, SpendingLimits], None]) -> Unsubscribe:
        """Call ``callback(session_id, limits)`` when the limits of the running session change."""
        return self._limits_changes.add(callback)

    def begin(self) -> None:
        """Begin a session: the user who started it is active, and sleep counts from now on."""
        self._tracker = None
        self._sleep.look()
        self._active_s = self._clock_s()

    def grant(self, run: ServerSession) -> None:
        """Apply the limits to ``run``, which the service granted."""
        self._tracker = SpendingTracker(self._limits, run.terms) if run.terms is not None else None

    def set_spending_limits(self, limits: SpendingLimits) -> None:
        """Set what the user allows; a running session gets it at once, and keeps its extensions."""
        self._limits = limits
        if self._tracker is not None:
            self._tracker.set_limits(limits)
            self._notify()
        self._on_change()

    def extend(self) -> None:
        """Extend the limit of the running session that comes first by a quarter."""
        run = self._lifecycle.run
        if self._tracker is None or run is None or grant_of(self._lifecycle.state) is None:
            return
        if self._tracker.extend(run.cost.spent_s):
            self._notify()
        self._on_change()

    def touch(self) -> None:
        """Note that the user is active. Cheap enough for every movement of the mouse."""
        was_idle = self.idle_s >= self._limits.idle_s
        self._active_s = self._clock_s()
        if was_idle:
            self._on_change()

    def check(self) -> None:
        """End the session if it is time. To be called several times a second while one exists."""
        state, run = self._lifecycle.state, self._lifecycle.run
        if run is None or not run.request.source.billed or is_over(state) or isinstance(state, Ending):
            return
        if self._sleep.look():
            self.sleep()
        elif self._tracker is not None:
            over = self._tracker.over(run.cost.spent_s, self.idle_s)
            if over is not None:
                self._lifecycle.stop(over)

    def sleep(self) -> None:
        """End a paid session because the computer sleeps, or slept; none follows by itself."""
        state, run = self._lifecycle.state, self._lifecycle.run
        if run is None or not run.request.source.billed or is_over(state):
            return
        if not isinstance(state, Ending):
            self._lifecycle.stop(self._reason(EndReason.SLEEP))
        elif isinstance(state.next, Switch):
            self._lifecycle.end(Stop())

    def stopped(self, session_id: str, why: EndReason, receipt: EndReceipt) -> None:
        """Take an end from the guard: unasked, or the confirmation of one that was asked for."""
        self._lifecycle.take_receipt(session_id, receipt)
        run = self._lifecycle.run
        if run is None or run.session_id != session_id:
            return
        if why in _UNREMARKABLE:
            if grant_of(self._lifecycle.state) is not None:
                self._lifecycle.end(Stop())
            return
        self._lifecycle.stop(self._reason(why))
        if why is EndReason.SLEEP:
            self.sleep()

    def reconcile_duration(self, session_id: str, duration_s: float) -> None:
        """Correct the meter: the service reported how long ``session_id`` has run."""
        run = self._lifecycle.run
        if run is not None and run.session_id == session_id:
            run.cost.reconcile(duration_s)
        self._on_change()

    def update_day(self, session_id: str, spent_today_usd: float, day_left_s: float) -> None:
        """Set the cost of the day's other sessions, and how long the day lasts from the grant."""
        run = self._lifecycle.run
        if self._tracker is not None and run is not None and run.session_id == session_id:
            self._tracker.update_day(spent_today_usd, day_left_s)
        self._on_change()

    def _reason(self, why: EndReason) -> StoppedError:
        if why is EndReason.SERVICE and self._lifecycle.expired:
            return LongestTimeError()
        if self._tracker is not None:
            return self._tracker.reason(why)
        return _reason(why, self._limits, Bound.SERVICE_TIME)

    def _notify(self) -> None:
        grant = grant_of(self._lifecycle.state)
        if grant is not None and self._tracker is not None:
            self._limits_changes(grant.session_id, self._tracker.limits)


def _reason(why: EndReason, limits: SpendingLimits, bound: Bound) -> StoppedError:
    match why:
        case EndReason.LIMIT:
            return _limit_reason(limits, bound)
        case EndReason.IDLE:
            return NobodyThereError(idle_min=limits.idle_s / _MINUTE_S)
        case EndReason.HANG:
            return HungError(hang_s=limits.hang_s)
        case EndReason.SLEEP:
            return SleptError()
        case EndReason.SERVICE:
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
