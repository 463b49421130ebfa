"""A logind on a bus of its own: gives locks, tells of sleep, and knows which locks are still held."""

import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

from jeepney import DBusAddress, HeaderFields, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from tests.desk.bus import session_bus

_MANAGER = DBusAddress("/org/freedesktop/login1", interface="org.freedesktop.login1.Manager")


class FakeLogind:
    """Serves one connection in a thread.

    Attributes:
        address: Of its bus.
        asked: The words of each ``Inhibit``, in order.
        refuses: Whether a lock is refused, as it is to a user who may not.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[tuple[str, ...]] = []
        self.refuses = False
        self._given: list[int] = []
        self._told: SimpleQueue[bool] = SimpleQueue()
        self._over = threading.Event()
        self._bus: DBusConnection = open_dbus_connection(address, enable_fds=True)
        self._bus.send_and_get_reply(message_bus.RequestName("org.freedesktop.login1"))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def held(self) -> list[bool]:
        """For each lock that was given, in order, whether anybody still has it."""
        return [not _is_hung_up(end) for end in self._given]

    def prepare_for_sleep(self, going: bool) -> None:
        """Tells everybody that the computer goes to sleep, or that it woke."""
        self._told.put(going)

    def close(self) -> None:
        self._over.set()
        self._thread.join(5)
        self._bus.close()
        for end in self._given:
            os.close(end)

    def _serve(self) -> None:
        while not self._over.is_set():
            with suppress(Empty):
                self._bus.send(new_signal(_MANAGER, "PrepareForSleep", "b", (self._told.get_nowait(),)))
            try:
                message = self._bus.receive(timeout=0.02)
            except TimeoutError:
                continue
            if message.header.fields.get(HeaderFields.member) == "Inhibit":
                self._answer(message)

    def _answer(self, message: object) -> None:
        self.asked.append(tuple(message.body))  # type: ignore[attr-defined]
        if self.refuses:
            self._bus.send(new_error(message, "org.freedesktop.DBus.Error.AccessDenied", "s", ("no",)))
            return
        ours, theirs = os.pipe()
        self._given.append(ours)
        self._bus.send(new_method_return(message, "h", (theirs,)))
        os.close(theirs)


def _is_hung_up(end: int) -> bool:
    poll = select.poll()
    poll.register(end, select.POLLIN)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


@contextmanager
def private_bus() -> Iterator[str]:
    """A bus without anybody on it; gives its address."""
    with session_bus(os.environ) as env:
        yield env["DBUS_SESSION_BUS_ADDRESS"]
