"""Connects a session with its guard and with the computer's sleep, so that no paid session runs on."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from atlas_desktop.aio import ErrorHandler
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.guard_client import GuardClient
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Ending
from atlas_desktop.storage.profile import Profile

if TYPE_CHECKING:
    from atlas_desktop.sleep_watch import SleepMonitor


class Safekeeping(QObject):
    """Reports the user's activity to the guard, and ends a paid session before sleep. Thread: the main one.

    Attributes:
        guard: Creates and ends paid sessions; to be started after the first paint.
    """

    def __init__(
        self, session: AtlasSession, profile: Profile, on_error: ErrorHandler, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.guard = GuardClient(profile.folder, on_error=on_error)
        self._session = session
        self._sleep: SleepMonitor | None = None
        self._running: str | None = None
        session.on_change(self._follow)

    async def aclose(self) -> None:
        """Release the guard, which ends open sessions by itself."""
        if self._sleep is not None:
            self._sleep.hold(False)
        await self.guard.aclose()

    def _follow(self, snapshot: SessionSnapshot) -> None:
        self.guard.set_idle(self._session.limits.idle_s)
        self._note_reason(snapshot)
        is_paid = snapshot.billed and not snapshot.is_over
        if is_paid or self._sleep is not None:
            # hold(False) also releases a sleep that waited for the session's end.
            self._sleep_watch().hold(is_paid)

    def _note_reason(self, snapshot: SessionSnapshot) -> None:
        if snapshot.grant is not None:
            self._running = snapshot.grant.session_id if snapshot.billed else None
        elif isinstance(snapshot.state, Ending) and self._running is not None:
            self.guard.note_reason(self._running, snapshot.end_reason)
            self._running = None

    def _sleep_watch(self) -> "SleepMonitor":
        if self._sleep is None:
            # Imported here: it loads QtDBus, which is only needed for paid sessions.
            from atlas_desktop.sleep_watch import SleepMonitor

            self._sleep = SleepMonitor(self)
            self._sleep.about_to_sleep.connect(self._end_for_sleep)
            self._sleep.woke.connect(self._end_for_sleep)
        return self._sleep

    @Slot()
    def _end_for_sleep(self) -> None:
        self._session.limits.sleep()
