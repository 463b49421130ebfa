"""Sleep and wake as signals, from the system where it tells, and from two clocks everywhere."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from atlas_desktop.clock import SleepDetector, lasting_s

log = logging.getLogger(__name__)

_LOOK_EVERY_MS = 2000
_ASLEEP_S = 5.0
_OPEN_AFTER_MS = 50
"""Loading the system's bus takes 10 ms and more: in these the request for the session leaves first."""

Tell = Callable[[bool], None]
"""Called with True before the computer sleeps, with False after it woke. Thread: the UI's."""


class SystemSleep(Protocol):
    """What a system lets a program do about sleep. Thread: the UI's."""

    def delay(self) -> None:
        """Asks the system to wait for ``release`` before it sleeps; nothing if it does so already."""

    def release(self) -> None:
        """Lets the computer sleep."""

    def close(self) -> None:
        """Lets the computer sleep, and tells nothing any more."""


class SleepWatch(QObject):
    """Watches while ``hold(True)`` holds; before and after it costs nothing. Thread: the UI's.

    Linux: logind tells, and waits for ``ready`` (5 s at most, unless its administrator says otherwise).
    Windows: a window message tells; the system waits about 2 s for the program as a whole.
    macOS: nothing tells in time (NSWorkspace's notices need pyobjc); only the wake is seen.
    The wake is also seen by two clocks, of which one stops in sleep. Windows has no such pair.

    Signals:
        about_to_sleep(): The computer is going to sleep; say ``ready()`` when all has left that must.
        woke(): It slept and is awake again, or changed its mind. Once each time.
    """

    about_to_sleep = Signal()
    woke = Signal()

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        system: "Callable[[Tell], SystemSleep | None] | None" = None,
        lasting: Callable[[], float] = lasting_s,
        waking: Callable[[], float] = time.monotonic,
    ) -> None:
        """Makes it; nothing is watched yet.

        Args:
            parent: Owner.
            system: Opens what this system offers; ``None`` for the platform's own.
            lasting: Seconds, running on in sleep.
            waking: Seconds, standing still in sleep.
        """
        super().__init__(parent)
        self._open_system = system or open_system
        self._sleep = SleepDetector(_ASLEEP_S, lasting, waking)
        self._system: SystemSleep | None = None
        self._is_going = False
        self._timer = QTimer(self)
        # A coarse one wakes the processor together with others.
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.setInterval(_LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._opening = QTimer(self)
        self._opening.setSingleShot(True)
        self._opening.setInterval(_OPEN_AFTER_MS)
        self._opening.timeout.connect(self._open)

    def hold(self, held: bool) -> None:
        """Watches from now on, and soon asks the system to wait before it sleeps; or lets go of all that."""
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
    def ready(self) -> None:
        """Lets the computer sleep; without meaning when it is not about to."""
        if self._is_going and self._system is not None:
            self._system.release()

    @Slot()
    def _open(self) -> None:
        self._system = self._open_system(self._take)

    def _take(self, going: bool) -> None:
        """The system tells; each of its windows may be told."""
        if not going:
            self._wake()
        elif not self._is_going:
            log.info("the computer is about to sleep")
            self._is_going = True
            self.about_to_sleep.emit()

    @Slot()
    def look(self) -> None:
        """Compares the clocks now; while held this is done every two seconds."""
        if self._sleep.look():
            self._is_going = True
            self._wake()

    def _wake(self) -> None:
        # Whoever sees it first, the system or the clocks, tells it; the other finds it told.
        self._sleep.look()
        if not self._is_going:
            return
        log.info("the computer is awake again")
        self._is_going = False
        if self._system is not None:
            self._system.delay()
        self.woke.emit()


def open_system(tell: Tell) -> SystemSleep | None:
    """What this platform offers, opened and asked to wait before it sleeps; ``None`` for nothing."""
    opener = {"linux": _open_logind, "win32": _open_power_messages}.get(sys.platform)
    return None if opener is None else opener(tell)


def _open_logind(tell: Tell) -> SystemSleep:
    from atlas_desktop.sleep_watch.logind import Logind

    return Logind(tell)


def _open_power_messages(tell: Tell) -> SystemSleep:
    from atlas_desktop.sleep_watch.power_messages import PowerMessages

    return PowerMessages(tell)
