"""One window a profile: a second launch hands its files to the first and goes."""

import hashlib
import json
import logging
import os
import time
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

log = logging.getLogger(__name__)

_WAIT_MS = 1_000
_LONGEST_S = 5.0
_LIMIT_BYTES = 1_000_000
_TAKEN = b"ok\n"
_BUSY = b"busy\n"


class ProfileBusyError(Exception):
    """What runs on the profile takes no files: a test call."""


def socket_name(profile: Path) -> str:
    """The name on which the window of ``profile`` is met."""
    # Socket names are short on macOS; a digest also keeps the path out of a shared name space. Links that
    # lead in a circle are followed as far as that goes.
    return "atlas-desktop-" + hashlib.sha256(os.fsencode(os.path.realpath(profile))).hexdigest()[:16]


def hand_over(profile: Path, paths: list[str]) -> bool:
    """Gives ``paths`` to the window that runs on ``profile``. False when there is none, or it is frozen.

    Raises:
        ProfileBusyError: A test call runs there.
    """
    socket = QLocalSocket()
    if not _connects(socket, profile):
        return False
    socket.write(json.dumps(paths).encode() + b"\n")
    until_s = time.monotonic() + _LONGEST_S
    while socket.bytesToWrite() and socket.waitForBytesWritten(_WAIT_MS):
        if time.monotonic() > until_s:
            return False
    # The answer may have come while the rest was written: then there is nothing more to wait for.
    answered = socket.canReadLine() or socket.waitForReadyRead(_WAIT_MS)
    answer = bytes(socket.readLine().data()) if answered else b""
    socket.disconnectFromServer()
    if answer == _BUSY:
        raise ProfileBusyError
    return answer == _TAKEN


def is_in_use(profile: Path) -> bool:
    """Whether a window or a test call runs on ``profile``, frozen or not."""
    return _connects(QLocalSocket(), profile)


def _connects(socket: QLocalSocket, profile: Path) -> bool:
    socket.connectToServer(socket_name(profile))
    return socket.waitForConnected(_WAIT_MS)


class InstanceServer(QObject):
    """Listens for second launches of the same profile and user.

    Signals:
        launched(object): A second launch asked for the window: the ``list`` of its paths, perhaps empty.
            Not as Qt's own list, which loses what is no UTF-8 in them.
    """

    launched = Signal(object)

    def __init__(self, profile: Path, parent: QObject | None = None, *, takes_launches: bool = True) -> None:
        """Listens; without ``takes_launches`` a second launch is only told that the profile is in use."""
        super().__init__(parent)
        self._takes_launches = takes_launches
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._accept)
        name = socket_name(profile)
        if not self._server.listen(name):
            # A crashed run leaves its socket behind; nobody answered on it, so it is stale.
            QLocalServer.removeServer(name)
            if not self._server.listen(name):
                log.info("second launches can't be heard: %s", self._server.errorString())

    def close(self) -> None:
        """Hears no more: the next launch finds no window."""
        self._server.close()

    @Slot()
    def _accept(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(self._read)
            socket.disconnected.connect(socket.deleteLater)

    @Slot()
    def _read(self) -> None:
        socket = self.sender()
        if not isinstance(socket, QLocalSocket):
            return
        if not socket.canReadLine():
            if socket.bytesAvailable() > _LIMIT_BYTES:
                socket.abort()
            return
        try:
            paths = json.loads(bytes(socket.readLine(_LIMIT_BYTES).data()))
        except ValueError:
            paths = None
        if not self._takes_launches:
            socket.write(_BUSY)
            socket.flush()
        elif isinstance(paths, list) and all(isinstance(path, str) for path in paths):
            # A launch that has waited too long opens a window of its own: its files are not taken twice.
            socket.write(_TAKEN)
            if socket.flush() and socket.state() is QLocalSocket.LocalSocketState.ConnectedState:
                self.launched.emit(paths)
        else:
            socket.abort()
