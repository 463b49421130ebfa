"""The one event loop of the window's process: asyncio on Qt. The only file that knows qasync."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

import qasync
from PySide6.QtCore import (
    QMessageLogContext,
    QObject,
    QSocketNotifier,
    QtMsgType,
    Slot,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

log = logging.getLogger(__name__)

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_NO_FILMS = "No QtMultimedia backends found."
END_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def make_application() -> QApplication:
    """Makes the ``QApplication``: ours decides when it ends, not the last window.

    Where there is no display the program ends here, with status 1 and a line that says so: Qt would abort.
    """
    qInstallMessageHandler(_log_qt_or_give_up)
    application = QApplication(sys.argv[:1])
    qInstallMessageHandler(_log_qt)
    application.setApplicationName("Atlas Desktop")
    application.setDesktopFileName("atlas-desktop")
    application.setQuitOnLastWindowClosed(False)
    return application


def run(application: QApplication, work: Callable[[], Awaitable[int]]) -> int:
    """Runs ``work`` on the joined loop and returns what it returns."""
    loop = qasync.QEventLoop(application)
    asyncio.set_event_loop(loop)
    with loop:
        status: int = loop.run_until_complete(work())
    return status


def on_end_signals(handler: Callable[[signal.Signals], None]) -> QObject:
    """Calls ``handler`` on the loop for SIGINT, SIGTERM and SIGHUP.

    Python runs a signal's handler only when it has the interpreter, and Qt may hold it for long: the
    wake-up descriptor makes Qt give it back. This works on Windows too, where the loop's own
    ``add_signal_handler`` does not exist.

    Returns:
        The watcher: keep it as long as the signals shall be heard.
    """
    return _SignalWatcher(handler)


class _SignalWatcher(QObject):
    def __init__(self, handler: Callable[[signal.Signals], None]) -> None:
        super().__init__()
        self._handler = handler
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in END_SIGNALS:
            signal.signal(number, _nothing)
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._arrived)

    @Slot()
    def _arrived(self) -> None:
        for number in self._reader.recv(64):
            if number in END_SIGNALS:
                self._handler(signal.Signals(number))


def _nothing(number: int, frame: object) -> None:
    """The wake-up descriptor carries the number; the default action must not run."""


def _log_qt_or_give_up(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    if kind is QtMsgType.QtFatalMsg:
        log.info("Qt: %s", message)
        sys.stderr.write("atlas-desktop: no window can be opened: there is no display that Qt can use\n")
        sys.stderr.flush()
        # Qt aborts as soon as this returns; nothing was begun that would have to be taken down.
        os._exit(1)
    elif kind is not QtMsgType.QtWarningMsg:
        _log_qt(kind, context, message)
    else:
        # The reasons, which the line above stands for on a terminal.
        log.info("Qt: %s", message)


def _log_qt(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    # A sound server that is not there is no fault: Qt then uses the one that is. Nor is a back end for films.
    harmless = context.category == "qt.multimedia.symbolsresolver" or message.startswith(_NO_FILMS)
    log.log(logging.INFO if harmless else _LEVELS.get(kind, logging.WARNING), "Qt: %s", message)
