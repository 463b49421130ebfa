"""A server that answers whatever it is told to, byte by byte, over real sockets."""

import socket
import threading
import time
from contextlib import suppress

from tests.hostile.answers.wire import DRIP_S, Case

_PATIENCE_S = 5.0
_READ_BYTES = 65_536


class HostileServer:
    """Takes requests and gives each the answer that was set last. Threads of its own.

    Attributes:
        case: The answer.
        port: Where it listens.
    """

    def __init__(self) -> None:
        self.case: Case | None = None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="hostile", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        # A close alone does not wake who waits for a connection.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(_PATIENCE_S)
        with connection, suppress(OSError):
            while _request_came(connection):
                case = self.case
                if case is None:
                    return
                for part in case.parts:
                    connection.sendall(part)
                _send_on(connection, case)
                if not case.keeps_open:
                    return


def _request_came(connection: socket.socket) -> bool:
    """Read a request to its end; false when there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(_READ_BYTES)):
            return False
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    left = _length_in(head) - len(body)
    while left > 0:
        if not (more := connection.recv(_READ_BYTES)):
            return False
        left -= len(more)
    return True


def _length_in(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    return 0


def _send_on(connection: socket.socket, case: Case) -> None:
    """Send the tail, until nobody listens."""
    while case.tail:
        connection.sendall(case.tail)
        if case.drips:
            time.sleep(DRIP_S)
