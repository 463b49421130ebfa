"""Opening an address or a file with the desktop's program for it; the system's page of microphone rights."""

import os
import sys
import threading

from PySide6.QtCore import QProcess, QProcessEnvironment, QStandardPaths, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication

from atlas_desktop.aio import guarded
from atlas_desktop.locales import for_other_programs

_SANDBOXED = ("FLATPAK_ID", "SNAP")
_OWN = "ATLAS_"
_PAGES = {
    "darwin": "x-apple.systempreferences:com.apple.preference.security?Privacy_Microphone",
    "win32": "ms-settings:privacy-microphone",
}


def open_address(address: QUrl) -> None:
    """Open ``address`` with the desktop's program for it, if any. Never blocks. Thread: main.

    On X11 Qt would hand our environment to the other program, with C for its numbers. In a sandbox it would
    wait for the portal's answer, for up to 25 s; there ``xdg-open`` asks the portal, in a process of its own.
    On Wayland a token goes along that brings the other window forward: that is left to Qt, which waits for
    nothing there. Source: Qt's qdesktopunixservices.cpp.
    """
    sandboxed = any(name in os.environ for name in _SANDBOXED)
    if sandboxed or QGuiApplication.platformName() == "xcb":
        # A search path may lead over a dead mount.
        opening = guarded("open an address")(_open_by_program)
        threading.Thread(target=opening, args=(address,), name="opener", daemon=True).start()
    else:
        QDesktopServices.openUrl(address)


def _open_by_program(address: QUrl) -> None:
    program = QStandardPaths.findExecutable("xdg-open")
    if not program:
        application = QGuiApplication.instance()
        if application is not None:
            QTimer.singleShot(0, application, lambda: QDesktopServices.openUrl(address))
        return
    environment = QProcessEnvironment()
    for name, value in for_other_programs(os.environ).items():
        # Ours may hold a key, and mean nothing to other programs.
        if not name.startswith(_OWN):
            environment.insert(name, value)
    process = QProcess()
    process.setProgram(program)
    process.setArguments([address.toString(QUrl.ComponentFormattingOption.FullyEncoded)])
    process.setProcessEnvironment(environment)
    process.startDetached()


def privacy_page() -> QUrl | None:
    """The page of the system's own settings; ``None`` where there is none."""
    page = _PAGES.get(sys.platform)
    return None if page is None else QUrl(page)
