"""Linux: systemd's logind notifies of sleep and waits for holders of a "delay" inhibitor lock."""

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
    """A private connection to the system bus, with at most one inhibitor lock. Thread: the UI's.

    Source: systemd, "Inhibitor Locks" and org.freedesktop.login1(5).
    """

    _connected = Signal(object)

    def __init__(self, notify: Callable[[bool], None]) -> None:
        """Connect in a thread, as a bus may be slow, and request the lock once connected."""
        super().__init__()
        self._bus: QDBusConnection | None = None
        self._notify = notify
        self._lock = -1
        self._is_closed = False
        self._request: QDBusPendingCallWatcher | None = None
        self._connected.connect(self._take_bus, Qt.ConnectionType.QueuedConnection)
        threading.Thread(target=guarded("logind")(self._connect), name="logind", daemon=True).start()

    def _connect(self) -> None:
        """In its thread."""
        # A private connection: Qt's shared one caches for ever that there was no bus.
        address = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or _SYSTEM_BUS
        bus = QDBusConnection.connectToBus(address, f"atlas-desktop-sleep-{next(_numbers)}")
        prepare = SLOT("_prepare(bool)")
        # PySide's stub declares bytes, PySide itself refuses them.
        if not bus.connect(_SERVICE, _PATH, _INTERFACE, "PrepareForSleep", self, prepare):  # type: ignore[call-overload]
            log.info("no notification of sleep: %s", bus.lastError().message())
        self._connected.emit(bus)

    @Slot(object)
    def _take_bus(self, bus: QDBusConnection) -> None:
        if self._is_closed or not bus.isConnected():
            QDBusConnection.disconnectFromBus(bus.name())
            return
        self._bus = bus
        self._request_lock()

    def _request_lock(self) -> None:
        """Request the lock, unless it is held or requested; it is granted asynchronously."""
        if self._bus is None or self._lock >= 0 or self._request is not None:
            return
        call = QDBusMessage.createMethodCall(_SERVICE, _PATH, _INTERFACE, "Inhibit")
        call.setArguments(list(_WORDS))
        self._request = QDBusPendingCallWatcher(self._bus.asyncCall(call), self)
        self._request.finished.connect(self._take_lock)

    def close(self) -> None:
        """Release the lock, so that the computer sleeps without waiting, and disconnect from the bus."""
        self._is_closed = True
        self._forget_request()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        if self._bus is not None:
            QDBusConnection.disconnectFromBus(self._bus.name())
            self._bus = None

    @Slot(bool)
    def _prepare(self, going: bool) -> None:
        if self._is_closed:
            return
        if not going:
            # It is refused while a sleep is being prepared.
            self._request_lock()
        self._notify(going)

    @Slot()
    def _take_lock(self) -> None:
        if self._request is None:
            return
        answer = self._request.reply()
        self._forget_request()
        words = answer.arguments()
        if words and isinstance(words[0], QDBusUnixFileDescriptor):
            # Owned by us from here on: Qt's own copies may live until garbage is collected.
            self._lock = words[0].takeFileDescriptor()
        else:
            log.info("the computer will not wait for us before it sleeps: %s", answer.errorMessage())

    def _forget_request(self) -> None:
        if self._request is not None:
            self._request.finished.disconnect(self._take_lock)
            self._request.deleteLater()
            self._request = None
