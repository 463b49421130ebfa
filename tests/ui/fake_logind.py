"""A logind: gives locks, tells of sleep, and knows which locks are still held."""

import os
import select
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from jeepney import DBusAddress, new_error, new_method_return, new_signal

from tests.desk.service import Service

_MANAGER = DBusAddress("/org/freedesktop/login1", interface="org.freedesktop.login1.Manager")


class FakeLogind(Service):
    """Serves one connection.

    Attributes:
        asked: The words of each ``Inhibit``, in order.
        refuses: Whether a lock is refused, as it is to a user who may not.
    """

    def __init__(self, address: str) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.refuses = False
        self._given: list[int] = []
        self._told: SimpleQueue[bool] = SimpleQueue()
        super().__init__(address, "org.freedesktop.login1")

    @property
    def held(self) -> list[bool]:
        """For each lock that was given, in order, whether anybody still has it."""
        return [not _is_hung_up(end) for end in self._given]

    def prepare_for_sleep(self, going: bool) -> None:
        """Tells everybody that the computer goes to sleep, or that it woke."""
        self._told.put(going)

    def close(self) -> None:
        super().close()
        for end in self._given:
            os.close(end)

    def _tell(self) -> None:
        with suppress(Empty):
            self._bus.send(new_signal(_MANAGER, "PrepareForSleep", "b", (self._told.get_nowait(),)))

    def _answer(self, method: str, message: Any) -> None:
        if method != "Inhibit":
            return
        self.asked.append(tuple(message.body))
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
