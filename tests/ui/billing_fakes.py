"""A guard without a process: writes down what it is told, and tells what a test wants."""

from collections.abc import Callable

from atlas_desktop.api.access import Access
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import SessionSource
from atlas_desktop.session.guard_events import GuardEvent
from tests.unit.session.fakes import FakeSource


class FakeGuard:
    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.tell: Callable[[GuardEvent], None] = print
        self.source: SessionSource = FakeSource()

    def open(self, access: Access) -> SessionSource:
        self.told.append(("open", access.kind, access.secret, access.address))
        return self.source

    def set_limits(self, limits: SpendingLimits) -> None:
        self.told.append(("limits", limits))

    def set_session_limits(self, session_id: str, limits: SpendingLimits) -> None:
        self.told.append(("session limits", session_id, limits))

    def look_for_leftovers(self) -> None:
        self.told.append(("look",))

    def dismiss(self, entry_key: str) -> None:
        self.told.append(("dismiss", entry_key))

    def allow_unguarded(self) -> None:
        self.told.append(("unguarded",))

    def allow_unrecorded(self) -> None:
        self.told.append(("unrecorded",))

    def on_event(self, callback: Callable[[GuardEvent], None]) -> Callable[[], None]:
        self.tell = callback
        return lambda: None
