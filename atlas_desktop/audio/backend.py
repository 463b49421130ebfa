"""Qt Multimedia without its FFmpeg back end."""

import logging
import sys

from PySide6.QtCore import QCoreApplication
from PySide6.QtMultimedia import QMediaDevices

log = logging.getLogger(__name__)


def disable_ffmpeg_backend() -> None:
    """Prevent Qt Multimedia from loading its FFmpeg back end and Qt Quick: 7 MB that sound doesn't need.

    Qt looks for the back end once, when devices are first listed; without library paths it finds no plugins,
    and sound works all the same. Call it in the main thread, before any other use of Qt Multimedia.
    Linux only: not measured elsewhere.
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
