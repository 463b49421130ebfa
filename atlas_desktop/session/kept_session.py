"""The part of a session that its limits keep: what the user, the guard and the clock have to say to it."""

from abc import abstractmethod

from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.orders import Why
from atlas_desktop.api.source import EndReceipt
from atlas_desktop.errors import StoppedError
from atlas_desktop.session.keeper import Keeper
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.told import Told


class KeptSession(Told):
    """Hands on to the ``Keeper`` and shows what came of it. Thread: one event loop."""

    _keeper: Keeper
    _shown: SessionSnapshot

    @property
    def idle_s(self) -> float:
        """How long nobody has spoken, typed, dropped or moved."""
        return self._keeper.idle_s

    @property
    def why(self) -> Why:
        """Why the session is ending, or was ended: for whoever writes that down."""
        reason = self.snapshot.error or self.snapshot.stopped
        return Why(reason.params["why"]) if isinstance(reason, StoppedError) else Why.ASKED

    @property
    @abstractmethod
    def snapshot(self) -> SessionSnapshot:
        """All that is shown of the session, now."""

    def set_spending_limits(self, limits: SpendingLimits) -> None:
        """Sets what the user allows; a session that runs has it from now on, and keeps its extensions."""
        self._keeper.allow(limits)
        self._refresh()

    def extend(self) -> None:
        """Gives the session that runs a quarter more of the limit that comes first."""
        self._keeper.extend()
        self._refresh()

    def touch(self) -> None:
        """The user moved, typed or dropped something. Costs next to nothing."""
        self._keeper.touch()
        if self._shown.idle_left_s is not None:
            self._refresh()

    def sleep(self) -> None:
        """The computer is about to sleep: a paid session is ended at once."""
        self._keeper.sleep()

    def stopped(self, session_id: str, why: Why, receipt: EndReceipt) -> None:
        """The guard ended ``session_id`` unasked: here it ends, too, as ``Ended`` with a reason."""
        self._keeper.stopped(session_id, why, receipt)

    def told_duration(self, session_id: str, duration_s: float) -> None:
        """The service said how long ``session_id`` has run: the meter follows."""
        self._keeper.told_duration(session_id, duration_s)
        self._refresh()

    def told_day(self, session_id: str, spent_today_usd: float, day_left_s: float) -> None:
        """What other sessions of the day have cost by now, and how long it lasts, from the grant."""
        self._keeper.told_day(session_id, spent_today_usd, day_left_s)
        self._refresh()

    @abstractmethod
    def _refresh(self) -> None:
        """Tells of the snapshot, when it looks different from the one told before."""
