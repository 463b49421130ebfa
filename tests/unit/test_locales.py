"""Numbers are C for native code, whoever sets the locale and when; people keep their own."""

import locale
import subprocess
import sys
from pathlib import Path

import pytest

from atlas_desktop.locales import dates_locale, for_other_programs, numbers_locale, pin_c_numbers
from tests.desk.languages import with_locale

COMMA = "de_DE.UTF-8"
LATER = """
import ctypes, os
from atlas_desktop.locales import pin_c_numbers, set_c_numbers
if {pinned}:
    pin_c_numbers(os.environ)
libc = ctypes.CDLL(None)
libc.setlocale.restype = ctypes.c_char_p
assert libc.setlocale({all}, b"") is not None
if {at_once}:
    set_c_numbers()
text = ctypes.create_string_buffer(16)
libc.snprintf(text, 16, b"%.1f", ctypes.c_double(0.5))
print(text.value.decode(), libc.setlocale({messages}, None).decode())
"""


def in_locale(program: str, **env: str) -> str:
    words = [sys.executable, "-c", program]
    return subprocess.run(
        words, env={**with_locale({}, COMMA), **env}, capture_output=True, text=True, timeout=60, check=True
    ).stdout.strip()


@pytest.fixture
def later() -> str:
    """What GTK, a theme's plugin or an input method does: sets the locale from the environment."""
    return LATER.replace("{all}", str(int(locale.LC_ALL))).replace("{messages}", str(int(locale.LC_MESSAGES)))


@pytest.mark.parametrize("variable", ["LANG", "LC_ALL", "LC_NUMERIC"])
def test_whoever_sets_the_locale_later_finds_c_for_numbers(later: str, variable: str) -> None:
    program = later.replace("{pinned}", "True").replace("{at_once}", "False")
    assert in_locale(program, **{variable: COMMA}) == f"0.5 {COMMA}"


def test_without_it_numbers_have_a_comma(later: str) -> None:
    program = later.replace("{pinned}", "False").replace("{at_once}", "False")
    assert in_locale(program) == f"0,5 {COMMA}"


def test_what_has_set_it_already_is_set_right(later: str) -> None:
    program = later.replace("{pinned}", "False").replace("{at_once}", "True")
    assert in_locale(program) == f"0.5 {COMMA}"


@pytest.mark.parametrize(
    ("environment", "numbers", "dates"),
    [
        ({}, "", ""),
        ({"LANG": "en_US.UTF-8"}, "en_US.UTF-8", "en_US.UTF-8"),
        ({"LANG": "en_US.UTF-8", "LC_NUMERIC": COMMA}, COMMA, "en_US.UTF-8"),
        ({"LANG": "en_US.UTF-8", "LC_TIME": COMMA}, "en_US.UTF-8", COMMA),
        ({"LANG": "en_US.UTF-8", "LC_ALL": COMMA, "LC_TIME": "C"}, COMMA, COMMA),
        ({"LANG": COMMA, "LC_ALL": "", "LC_NUMERIC": ""}, COMMA, COMMA),
        ({"LC_ALL": "no such locale \udcff"}, "no such locale \udcff", "no such locale \udcff"),
    ],
)
def test_the_users_own_locale_stays_known(environment: dict[str, str], numbers: str, dates: str) -> None:
    before = dict(environment)
    for _ in range(2):
        # A process of ours that another one of ours has started does it again.
        pin_c_numbers(environment)
        assert (numbers_locale(environment), dates_locale(environment)) == (numbers, dates)
        assert environment["LC_NUMERIC"] == "C"
        assert "LC_ALL" not in environment
    assert numbers_locale(before) == numbers


@pytest.mark.parametrize(
    "environment",
    [{"LANG": COMMA}, {"LC_ALL": COMMA}, {"LANG": "C", "LC_NUMERIC": COMMA}, {"PATH": "/bin"}],
)
def test_other_programs_get_the_users_own_numbers(environment: dict[str, str]) -> None:
    ours = dict(environment)
    pin_c_numbers(ours)
    theirs = for_other_programs(ours)
    assert numbers_locale(theirs) == numbers_locale(environment)
    assert not any("ATLAS" in name for name in theirs)
    assert for_other_programs(environment) == environment


@pytest.mark.parametrize("role", [["local", "--port", "99999"], ["sessions", "--profile", "/dev/null/none"]])
def test_every_role_begins_with_it(role: list[str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, os\natexit.register(lambda: print(os.environ.get('LC_NUMERIC')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "atlas_desktop", *role],
        env={**with_locale({}, COMMA), "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "C", done.stderr
