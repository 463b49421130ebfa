"""Opening an address or a file with the program that the desktop has for it."""

import os

from PySide6.QtCore import QProcess, QProcessEnvironment, QStandardPaths, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication

from atlas_desktop.locales import for_other_programs

_SANDBOXED = ("FLATPAK_ID", "SNAP")


def open_address(address: QUrl) -> None:
    """Opens ``address``, where there is anything that does.

    On X11 Qt would hand our environment to the other program, with C for its numbers. Elsewhere the desktop
    itself starts it, or a token goes along that brings its window forward: that is left to Qt.
    """
    program = QStandardPaths.findExecutable("xdg-open")
    sandboxed = any(name in os.environ for name in _SANDBOXED)
    if not program or sandboxed or QGuiApplication.platformName() != "xcb":
        QDesktopServices.openUrl(address)
        return
    environment = QProcessEnvironment()
    for name, value in for_other_programs(os.environ).items():
        environment.insert(name, value)
    process = QProcess()
    process.setProgram(program)
    process.setArguments([address.toString(QUrl.ComponentFormattingOption.FullyEncoded)])
    process.setProcessEnvironment(environment)
    process.startDetached()
