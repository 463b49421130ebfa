"""A RealtimeKit, as desktops have it: gives priority to the threads of programs that may not take it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from jeepney import new_error, new_method_return

from tests.desk.service import Service, private_bus

_NAME = "org.freedesktop.RealtimeKit1"


class Kit(Service):
    """Serves one connection.

    Attributes:
        asked: Each call's method, the thread's name, the number asked for, and the limit of its process.
        refuses: Whether it gives nothing, as to a user who is not at the computer.
    """

    def __init__(self, address: str) -> None:
        self.asked: list[tuple[str, str, int, str]] = []
        self.refuses = False
        super().__init__(address, _NAME)

    def _answer(self, method: str, message: Any) -> None:
        if not method.startswith("MakeThread"):
            return
        thread, number = message.body
        of_process = Path(f"/proc/{thread}")
        limits = (of_process / "limits").read_text().splitlines()
        limit = next(line.split()[3] for line in limits if line.startswith("Max realtime timeout"))
        self.asked.append((method, (of_process / "comm").read_text().strip(), number, limit))
        try:
            self._give(method, thread, number)
        except PermissionError:
            self._bus.send(new_error(message, "org.freedesktop.DBus.Error.AccessDenied", "s", ("no",)))
        else:
            self._bus.send(new_method_return(message, "", ()))

    def _give(self, method: str, thread: int, number: int) -> None:
        if self.refuses:
            raise PermissionError
        if method == "MakeThreadRealtime":
            policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
            os.sched_setscheduler(thread, policy, os.sched_param(number))
        else:
            os.setpriority(os.PRIO_PROCESS, thread, number)


@contextmanager
def realtime_kit(env: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Runs one on a system bus of its own; gives ``env`` with that bus. We must have what it gives."""
    with private_bus() as address, closing(Kit(address)):
        yield {**env, "DBUS_SYSTEM_BUS_ADDRESS": address}
