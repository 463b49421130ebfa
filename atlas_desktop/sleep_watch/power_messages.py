"""Windows: each window receives a message before sleep and after wake-up."""

from collections.abc import Callable
from ctypes import wintypes

from PySide6.QtCore import QAbstractNativeEventFilter, QByteArray, QCoreApplication

WM_POWERBROADCAST = 0x0218
PBT_APMSUSPEND = 0x0004
PBT_APMRESUMEAUTOMATIC = 0x0012
_KIND = b"windows_generic_MSG"
_MEANINGS = {PBT_APMSUSPEND: True, PBT_APMRESUMEAUTOMATIC: False}


class PowerMessages(QAbstractNativeEventFilter):
    """Filters the messages of all windows of the program. Thread: the UI's.

    The system goes on as soon as the message is answered: it can't be delayed.

    Source: Microsoft, "WM_POWERBROADCAST message".
    """

    def __init__(self, notify: Callable[[bool], None]) -> None:
        super().__init__()
        self._notify = notify
        application = QCoreApplication.instance()
        if application is not None:
            application.installNativeEventFilter(self)

    def close(self) -> None:
        """Remove the filter."""
        application = QCoreApplication.instance()
        if application is not None:
            application.removeNativeEventFilter(self)

    def nativeEventFilter(  # noqa: N802 - Qt's own
        self, kind: QByteArray | bytes | bytearray | memoryview, message: int
    ) -> tuple[bool, int]:
        """Observe a message, and pass it on."""
        if kind == _KIND:
            event = wintypes.MSG.from_address(int(message))
            if event.message == WM_POWERBROADCAST and event.wParam in _MEANINGS:
                self._notify(_MEANINGS[event.wParam])
        return False, 0
