"""The window's side: accepts second launches, and answers each."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtNetwork import QLocalSocket

from atlas_desktop.instance.listeners import listen
from atlas_desktop.instance.second_launch import BUSY, TAKEN
from atlas_desktop.lenient_json import parse_or_none

_LIMIT_BYTES = 1_000_000


class InstanceServer(QObject):
    """Accepts second launches of the same profile and user.

    Signals:
        launched(object): A second launch asked for the window: the ``list`` of its paths, perhaps empty.
            Declared as object: Qt's own list would lose bytes that are not UTF-8.
    """

    launched = Signal(object)

    def __init__(self, profile: Path, parent: QObject | None = None, *, takes_launches: bool = True) -> None:
        """Listen; without ``takes_launches`` a second launch is refused as the profile is in use."""
        super().__init__(parent)
        self._takes_launches = takes_launches
        self._listener = listen(profile, self)
        self._listener.arrived.connect(self._take)

    def close(self) -> None:
        """Stop listening: the next launch finds no window."""
        self._listener.close()

    @Slot(QLocalSocket)
    def _take(self, socket: QLocalSocket) -> None:
        socket.readyRead.connect(self._read)
        socket.disconnected.connect(socket.deleteLater)
        if socket.bytesAvailable():
            self._answer(socket)

    @Slot()
    def _read(self) -> None:
        socket = self.sender()
        if isinstance(socket, QLocalSocket):
            self._answer(socket)

    def _answer(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > _LIMIT_BYTES:
                socket.abort()
            return
        paths = parse_or_none(bytes(socket.readLine(_LIMIT_BYTES).data()))
        if not self._takes_launches:
            socket.write(BUSY)
            socket.flush()
        elif isinstance(paths, list) and all(isinstance(path, str) for path in paths):
            # A launch that has waited too long has opened its own window: its files must not be taken twice.
            socket.write(TAKEN)
            if socket.flush() and socket.state() is QLocalSocket.LocalSocketState.ConnectedState:
                self.launched.emit(paths)
        else:
            socket.abort()
