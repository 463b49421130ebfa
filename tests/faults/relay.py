"""The network between a program and its service: a TCP relay that can be cut, broken and mended."""

import selectors
import socket
import threading
import time
from contextlib import suppress

_LOOK_S = 0.05


class Relay:
    """Passes bytes on to one address of this computer, unless it is cut. A thread of its own.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, to_port: int) -> None:
        self._to = ("127.0.0.1", to_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._peers: dict[socket.socket, socket.socket] = {}
        self._cut = False
        self._refusing = False
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Nothing gets through, and nobody is told: what is sent meanwhile arrives later."""
        self._cut = True

    def break_off(self) -> None:
        """Every connection is reset, new ones at once after they were made."""
        with self._lock:
            self._refusing = True
            for one in tuple(self._peers):
                self._drop(one)

    def mend(self) -> None:
        """From now on it passes on again."""
        self._cut = self._refusing = False

    def close(self) -> None:
        """Ends the thread and every connection."""
        self._closing = True
        self._thread.join(2)
        self.break_off()
        self._listener.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._closing:
            if self._cut:
                time.sleep(_LOOK_S)
                continue
            for key, _ in self._selector.select(_LOOK_S):
                with self._lock:
                    if key.fileobj is self._listener:
                        self._accept()
                    elif isinstance(key.fileobj, socket.socket):
                        self._pass_on(key.fileobj)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        if self._refusing:
            near.close()
            return
        far = socket.create_connection(self._to)
        for one, other in ((near, far), (far, near)):
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, one: socket.socket) -> None:
        other = self._peers.get(one)
        if other is None:
            return
        try:
            data = one.recv(65_536)
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._drop(one)

    def _drop(self, one: socket.socket) -> None:
        other = self._peers.get(one)
        for end in (one, other):
            if end is not None and self._peers.pop(end, None) is not None:
                with suppress(KeyError, ValueError):
                    self._selector.unregister(end)
                end.close()
