"""Windows: each window is told of sleep and wake by a message."""

from collections.abc import Callable
from ctypes import wintypes

from PySide6.QtCore import QAbstractNativeEventFilter, QByteArray, QCoreApplication

WM_POWERBROADCAST = 0x0218
PBT_APMSUSPEND = 0x0004
PBT_APMRESUMEAUTOMATIC = 0x0012
_KIND = b"windows_generic_MSG"
_MEANINGS = {PBT_APMSUSPEND: True, PBT_APMRESUMEAUTOMATIC: False}


class PowerMessages(QAbstractNativeEventFilter):
    """Hears the messages of all windows of the program. Thread: the UI's.

    The system goes on as soon as the message is answered, so there is nothing to hold and to release.

    Source: Microsoft, "WM_POWERBROADCAST message".
    """

    def __init__(self, tell: Callable[[bool], None]) -> None:
        super().__init__()
        self._tell = tell
        application = QCoreApplication.instance()
        if application is not None:
            application.installNativeEventFilter(self)

    def delay(self) -> None:
        """The system waits for no one."""

    def release(self) -> None:
        """The system waits for no one."""

    def close(self) -> None:
        """Hears no more."""
        application = QCoreApplication.instance()
        if application is not None:
            application.removeNativeEventFilter(self)

    def nativeEventFilter(  # noqa: N802 - Qt's own
        self, kind: QByteArray | bytes | bytearray | memoryview, message: int
    ) -> tuple[bool, int]:
        """Looks on; takes nothing."""
        if kind == _KIND:
            told = wintypes.MSG.from_address(int(message))
            if told.message == WM_POWERBROADCAST and told.wParam in _MEANINGS:
                self._tell(_MEANINGS[told.wParam])
        return False, 0
