"""Keeps paid sessions from running on: joins the session to its guard and to the computer's sleep."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from atlas_desktop.aio import ErrorHandler
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.guard_client import GuardClient
from atlas_desktop.session.life import Ending
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.storage.profile import Profile

if TYPE_CHECKING:
    from atlas_desktop.sleep_watch import SleepWatch


class Safekeeping(QObject):
    """Tells the guard who is there, and ends a paid session before the computer sleeps. Thread: the main one.

    Attributes:
        guard: Makes and ends paid sessions; to be started after the first paint.
    """

    def __init__(
        self, session: AtlasSession, profile: Profile, on_error: ErrorHandler, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.guard = GuardClient(profile.folder, on_error=on_error)
        self._session = session
        self._sleep: SleepWatch | None = None
        self._running: str | None = None
        session.on_change(self._follow)

    async def aclose(self) -> None:
        """Lets go: what is open the guard ends by itself."""
        if self._sleep is not None:
            self._sleep.hold(False)
        await self.guard.aclose()

    def _follow(self, snapshot: SessionSnapshot) -> None:
        self.guard.set_idle(self._session.idle_s)
        self._note_reason(snapshot)
        is_paid = snapshot.billed and not snapshot.is_over
        if is_paid or self._sleep is not None:
            # Letting go also lets the computer sleep that waited for the end.
            self._sleep_watch().hold(is_paid)

    def _note_reason(self, snapshot: SessionSnapshot) -> None:
        if snapshot.grant is not None:
            self._running = snapshot.grant.session_id if snapshot.billed else None
        elif isinstance(snapshot.life, Ending) and self._running is not None:
            self.guard.note_reason(self._running, self._session.why)
            self._running = None

    def _sleep_watch(self) -> "SleepWatch":
        if self._sleep is None:
            # Loads the system bus: not before somebody pays.
            from atlas_desktop.sleep_watch import SleepWatch

            self._sleep = SleepWatch(self)
            self._sleep.about_to_sleep.connect(self._end_for_sleep)
            self._sleep.woke.connect(self._end_for_sleep)
        return self._sleep

    @Slot()
    def _end_for_sleep(self) -> None:
        self._session.sleep()
