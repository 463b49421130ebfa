"""The event loop of the window's process: asyncio on Qt. The only file that imports qasync."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

import qasync
from PySide6.QtCore import (
    QLocale,
    QMessageLogContext,
    QObject,
    QSocketNotifier,
    QtMsgType,
    Slot,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from atlas_desktop.aio import DaemonExecutor
from atlas_desktop.end_signals import END_SIGNALS
from atlas_desktop.locales import numbers_locale, set_c_numbers
from atlas_desktop.logs import one_line

log = logging.getLogger(__name__)

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_COMPLAINTS = (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg)
_NO_DISPLAY = 1
_NO_FILMS = "No QtMultimedia backends found."
_NO_LOCALE = "Detected locale "


def make_application() -> QApplication:
    """Create the ``QApplication``, which does not quit with the last window.

    Where no window can be opened, it prints one line and exits with 1: Qt itself would abort.
    """
    messages = _StartupMessages()
    qInstallMessageHandler(messages.take)
    application = QApplication(sys.argv[:1])
    qInstallMessageHandler(_log_qt)
    messages.log()
    set_c_numbers()
    _set_numbers_of_people()
    application.setApplicationName("Atlas Desktop")
    application.setDesktopFileName("atlas-desktop")
    application.setQuitOnLastWindowClosed(False)
    return application


def _set_numbers_of_people() -> None:
    """Set Qt's default locale to the user's, which Qt no longer finds in the environment."""
    # macOS and Windows: Qt asks the system, not the environment.
    if sys.platform not in ("darwin", "win32"):
        QLocale.setDefault(QLocale(numbers_locale(os.environ) or "C"))


def run(application: QApplication, work: Callable[[], Awaitable[int]]) -> int:
    """Run ``work`` on the joined loop and return what it returns."""
    loop = qasync.QEventLoop(application)
    # qasync's own executor waits at exit for running calls, for ever for one that hangs.
    loop.set_default_executor(DaemonExecutor())
    asyncio.set_event_loop(loop)
    with loop:
        status: int = loop.run_until_complete(work())
    return status


def on_end_signals(handler: Callable[[signal.Signals], None]) -> QObject:
    """Call ``handler`` on the loop for each of ``END_SIGNALS``.

    Python runs a signal's handler only when it holds the GIL, and Qt may hold it for long: the
    wake-up descriptor makes Qt release it. This works on Windows too, where the loop's own
    ``add_signal_handler`` does not exist.

    Returns:
        The watcher: keep a reference as long as signals shall be handled.
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
    """Do nothing: the wake-up descriptor carries the number, and the default action must not run."""


class _StartupMessages:
    """Collects Qt's messages while it opens the display: a single failed attempt means nothing.

    A fatal message precedes Qt's abort: something is missing, the display, the platform's plugin or one of
    its libraries.
    """

    def __init__(self) -> None:
        self._said: list[tuple[QtMsgType, str | None, str]] = []

    def take(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if kind is QtMsgType.QtFatalMsg:
            why = next((words for said, _category, words in self._said if said in _COMPLAINTS), message)
            for said in (*(words for _kind, _category, words in self._said), message):
                log.info("Qt: %s", said)
            sys.stderr.write(f"atlas-desktop: no window can be opened: {one_line(' '.join(why.split()))}\n")
            sys.stderr.flush()
            # Qt would abort after returning.
            os._exit(_NO_DISPLAY)
        self._said.append((kind, context.category, message))

    def log(self) -> None:
        """Log the collected messages."""
        for kind, category, message in self._said:
            _log_words(kind, category, message)


def _log_qt(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    _log_words(kind, context.category, message)


def _log_words(kind: QtMsgType, category: str | None, message: str) -> None:
    # Harmless: no PulseAudio (Qt uses another backend), no FFmpeg backend, and a locale that is not installed
    # or is not UTF-8 (Qt uses C.UTF-8).
    harmless = category == "qt.multimedia.symbolsresolver" or message.startswith((_NO_FILMS, _NO_LOCALE))
    log.log(logging.INFO if harmless else _LEVELS.get(kind, logging.WARNING), "Qt: %s", message)
