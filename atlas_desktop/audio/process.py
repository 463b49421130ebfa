"""The sound process: ``atlas-desktop sound``. It is not for users, and may die at any moment.

The first line printed is ``{"port": …}``, where it waits for word of the avatar's sound. Orders come on the
standard input, one JSON object a line; its end is ours. What there is to say goes out in the same way.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator

from PySide6.QtCore import QCoreApplication

from atlas_desktop import logs
from atlas_desktop.aio import guarded
from atlas_desktop.api.orders import frame_of
from atlas_desktop.audio.backend import do_without_films
from atlas_desktop.audio.server import ask_for_low_latency
from atlas_desktop.audio.server_link import is_server_there, server_connections, wait_for_break
from atlas_desktop.audio.service import SoundService, say
from atlas_desktop.heap import limit_arenas
from atlas_desktop.sound_client.memory import PROCESS, SoundMemory

log = logging.getLogger(__name__)

_STDIN = 0
_READ_BYTES = 4096
_LOOK_EVERY_S = 0.25
_WAIT_S = 0.1
_DONE, _SERVER_LOST, _SERVER_RETURNED = 0, 3, 4


def main(memory_name: str, *, waits: bool) -> int:
    """Does what the window orders until it has gone; never returns.

    Args:
        memory_name: Leads to the memory that both see.
        waits: The sound server has gone: nothing is asked of Qt until it is back.
    """
    _leave_no_core()
    limit_arenas()
    ask_for_low_latency()
    logs.set_up()
    memory = SoundMemory.open(memory_name)
    memory.sign(PROCESS)
    application = QCoreApplication(sys.argv[:1])
    # So the computer's own volume control calls it.
    application.setApplicationName("Atlas Desktop")
    service = SoundService(memory)
    say({"port": service.port})
    threading.Thread(target=_take_orders, args=(service,), name="orders", daemon=True).start()
    link = _Link(memory)
    link.start()
    if waits:
        _wait_for_server()
    do_without_films()
    link.connections = server_connections()
    service.start()
    _say_server(bool(link.connections) or sys.platform != "linux")
    application.exec()
    return _end(_DONE, "the event loop has ended")


class _Link(threading.Thread):
    """Shows that the process lives, and ends it when the sound server goes, or comes.

    Attributes:
        connections: Those with the server; ``None`` while Qt looks for one.
    """

    def __init__(self, memory: SoundMemory) -> None:
        super().__init__(name="link", daemon=True)
        self.connections: dict[int, int] | None = None
        self._memory = memory

    def run(self) -> None:
        guarded("the sound server's link")(self._watch)()

    def _watch(self) -> None:
        while True:
            self._memory.sign(PROCESS)
            connections = self.connections
            if connections:
                if wait_for_break(connections, _LOOK_EVERY_S):
                    _end(_SERVER_LOST, "the sound server has gone")
                continue
            if connections is not None and is_server_there():
                _end(_SERVER_RETURNED, "there is a sound server now")
            time.sleep(_LOOK_EVERY_S)


def _wait_for_server() -> None:
    if not is_server_there():
        _say_server(False)
        while not is_server_there():
            time.sleep(_WAIT_S)


def _say_server(is_there: bool) -> None:
    """Says whether there is a sound server, and whether we would see that it is back."""
    say({"says": "server", "is_there": is_there, "is_known": is_server_there()})


def _take_orders(service: SoundService) -> None:
    take = guarded("an order to the sound process")(service.handle)
    for line in _lines():
        take(frame_of(line))
    _end(_DONE, "the window has gone")


def _lines() -> Iterator[bytes]:
    left = b""
    while data := os.read(_STDIN, _READ_BYTES):
        *lines, left = (left + data).split(b"\n")
        yield from lines


def _leave_no_core() -> None:
    """An abort is foreseen: nobody is to be told of it, nor is a picture of the memory to be written."""
    if sys.platform != "win32":
        import resource

        # 1, not 0: a handler that the system pipes to would be started all the same (Linux, core(5)).
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (1 if most != 0 else 0, most))


def _end(status: int, why: str) -> int:
    """Ends the process here and now: Qt's own farewell would wait for a server that is not there."""
    log.info("ending: %s", why)
    os._exit(status)
