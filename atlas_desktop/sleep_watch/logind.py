"""Linux: systemd's logind tells of sleep and waits for those who hold a lock of kind "delay"."""

import logging
import os
import threading
from collections.abc import Callable
from itertools import count

from PySide6.QtCore import SLOT, QObject, Qt, Signal, Slot
from PySide6.QtDBus import (
    QDBusConnection,
    QDBusMessage,
    QDBusPendingCallWatcher,
    QDBusUnixFileDescriptor,
)

from atlas_desktop.aio import guarded

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

    _connected = Signal(object)

    def __init__(self, tell: Callable[[bool], None]) -> None:
        """Connects in a thread, for a bus may be slow, and asks for the lock as soon as it is there."""
        super().__init__()
        self._bus: QDBusConnection | None = None
        self._tell = tell
        self._lock = -1
        self._is_closed = False
        self._asking: QDBusPendingCallWatcher | None = None
        self._connected.connect(self._take_bus, Qt.ConnectionType.QueuedConnection)
        threading.Thread(target=guarded("logind")(self._connect), name="logind", daemon=True).start()

    def _connect(self) -> None:
        """In its thread."""
        # A connection of our own: the shared one remembers for ever that there was no bus.
        address = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or _SYSTEM_BUS
        bus = QDBusConnection.connectToBus(address, f"atlas-desktop-sleep-{next(_numbers)}")
        prepare = SLOT("_prepare(bool)")
        # PySide's stub asks for bytes, PySide itself refuses them.
        if not bus.connect(_SERVICE, _PATH, _INTERFACE, "PrepareForSleep", self, prepare):  # type: ignore[call-overload]
            log.info("sleep is not told: %s", bus.lastError().message())
        self._connected.emit(bus)

    @Slot(object)
    def _take_bus(self, bus: QDBusConnection) -> None:
        if self._is_closed or not bus.isConnected():
            QDBusConnection.disconnectFromBus(bus.name())
            return
        self._bus = bus
        self.delay()

    def delay(self) -> None:
        """Asks for the lock, unless it is held or asked for; it comes a moment later."""
        if self._bus is None or self._lock >= 0 or self._asking is not None:
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
        self._is_closed = True
        if self._bus is not None:
            QDBusConnection.disconnectFromBus(self._bus.name())
            self._bus = None

    @Slot(bool)
    def _prepare(self, going: bool) -> None:
        if not self._is_closed:
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
