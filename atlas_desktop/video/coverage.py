"""Detection of a window that others cover completely, which need not be painted.

X11 reports it (``VisibilityNotify``) unless a compositor draws the screen: then every window counts as
visible. Wayland's compositors don't report it, but request no frames of a covered window; macOS and Windows
report it to Qt as not exposed, or not at all.
"""

import ctypes
import logging

from PySide6.QtCore import QObject, QSocketNotifier, Slot
from PySide6.QtGui import QGuiApplication, QWindow

log = logging.getLogger(__name__)

_LIBRARY, _PLATFORM = "libxcb.so.1", "xcb"
# As libxcb's xproto.h names them.
_EVENT_MASK_ATTRIBUTE, _VISIBILITY_CHANGE = 1 << 11, 1 << 16
_VISIBILITY_NOTIFY, _FULLY_OBSCURED = 15, 2


class _VisibilityEvent(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_uint8),
        ("pad", ctypes.c_uint8),
        ("sequence", ctypes.c_uint16),
        ("window", ctypes.c_uint32),
        ("state", ctypes.c_uint8),
    )


class Coverage(QObject):
    """Visibility of one window. Thread: main.

    On X11 it has a connection of its own, which carries these events alone: a filter on Qt's connection
    would be called for every movement of the mouse.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._window = 0
        self._is_covered = False
        self._xcb: _Connection | None = None
        if QGuiApplication.platformName() == _PLATFORM:
            self._connect()

    def covers(self, window: QWindow) -> bool:
        """Return whether nothing of ``window`` can be seen; False where that is not known.

        Args:
            window: Exposed, so that it is a native one. Usually the same native window each time.
        """
        if self._xcb is None:
            return False
        if window.winId() != self._window:
            # Another one, or recreated: visible until an event says otherwise.
            self._window, self._is_covered = window.winId(), False
            self._xcb.listen(self._window)
        return self._is_covered

    def close(self) -> None:
        """Release the connection; nothing counts as covered from now on."""
        if self._xcb is not None:
            self._notifier.setEnabled(False)
            self._xcb.close()
            self._xcb = None

    def _connect(self) -> None:
        try:
            self._xcb = _Connection()
        except OSError as error:
            log.info("covered windows are not noticed: %s", error)
            return
        self._notifier = QSocketNotifier(self._xcb.descriptor, QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)

    @Slot()
    def _read(self) -> None:
        if self._xcb is None:
            return
        for window, state in self._xcb.read():
            if window == self._window:
                self._is_covered = state == _FULLY_OBSCURED
        if self._xcb.is_broken:
            self.close()


class _Connection:
    """A connection to the X server, by the few calls of libxcb that are needed.

    Raises:
        OSError: There is no library, or no server.
    """

    def __init__(self) -> None:
        self._library = library = ctypes.CDLL(_LIBRARY)
        library.xcb_connect.restype = ctypes.c_void_p
        library.xcb_poll_for_event.restype = ctypes.POINTER(_VisibilityEvent)
        self._free = ctypes.CDLL(None).free
        self._free.argtypes = (ctypes.c_void_p,)
        # Never null: a failed connection is an object, too.
        self._at = ctypes.c_void_p(library.xcb_connect(None, None))
        if self.is_broken:
            self.close()
            raise OSError("the X server takes no second connection")
        self.descriptor: int = library.xcb_get_file_descriptor(self._at)

    @property
    def is_broken(self) -> bool:
        return bool(self._library.xcb_connection_has_error(self._at))

    def listen(self, window: int) -> None:
        mask = ctypes.c_uint32(_VISIBILITY_CHANGE)
        self._library.xcb_change_window_attributes(
            self._at, ctypes.c_uint32(window), ctypes.c_uint32(_EVENT_MASK_ATTRIBUTE), ctypes.byref(mask)
        )
        self._library.xcb_flush(self._at)

    def read(self) -> list[tuple[int, int]]:
        """Return windows with their new states, oldest first; never blocks."""
        found = []
        while event := self._library.xcb_poll_for_event(self._at):
            if event.contents.kind & 0x7F == _VISIBILITY_NOTIFY:
                found.append((event.contents.window, event.contents.state))
            self._free(ctypes.cast(event, ctypes.c_void_p))
        return found

    def close(self) -> None:
        self._library.xcb_disconnect(self._at)
