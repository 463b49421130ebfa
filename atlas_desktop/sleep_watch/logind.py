"""Linux: systemd's logind tells of sleep and waits for those who hold a lock of kind "delay"."""

import logging
import os
from collections.abc import Callable
from itertools import count

from PySide6.QtCore import SLOT, QObject, Slot
from PySide6.QtDBus import (
    QDBusConnection,
    QDBusMessage,
    QDBusPendingCallWatcher,
    QDBusUnixFileDescriptor,
)

log = logging.getLogger(__name__)

_SERVICE, _PATH, _INTERFACE = (
    "org.freedesktop.login1",
    "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager",
)
# The D-Bus specification's own, for where the environment names no other.
_SYSTEM_BUS = "unix:path=/var/run/dbus/system_bus_socket"
_WORDS = ("sleep", "Atlas Desktop", "ends the paid session first", "delay")
_numbers = count()


class Logind(QObject):
    """A connection to the system bus of its own, with at most one lock. Thread: the UI's.

    Source: systemd, "Inhibitor Locks" and org.freedesktop.login1(5).
    """

    def __init__(self, bus: QDBusConnection, tell: Callable[[bool], None]) -> None:
        super().__init__()
        self._bus = bus
        self._tell = tell
        self._lock = -1
        self._asking: QDBusPendingCallWatcher | None = None
        prepare = SLOT("_prepare(bool)")
        # PySide's stub asks for bytes, PySide itself refuses them.
        if not bus.connect(_SERVICE, _PATH, _INTERFACE, "PrepareForSleep", self, prepare):  # type: ignore[call-overload]
            log.info("sleep is not told: %s", bus.lastError().message())
        self.delay()

    @classmethod
    def open(cls, tell: Callable[[bool], None]) -> "Logind | None":
        """Connects and asks for the lock; ``None`` where there is no system bus."""
        # A connection of our own: the shared one remembers for ever that there was no bus.
        address = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or _SYSTEM_BUS
        bus = QDBusConnection.connectToBus(address, f"atlas-desktop-sleep-{next(_numbers)}")
        if bus.isConnected():
            return cls(bus, tell)
        log.info("sleep is not told, there is no system bus: %s", bus.lastError().message())
        QDBusConnection.disconnectFromBus(bus.name())
        return None

    def delay(self) -> None:
        """Asks for the lock, unless it is held or asked for; it comes a moment later."""
        if self._lock >= 0 or self._asking is not None:
            return
        call = QDBusMessage.createMethodCall(_SERVICE, _PATH, _INTERFACE, "Inhibit")
        call.setArguments(list(_WORDS))
        self._asking = QDBusPendingCallWatcher(self._bus.asyncCall(call), self)
        self._asking.finished.connect(self._take_lock)

    def release(self) -> None:
        """Gives the lock back; one that is still asked for is not taken."""
        self._forget_asking()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def close(self) -> None:
        """Gives the lock back and leaves the bus."""
        self.release()
        QDBusConnection.disconnectFromBus(self._bus.name())
        self.deleteLater()

    @Slot(bool)
    def _prepare(self, going: bool) -> None:
        self._tell(going)

    @Slot()
    def _take_lock(self) -> None:
        if self._asking is None:
            return
        answer = self._asking.reply()
        self._forget_asking()
        words = answer.arguments()
        if words and isinstance(words[0], QDBusUnixFileDescriptor):
            # Ours alone from here on: Qt's own copies may live until the collector comes.
            self._lock = words[0].takeFileDescriptor()
        else:
            log.info("the computer does not wait for us before it sleeps: %s", answer.errorMessage())

    def _forget_asking(self) -> None:
        if self._asking is not None:
            self._asking.finished.disconnect(self._take_lock)
            self._asking.deleteLater()
            self._asking = None
