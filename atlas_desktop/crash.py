"""Handlers for uncaught errors: logged, shown, and followed by the session's end."""

import asyncio
import faulthandler
import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from atlas_desktop.aio import report
from atlas_desktop.errors import AppError
from atlas_desktop.private_files import make_folder, open_private

log = logging.getLogger(__name__)

BugHandler = Callable[[AppError], None]


class CrashHandler:
    """Handles uncaught errors of the main thread, other threads and the event loop.

    ``on_bug`` is called on the event loop, whichever thread the error came from.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_bug: BugHandler) -> None:
        self._loop = loop
        self._on_bug = on_bug
        sys.excepthook = self._uncaught
        threading.excepthook = self._uncaught_in_thread
        loop.set_exception_handler(self._unhandled_in_loop)

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        report(error, "the window", self._hand_over)

    def _uncaught_in_thread(self, details: threading.ExceptHookArgs) -> None:
        if details.exc_value is not None:
            name = details.thread.name if details.thread is not None else "a thread"
            report(details.exc_value, name, self._hand_over)

    def _unhandled_in_loop(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            report(error, "the event loop", self._hand_over)
        else:
            log.warning("event loop: %s", context.get("message"))

    def _hand_over(self, error: AppError) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_bug, error)


def log_native_crashes(file: Path) -> None:
    """Let faulthandler write Python stacks of a native crash to ``file``, else to stderr."""
    try:
        make_folder(file.parent)
        # Never closed: faulthandler keeps the descriptor, and native libraries crash during exit, too.
        report = open(file, "a", encoding="utf-8", opener=open_private)  # noqa: SIM115
        faulthandler.enable(report)
    except OSError as error:
        log.info("crashes can't be written to a file: %s", error)
        faulthandler.enable()
