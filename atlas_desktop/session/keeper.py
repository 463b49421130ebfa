"""Keeps a running session to its limits: looks at clock and people, and ends it when it is time."""

import time
from collections.abc import Callable

from atlas_desktop.api.limits import Bound, SpendingLimits
from atlas_desktop.api.orders import Why
from atlas_desktop.api.source import EndReceipt
from atlas_desktop.clock import SleepDetector, lasting_s
from atlas_desktop.errors import LongestTimeError, StoppedError
from atlas_desktop.session.life import Ending, Stop, Switch, grant_of, is_over
from atlas_desktop.session.lifecycle import Lifecycle
from atlas_desktop.session.run import Run
from atlas_desktop.session.spending import SpendingWatch, Standing, reason

SLEPT_S = 5.0
"""So much more counted by the clock that counts sleep, and the computer was asleep."""

_ASKED = frozenset({Why.ASKED, Why.LEFT_OPEN, Why.UNUSABLE})
"""These say nothing that the user would have to be told as the reason of an end."""


class Keeper:
    """Ends paid sessions at their limits. A rehearsal has none. Thread: the session's loop.

    Args:
        lifecycle: Whose sessions are kept.
        on_limits_change: Told of the limits of the session that runs, when the user changes them.
        clock_s: A monotonic clock that counts sleep.
        awake_s: A monotonic clock that does not, where the platform has one.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        on_limits_change: Callable[[str, SpendingLimits], None],
        clock_s: Callable[[], float] = lasting_s,
        awake_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = SpendingLimits()
        self._lifecycle = lifecycle
        self._on_limits_change = on_limits_change
        self._clock_s = clock_s
        self._active_s = clock_s()
        self._sleep = SleepDetector(SLEPT_S, clock_s, awake_s)
        self._watch: SpendingWatch | None = None

    @property
    def idle_s(self) -> float:
        """How long nobody has spoken, typed, dropped or moved."""
        return max(0.0, self._clock_s() - self._active_s)

    @property
    def standing(self) -> Standing:
        """How the session that runs stands to its limits."""
        run = self._lifecycle.run
        if self._watch is None or run is None or is_over(self._lifecycle.life):
            return Standing()
        standing = self._watch.standing(run.cost.spent_s, self.idle_s)
        if isinstance(self._lifecycle.life, Ending):
            return Standing(allowance=standing.allowance, allowed_usd=standing.allowed_usd)
        return standing

    def begin(self) -> None:
        """A session is asked for: whoever did that is there, and sleep counts from now on."""
        self._watch = None
        self._sleep.look()
        self.touch()

    def grant(self, run: Run) -> None:
        """The service made the session of ``run``."""
        self._watch = SpendingWatch(self.limits, run.terms) if run.terms is not None else None

    def touch(self) -> None:
        """Somebody is there."""
        self._active_s = self._clock_s()

    def allow(self, limits: SpendingLimits) -> None:
        """The user's limits, from now on; the session that runs has them too."""
        self.limits = limits
        if self._watch is not None:
            self._watch.allow(limits)
            self._tell()

    def extend(self) -> None:
        """Gives the session that runs a quarter more of what it will run out of first."""
        run = self._lifecycle.run
        if self._watch is None or run is None or grant_of(self._lifecycle.life) is None:
            return
        if self._watch.extend(run.cost.spent_s):
            self._tell()

    def look(self) -> None:
        """Ends the session if it is time. To be called several times a second while one exists."""
        life, run = self._lifecycle.life, self._lifecycle.run
        if run is None or not run.request.source.billed or is_over(life) or isinstance(life, Ending):
            return
        if self._sleep.look():
            self.sleep()
        elif self._watch is not None:
            over = self._watch.over(run.cost.spent_s, self.idle_s)
            if over is not None:
                self._lifecycle.stop(over)

    def sleep(self) -> None:
        """The computer goes to sleep, or did: a paid session ends now, and none follows it by itself."""
        life, run = self._lifecycle.life, self._lifecycle.run
        if run is None or not run.request.source.billed or is_over(life):
            return
        if not isinstance(life, Ending):
            self._lifecycle.stop(self._reason(Why.SLEEP))
        elif isinstance(life.next, Switch):
            self._lifecycle.end(Stop())

    def stopped(self, session_id: str, why: Why, receipt: EndReceipt) -> None:
        """The guard ended ``session_id`` unasked, or has the confirmation of an end that was asked for."""
        self._lifecycle.take_receipt(session_id, receipt)
        run = self._lifecycle.run
        if run is None or run.session_id != session_id:
            return
        if why in _ASKED:
            if grant_of(self._lifecycle.life) is not None:
                self._lifecycle.end(Stop())
            return
        self._lifecycle.stop(self._reason(why))
        if why is Why.SLEEP:
            self.sleep()

    def told_duration(self, session_id: str, duration_s: float) -> None:
        """The service said how long ``session_id`` has run."""
        run = self._lifecycle.run
        if run is not None and run.session_id == session_id:
            run.cost.reconcile(duration_s)

    def told_day(self, session_id: str, spent_today_usd: float, day_left_s: float) -> None:
        """The guard said what other sessions of the day have cost by now."""
        run = self._lifecycle.run
        if self._watch is not None and run is not None and run.session_id == session_id:
            self._watch.tell_day(spent_today_usd, day_left_s)

    def _reason(self, why: Why) -> StoppedError:
        if why is Why.SERVICE and self._lifecycle.expired:
            return LongestTimeError()
        if self._watch is not None:
            return self._watch.reason(why)
        return reason(why, self.limits, Bound.SERVICE_TIME)

    def _tell(self) -> None:
        grant = grant_of(self._lifecycle.life)
        if grant is not None and self._watch is not None:
            self._on_limits_change(grant.session_id, self._watch.limits)
