"""The sound process: ``atlas-desktop sound``. Started by the window; it may crash at any moment.

The first line printed is ``{"port": …}``, the port that wakes it for the avatar's sound. Orders arrive on the
standard input, one JSON object a line, and end-of-file ends the process. Events are printed in the same form.
"""

import logging
import os
import sys
import threading
import time

from PySide6.QtCore import QCoreApplication
from PySide6.QtMultimedia import QMediaDevices

from atlas_desktop import logs
from atlas_desktop.aio import guarded
from atlas_desktop.api.guard_protocol import decode_message
from atlas_desktop.audio.server_buffer import ask_for_low_latency
from atlas_desktop.audio.server_link import is_server_there, server_connections, wait_for_break
from atlas_desktop.audio.sound_service import SoundService, send_event
from atlas_desktop.descriptors import read_lines
from atlas_desktop.heap import limit_arenas
from atlas_desktop.sound_client.memory import PROCESS, SoundMemory

log = logging.getLogger(__name__)

_STDIN = 0
_LOOK_EVERY_S = 0.25
_WAIT_S = 0.1
_DONE, _SERVER_LOST, _SERVER_RETURNED = 0, 3, 4


def main(memory_name: str, *, waits: bool) -> int:
    """Carry out the window's orders until end-of-file; never returns.

    Args:
        memory_name: Name of the shared memory.
        waits: Wait for the sound server, which has gone, before using Qt's devices.
    """
    _disable_core_dumps()
    limit_arenas()
    ask_for_low_latency()
    logs.set_up()
    memory = SoundMemory.open(memory_name)
    memory.beat(PROCESS)
    application = QCoreApplication(sys.argv[:1])
    # Shown in the system's volume control.
    application.setApplicationName("Atlas Desktop")
    service = SoundService(memory)
    send_event({"port": service.port})
    threading.Thread(target=_take_orders, args=(service,), name="orders", daemon=True).start()
    monitor = _ServerMonitor(memory)
    monitor.start()
    if waits:
        _wait_for_server()
    disable_ffmpeg_backend()
    monitor.connections = server_connections()
    service.start()
    _report_server(bool(monitor.connections) or sys.platform != "linux")
    application.exec()
    return _end(_DONE, "the event loop has ended")


class _ServerMonitor(threading.Thread):
    """Signs of life for the window; ends the process when the sound server goes, or appears.

    Attributes:
        connections: Connections to the server; ``None`` while Qt looks for one.
    """

    def __init__(self, memory: SoundMemory) -> None:
        super().__init__(name="server", daemon=True)
        self.connections: dict[int, int] | None = None
        self._memory = memory

    def run(self) -> None:
        guarded("the sound server's monitor")(self._watch)()

    def _watch(self) -> None:
        while True:
            self._memory.beat(PROCESS)
            connections = self.connections
            if connections:
                if wait_for_break(connections, _LOOK_EVERY_S):
                    _end(_SERVER_LOST, "the sound server has gone")
                continue
            if connections is not None and is_server_there():
                _end(_SERVER_RETURNED, "there is a sound server now")
            time.sleep(_LOOK_EVERY_S)


def disable_ffmpeg_backend() -> None:
    """Keep Qt Multimedia from loading its FFmpeg backend, with Qt Quick: 7 MB that sound does not need.

    Qt looks for the backend once, at the first query for devices; with no plugin paths it finds none, and
    sound works without. Call it before any other use of Qt Multimedia, in the main thread. Linux: measured
    only there.
    """
    if not sys.platform.startswith("linux"):
        return
    paths = QCoreApplication.libraryPaths()
    QCoreApplication.setLibraryPaths([])
    try:
        speakers = QMediaDevices.audioOutputs()
    finally:
        QCoreApplication.setLibraryPaths(paths)
    log.debug("%d speakers", len(speakers))


def _wait_for_server() -> None:
    if not is_server_there():
        _report_server(False)
        while not is_server_there():
            time.sleep(_WAIT_S)


def _report_server(is_there: bool) -> None:
    """Report whether there is a sound server, and whether we would notice its return."""
    send_event({"says": "server", "is_there": is_there, "is_known": is_server_there()})


def _take_orders(service: SoundService) -> None:
    take = guarded("an order to the sound process")(service.handle)
    for line in read_lines(_STDIN):
        take(decode_message(line))
    _end(_DONE, "the window has gone")


def _disable_core_dumps() -> None:
    """Keep the kernel from writing a core dump or starting a crash reporter: aborts are expected here."""
    if sys.platform != "win32":
        import resource

        # 1, not 0: with 0 a handler that the kernel pipes to would be started all the same (core(5)).
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (1 if most != 0 else 0, most))


def _end(status: int, why: str) -> int:
    """Exit at once: Qt's own shutdown would wait for a server that is not there."""
    log.info("ending: %s", why)
    os._exit(status)
