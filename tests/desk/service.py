"""A made-up service on a bus of its own, served in a thread."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jeepney import HeaderFields
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from tests.desk.bus import session_bus


class Service:
    """Serves one name on one bus. What it answers is its subclass's matter.

    Attributes:
        address: Of its bus.
    """

    def __init__(self, address: str, name: str) -> None:
        self.address = address
        self._over = threading.Event()
        self._bus: DBusConnection = open_dbus_connection(address, enable_fds=True)
        self._bus.send_and_get_reply(message_bus.RequestName(name))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join(5)
        self._bus.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            self._tell()
            try:
                message = self._bus.receive(timeout=0.02)
            except TimeoutError:
                continue
            method = message.header.fields.get(HeaderFields.member)
            if method is not None:
                self._answer(method, message)

    def _tell(self) -> None:
        """Says of itself what is to be said."""

    def _answer(self, method: str, message: Any) -> None:
        raise NotImplementedError


@contextmanager
def private_bus() -> Iterator[str]:
    """A bus without anybody on it; gives its address."""
    with session_bus(os.environ) as env:
        yield env["DBUS_SESSION_BUS_ADDRESS"]
