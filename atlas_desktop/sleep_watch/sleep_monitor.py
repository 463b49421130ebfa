"""Sleep and wake-up as signals: from the system where it notifies, and from two clocks everywhere."""

import logging
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from atlas_desktop.clock import SleepDetector, boottime_s

if TYPE_CHECKING:
    from atlas_desktop.sleep_watch.logind import Logind
    from atlas_desktop.sleep_watch.power_messages import PowerMessages

log = logging.getLogger(__name__)

_COMPARE_EVERY_MS = 2000
_ASLEEP_S = 5.0
_OPEN_AFTER_MS = 50
"""Loading QtDBus takes 10 ms and more: the request for the session is sent first."""

SleepCallback = Callable[[bool], None]
"""Called with True before the computer sleeps, with False after it woke up. Thread: the UI's."""
SystemSleep: TypeAlias = "Logind | PowerMessages"
"""A system's notification of sleep; the computer sleeps without waiting once it is closed."""


class SleepMonitor(QObject):
    """Active after ``hold(True)``, idle after ``hold(False)``. Thread: the UI's.

    Linux: logind notifies, and waits for ``hold(False)`` (5 s at most, unless its administrator says
    otherwise).
    Windows: a window message; the system waits about 2 s for the program as a whole.
    macOS: no notification in time (NSWorkspace's need pyobjc); only the wake-up is noticed.
    The wake-up is also noticed by comparing two clocks, of which one stops in sleep. Windows has no such
    pair.

    Signals:
        about_to_sleep(): The computer is going to sleep; it waits for ``hold(False)``.
        woke(): It slept and is awake again, or sleep was cancelled. Once each time.
    """

    about_to_sleep = Signal()
    woke = Signal()

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        system: "Callable[[SleepCallback], SystemSleep | None] | None" = None,
        lasting: Callable[[], float] = boottime_s,
        waking: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create it, idle.

        Args:
            parent: Owner.
            system: Opens the system's notification; ``None`` for the platform's own.
            lasting: Seconds of a clock that runs on in sleep.
            waking: Seconds of a clock that stops in sleep.
        """
        super().__init__(parent)
        self._open_system = system or open_system
        self._sleep = SleepDetector(_ASLEEP_S, lasting, waking)
        self._system: SystemSleep | None = None
        self._is_going = False
        self._timer = QTimer(self)
        # A coarse one wakes the processor together with others.
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.setInterval(_COMPARE_EVERY_MS)
        self._timer.timeout.connect(self.compare_clocks)
        self._opening = QTimer(self)
        self._opening.setSingleShot(True)
        self._opening.setInterval(_OPEN_AFTER_MS)
        self._opening.timeout.connect(self._open)

    def hold(self, held: bool) -> None:
        """Become active, and soon ask the system to wait before it sleeps; or become idle."""
        if held == self._timer.isActive():
            return
        if held:
            self._is_going = False
            self._sleep.look()
            self._timer.start()
            self._opening.start()
            return
        self._timer.stop()
        self._opening.stop()
        if self._system is not None:
            self._system.close()
            self._system = None

    @Slot()
    def _open(self) -> None:
        self._system = self._open_system(self._handle)

    def _handle(self, going: bool) -> None:
        """Handle a notification of the system; on Windows each window receives one."""
        if not going:
            self._wake()
        elif not self._is_going:
            log.info("the computer is about to sleep")
            self._is_going = True
            self.about_to_sleep.emit()

    @Slot()
    def compare_clocks(self) -> None:
        """Notice a wake-up by the clocks; called every two seconds while active."""
        if self._sleep.look():
            self._is_going = True
            self._wake()

    def _wake(self) -> None:
        # Noticed twice, by the system and by the clocks, it is emitted once.
        self._sleep.look()
        if not self._is_going:
            return
        log.info("the computer is awake again")
        self._is_going = False
        self.woke.emit()


def open_system(notify: SleepCallback) -> "SystemSleep | None":
    """Open this platform's notification, asked to wait before sleep; return ``None`` where there is none."""
    opener = {"linux": _open_logind, "win32": _open_power_messages}.get(sys.platform)
    return None if opener is None else opener(notify)


def _open_logind(notify: SleepCallback) -> "SystemSleep":
    from atlas_desktop.sleep_watch.logind import Logind

    return Logind(notify)


def _open_power_messages(notify: SleepCallback) -> "SystemSleep":
    from atlas_desktop.sleep_watch.power_messages import PowerMessages

    return PowerMessages(notify)
