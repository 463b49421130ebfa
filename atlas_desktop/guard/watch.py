"""The guard's watch over what it holds: signs of life, limits, an empty chair, a sleeping computer."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from atlas_desktop.aio import TaskScope, guarded
from atlas_desktop.api.limits import LAST_S
from atlas_desktop.api.orders import Why
from atlas_desktop.clock import lasting_s
from atlas_desktop.guard.held import Held, Name

log = logging.getLogger(__name__)

TICK_S = 1.0
AFTER_APP_S = 2.0
"""The app ends a session in sight; where it does not, the guard does, so much later."""
AFTER_ANSWER_S = 3.0
"""The same where the app asks first whether anybody is there."""
STATUS_PERIOD_S = 60.0
NAP_S = 2.0
"""So far the clock that counts sleep runs ahead of the one that does not, by a nap alone."""
LONG_GAP_S = 30.0
"""The same where both clocks count sleep (Windows): so late is no tick of a computer that is awake."""
LATE_TICK_S = 1.0

Clock = Callable[[], float]


class Watch:
    """Looks at the sessions once a second while there are any. Thread: one event loop.

    Args:
        held: The sessions, by name: those that are being ended included.
        end: Called with each session that is to be ended, perhaps again and again.
        on_minute: Called with each session once a minute.
        clock_s: Counts sleep.
        steady_s: Does not, where the platform has such a clock.
    """

    def __init__(
        self,
        held: Mapping[Name, Held],
        end: Callable[[Held, Why], None],
        on_minute: Callable[[Held], None],
        clock_s: Clock = lasting_s,
        steady_s: Clock = time.monotonic,
    ) -> None:
        self._held = held
        self._end = end
        self._on_minute = on_minute
        self._clock_s = clock_s
        self._steady_s = steady_s
        self._scope = TaskScope("guard.watch")
        self._ticking = False
        self._beat_s = clock_s()
        self._idle_s = 0.0
        self._looked_s = clock_s()
        self._looked_steady_s = steady_s()

    def beat(self, idle_s: float) -> None:
        """The app lives; nobody has done anything for ``idle_s``."""
        self._beat_s = self._clock_s()
        self._idle_s = idle_s

    def wake(self) -> None:
        """Looks from now on, as long as anything is held."""
        if self.is_asleep:
            self._mark()
            self._scope.start(self._run(), "tick")
            self._ticking = True

    @property
    def is_asleep(self) -> bool:
        """Whether nothing is looked at."""
        # Not the scope's word: it hears that a task has ended only a moment later.
        return not self._ticking

    async def aclose(self) -> None:
        await self._scope.aclose()

    def look(self) -> None:
        """Ends what is to be ended."""
        late_s, asleep_s = self._gaps()
        self._mark()
        if asleep_s >= NAP_S or late_s >= LONG_GAP_S:
            log.info("the computer slept for about %.0f s", max(asleep_s, late_s))
            self._end_all(Why.SLEEP)
        for held in tuple(self._held.values()):
            # What goes wrong with one must not keep the others from their limits.
            guarded("guard.watch")(self._look_at)(held, held_up=late_s > LATE_TICK_S)

    def _look_at(self, held: Held, *, held_up: bool) -> None:
        why = self._reason(held, held_up=held_up)
        if why is not None:
            self._end(held, why)
        elif self._clock_s() - held.asked_status_s >= STATUS_PERIOD_S:
            held.asked_status_s = self._clock_s()
            self._on_minute(held)

    async def _run(self) -> None:
        try:
            while self._held:
                await asyncio.sleep(TICK_S)
                # One look that fails, by a bug of ours, must not be the last.
                guarded("guard.watch")(self.look)()
        finally:
            self._ticking = False

    def _reason(self, held: Held, *, held_up: bool) -> Why | None:
        now_s = self._clock_s()
        if held.allowance.left_s(now_s - held.granted_s) <= -AFTER_APP_S:
            return Why.LIMIT
        # A guard that was itself held up finds the app's beats in its pipe only after this look.
        if not held_up and now_s - max(self._beat_s, held.since_s) >= held.limits.hang_s:
            return Why.HANG
        if self._idle_s >= held.limits.idle_s + LAST_S + AFTER_ANSWER_S:
            return Why.IDLE
        return None

    def _end_all(self, why: Why) -> None:
        for held in tuple(self._held.values()):
            guarded("guard.watch")(self._end)(held, why)

    def _gaps(self) -> tuple[float, float]:
        passed_s = self._clock_s() - self._looked_s
        awake_s = self._steady_s() - self._looked_steady_s
        return passed_s - TICK_S, passed_s - awake_s

    def _mark(self) -> None:
        self._looked_s, self._looked_steady_s = self._clock_s(), self._steady_s()
