"""What is kept from being loaded, each in a fresh process: it happens once in one's life."""

import subprocess
import sys

import pytest

_SCAN = """
import linecache
from atlas_desktop.lean_qt import skip_source_scan
skip_source_scan()
before = len(linecache.cache)
import atlas_desktop.app, numpy, av
print(len(linecache.cache) - before)
"""
_FILMS = """
import os
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from atlas_desktop.qtloop import make_application
application = make_application()
from atlas_desktop.audio.backend import do_without_films
do_without_films()
from PySide6.QtMultimedia import QMediaDevices
devices = QMediaDevices()
devices.audioOutputs(), devices.audioInputs()
loaded = sum("ffmpegmedia" in line for line in open("/proc/self/maps"))
print(loaded, len(QCoreApplication.libraryPaths()) > 0)
"""


def said(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_source_is_read_for_features() -> None:
    # What dataclasses and enums ask of it themselves is little.
    assert int(said(_SCAN)) < 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only done where it was measured")
def test_sound_needs_no_films() -> None:
    assert said(_FILMS) == "0 True"
