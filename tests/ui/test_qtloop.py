"""Making the application: numbers for natives and for people, and what happens where no window can be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.desk.languages import with_locale

NUMBERS = """
import ctypes, locale, os
from atlas_desktop.locales import pin_c_numbers
pin_c_numbers(os.environ)
from atlas_desktop import qtloop
application = qtloop.make_application()
# As a plugin of the desktop's does it, at any time.
locale.setlocale(locale.LC_ALL, "")
from PySide6.QtCore import QLocale
from atlas_desktop.media.loudness import Leveller
from atlas_desktop.ui.look.amounts import money
Leveller()
print(locale.localeconv()["decimal_point"], QLocale().name(), money(0.5))
"""


def run(words: list[str], **env: str) -> "subprocess.CompletedProcess[str]":
    there = {**with_locale(os.environ, "de_DE.UTF-8"), "QT_QPA_PLATFORM": "offscreen", **env}
    # Else its locale counts as pinned already.
    there.pop("ATLAS_DESKTOP_NUMBERS", None)
    return subprocess.run(
        [sys.executable, *words],
        env=there,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, ". de_DE 0,50\u00a0$"),
        ({"LC_ALL": "de_DE.UTF-8", "LANG": "C"}, ". de_DE 0,50\u00a0$"),
        ({"LC_NUMERIC": "en_US.UTF-8"}, ". en_US $0.50"),
        ({"LC_ALL": "C"}, ". C $0.50"),
        ({"LANG": "", "LC_NUMERIC": "de_DE.UTF-8"}, ". de_DE 0,50\u00a0$"),
    ],
    ids=lambda given: "-".join(given.values()) if isinstance(given, dict) else "",
)
def test_natives_get_a_point_and_people_their_own_numbers(env: dict[str, str], said: str) -> None:
    done = run(["-c", NUMBERS], PYTHONUTF8="1", **env)
    assert done.stdout.strip() == said, done.stderr


def test_an_unknown_platform_is_one_line_and_no_abort(tmp_path: Path) -> None:
    done = run(["-m", "atlas_desktop", "--profile", str(tmp_path)], QT_QPA_PLATFORM="vulkanoid")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        'atlas-desktop: no window can be opened: Could not find the Qt platform plugin "vulk'
    )


def test_what_the_platform_is_called_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    """Its name comes from the environment, and from there into Qt's words."""
    done = run(["-m", "atlas_desktop", "--profile", str(tmp_path)], QT_QPA_PLATFORM="x\x1b[31my\x07\u202ez")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.isprintable()
    assert "no window can be opened: " in line
    assert r"x\x1b[31my\x07" in line


def test_a_folder_that_can_not_be_used_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(["-m", "atlas_desktop", "check", "--local", "--out", str(tmp_path / "file" / "a\x1b[2Jb")])
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.isprintable()
    assert r"a\x1b[2Jb can't be used" in line
