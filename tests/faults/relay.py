"""The network between a program and its service: a TCP relay that can be cut, broken, mended, and lie."""

import selectors
import socket
import threading
import time
from contextlib import suppress

from tests.faults.hostile import Hostile, Spoiler

_LOOK_S = 0.05
_SEND_LIMIT_S = 2.0


class Relay:
    """Passes bytes on to one address of this computer, unless it is cut. A thread of its own.

    Attributes:
        port: Where it listens.
        spoiler: Puts something else in the place of answers; ``None`` for nobody.
    """

    def __init__(self, to_port: int) -> None:
        self._to = ("127.0.0.1", to_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._peers: dict[socket.socket, socket.socket] = {}
        self.spoiler: Spoiler | None = None
        self._near: set[socket.socket] = set()
        self._spoiled: dict[socket.socket, bytes] = {}
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
        self._near.add(near)
        for one, other in ((near, far), (far, near)):
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, one: socket.socket) -> None:
        other = self._peers.get(one)
        if other is None:
            return
        try:
            data = one.recv(65_536)
            if data and self._is_spoiled(one, other, data):
                return
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._drop(one)

    def _is_spoiled(self, one: socket.socket, other: socket.socket, data: bytes) -> bool:
        """Whether something else takes the place of what came, now or when it is whole."""
        spoiler = self.spoiler
        if spoiler is None:
            return False
        if one in self._near:
            if spoiler.takes(data):
                self._spoiled[other] = b""
                if not spoiler.passes_on:
                    self._answer(one, other, spoiler.hostile(b""))
                    return True
            return False
        if one not in self._spoiled:
            return False
        self._spoiled[one] += data
        if _is_whole(self._spoiled[one]):
            self._answer(other, one, spoiler.hostile(self._spoiled[one]))
        return True

    def _answer(self, near: socket.socket, far: socket.socket, hostile: Hostile) -> None:
        """Hand ``near`` over to a thread that sends it something, and let go of ``far``."""
        self._forget(near)
        self._forget(far)
        far.close()
        threading.Thread(target=self._send, args=(near, hostile), daemon=True).start()

    def _send(self, near: socket.socket, hostile: Hostile) -> None:
        near.settimeout(_SEND_LIMIT_S)
        with near, suppress(OSError):
            near.sendall(hostile.data)
            while hostile.tail and not self._closing:
                near.sendall(hostile.tail)
                time.sleep(hostile.pause_s)

    def _forget(self, end: socket.socket) -> bool:
        """Whether it was there."""
        self._near.discard(end)
        self._spoiled.pop(end, None)
        if self._peers.pop(end, None) is None:
            return False
        with suppress(KeyError, ValueError):
            self._selector.unregister(end)
        return True

    def _drop(self, one: socket.socket) -> None:
        other = self._peers.get(one)
        for end in (one, other):
            if end is not None and self._forget(end):
                end.close()


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return len(body) >= int(value)
    return bool(end)
