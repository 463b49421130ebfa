"""The window's side: hears second launches, and answers each."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtNetwork import QLocalSocket

from atlas_desktop.instance.doors import open_door
from atlas_desktop.instance.handing_over import BUSY, TAKEN
from atlas_desktop.lenient_json import parse_or_none

_LIMIT_BYTES = 1_000_000


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
        self._door = open_door(profile, self)
        self._door.arrived.connect(self._take)

    def close(self) -> None:
        """Hears no more: the next launch finds no window."""
        self._door.close()

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
            # A launch that has waited too long opens a window of its own: its files are not taken twice.
            socket.write(TAKEN)
            if socket.flush() and socket.state() is QLocalSocket.LocalSocketState.ConnectedState:
                self.launched.emit(paths)
        else:
            socket.abort()
