"""What Qt Multimedia would load for nobody here."""

import logging
import sys

from PySide6.QtCore import QCoreApplication
from PySide6.QtMultimedia import QMediaDevices

log = logging.getLogger(__name__)


def do_without_films() -> None:
    """Keeps Qt Multimedia from loading its FFmpeg back end, with Qt Quick: 7 MB that sound has no use for.

    Qt looks for the back end once, at the first question for devices; meanwhile it finds no plugins, and
    says that sound works all the same. To be called before any other use of Qt Multimedia, in the main
    thread. Linux: elsewhere nobody has measured it.
    """
    if not sys.platform.startswith("linux"):
        return
    paths = QCoreApplication.libraryPaths()
    QCoreApplication.setLibraryPaths([])
    try:
        speakers = QMediaDevices.audioOutputs()
    finally:
        QCoreApplication.setLibraryPaths(paths)
    log.debug("%d speakers", len(speakers))
