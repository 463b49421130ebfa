"""Listening for other launches, and connecting: a socket in a private folder, on Windows a secret pipe.

Both sides check the other's user. Qt's own server is not used for the socket: it takes over the name of a
live one, and on closing removes whatever has its name by then.
"""

import errno
import logging
import os
import secrets
import socket
import stat
import struct
import sys
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from atlas_desktop.instance.socket_paths import IN_PROFILE, addresses, paths_to_listen_at
from atlas_desktop.private_files import FILE_MODE, is_ours
from atlas_desktop.storage import atomic

log = logging.getLogger(__name__)

_CONNECT_LIMIT_S = 1.0
_WAITING_LAUNCHES = 50
_LINUX_CREDENTIALS = struct.Struct("iII")  # process, user, group
_BSD_CREDENTIALS = struct.Struct("=II")  # version, user; groups follow
_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES = 0, 1, 76


class SocketListener(QObject):
    """A socket that accepts this user's launches. Thread: the GUI's.

    Signals:
        arrived(QLocalSocket): A launch is connected.
    """

    arrived = Signal(QLocalSocket)

    def __init__(self, profile: Path, parent: QObject | None = None) -> None:
        """Listen; a stale socket, or one whose owner is frozen, is replaced."""
        super().__init__(parent)
        self._socket: socket.socket | None = None
        self._notifier: QSocketNotifier | None = None
        self._path, self._identity = Path(), (0, 0)
        for path in paths_to_listen_at(profile):
            try:
                self._socket = _listening_at(path)
            except OSError as error:
                log.info("can't listen for launches in %s: %s", path.parent, error.strerror or error)
                continue
            self._path, self._identity = path, _identity(path)
            self._notifier = QSocketNotifier(self._socket.fileno(), QSocketNotifier.Type.Read, self)
            self._notifier.activated.connect(self._accept)
            return
        log.info("can't listen for launches: no folder is private to this user")

    def close(self) -> None:
        """Accept no more launches; a socket that another window has replaced stays."""
        listening, self._socket = self._socket, None
        if listening is None or self._notifier is None:
            return
        self._notifier.setEnabled(False)
        listening.close()
        with suppress(OSError):
            if self._identity == _identity(self._path):
                self._path.unlink()

    @Slot()
    def _accept(self) -> None:
        while self._socket is not None:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                if peer_user(connection) != os.geteuid():
                    log.info("a connection of another user was refused")
                elif (taken := _as_local_socket(connection, self)) is not None:
                    self.arrived.emit(taken)


class PipeListener(QObject):
    """A pipe that accepts this user's launches; a file in the profile, private to the user, names it.

    Signals:
        arrived(QLocalSocket): A launch is connected.
    """

    arrived = Signal(QLocalSocket)

    def __init__(self, profile: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file = profile / IN_PROFILE
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._accept)
        # Nobody else can create a pipe of this name first.
        name = f"atlas-desktop-{secrets.token_hex(16)}"
        if not self._server.listen(name):
            log.info("can't listen for launches: %s", self._server.errorString())
            return
        try:
            atomic.write_text(self._file, name)
        except OSError as error:
            log.info("can't listen for launches: %s", error.strerror)

    def close(self) -> None:
        """Accept no more launches."""
        self._server.close()

    @Slot()
    def _accept(self) -> None:
        while (taken := self._server.nextPendingConnection()) is not None:
            self.arrived.emit(taken)


def listen(profile: Path, parent: QObject) -> SocketListener | PipeListener:
    """Listen for launches in this system's way."""
    return PipeListener(profile, parent) if sys.platform == "win32" else SocketListener(profile, parent)


def connect(profile: Path) -> QLocalSocket | None:
    """Connect to this user's window of ``profile``, frozen or not; return ``None`` when there is none."""
    if sys.platform == "win32":
        return connect_to_pipe(profile)
    for path in addresses(profile):
        if (found := _connect_to(path)) is not None:
            return found
    return None


def connect_to_pipe(profile: Path) -> QLocalSocket | None:
    """Connect to the pipe that the profile names."""
    try:
        name = atomic.read_text(profile / IN_PROFILE)
    except (OSError, ValueError):
        return None
    found = QLocalSocket()
    found.connectToServer(name)
    return found if found.waitForConnected(int(_CONNECT_LIMIT_S * 1000)) else None


def peer_user(connection: socket.socket) -> int | None:
    """Return the user at the other end of a local socket; ``None`` where the system does not say."""
    try:
        if sys.platform == "linux":
            size = _LINUX_CREDENTIALS.size
            said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            return int(_LINUX_CREDENTIALS.unpack(said)[1])
        else:
            said = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
            return int(_BSD_CREDENTIALS.unpack_from(said)[1])
    except (OSError, struct.error):
        return None


def _listening_at(path: Path) -> socket.socket:
    with suppress(FileNotFoundError):
        found = path.lstat()
        if not (stat.S_ISSOCK(found.st_mode) and is_ours(found)):
            raise FileExistsError(errno.EEXIST, "something else is in its place")
        path.unlink()
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.setblocking(False)
        listening.bind(os.fsencode(path))
        path.chmod(FILE_MODE)
        listening.listen(_WAITING_LAUNCHES)
    except OSError:
        listening.close()
        raise
    return listening


def _connect_to(path: Path) -> QLocalSocket | None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_CONNECT_LIMIT_S)
        try:
            connection.connect(os.fsencode(path))
        except OSError:
            # No listener, or a full backlog, which a window that answers never has.
            return None
        if peer_user(connection) != os.geteuid():
            return None
        return _as_local_socket(connection)


def _as_local_socket(connection: socket.socket, parent: QObject | None = None) -> QLocalSocket | None:
    """Hand a connection to Qt, which closes it."""
    connection.setblocking(False)
    descriptor = connection.detach()
    taken = QLocalSocket(parent)
    if taken.setSocketDescriptor(descriptor):
        return taken
    os.close(descriptor)
    return None


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
