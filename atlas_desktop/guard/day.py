"""What the sessions of this day have cost by now: several programs share one limit."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

from atlas_desktop.aio import guarded
from atlas_desktop.api.limits import Terms
from atlas_desktop.api.orders import Frame
from atlas_desktop.guard.held import Held, Name
from atlas_desktop.guard.ledger import Ledger
from atlas_desktop.storage.billing_entry import BillingEntry

PERIOD_S = 5.0
"""So often it is reckoned while another session runs, too."""
_SAME_USD = 0.001
_SAME_S = 1.0


class Day:
    """Keeps the day's figures of what is held up to date, and tells the app. Thread: one event loop.

    Cheap: the journal is read only when somebody wrote to it, and while nothing else runs nothing is
    reckoned.

    Args:
        held: The sessions.
        ledger: The journal.
        tell: Hands events out.
        clock_s: Counts sleep.
        now: The wall clock, UTC.
    """

    def __init__(
        self,
        held: Mapping[Name, Held],
        ledger: Ledger,
        tell: Callable[[Frame], None],
        clock_s: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._held = held
        self._ledger = ledger
        self._tell = tell
        self._clock_s = clock_s
        self._now = now
        self._entries: list[BillingEntry] = []
        self._reckoned_s = clock_s()
        self._grows = False

    def look(self) -> None:
        """To be called about once a second."""
        entries = self._ledger.recent(self._now())
        is_due = self._grows and self._clock_s() - self._reckoned_s >= PERIOD_S
        if entries is self._entries and not is_due:
            return
        self._entries, self._reckoned_s = entries, self._clock_s()
        keys = {held.key for held in self._held.values()}
        self._grows = len(keys) > 1 or any(entry.is_open and entry.key not in keys for entry in entries)
        for held in tuple(self._held.values()):
            # What goes wrong with one must not leave the others with old figures.
            guarded("guard.day")(self._reckon)(held)

    def _reckon(self, held: Held) -> None:
        terms = held.terms_by(self._clock_s(), self._entries)
        if _are_same(terms, held.terms):
            return
        held.terms = terms
        figures = {name: asdict(terms)[name] for name in ("spent_today_usd", "day_left_s")}
        self._tell({"event": "day", "session_id": held.session_id, **figures})


def _are_same(one: Terms, other: Terms) -> bool:
    spent_usd = abs(one.spent_today_usd - other.spent_today_usd)
    return spent_usd < _SAME_USD and abs(one.day_left_s - other.day_left_s) < _SAME_S
