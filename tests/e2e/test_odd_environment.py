"""A computer that is odd: no display, a full disk, a home that is read-only or missing, an unknown zone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.desk.languages import with_locale
from tests.e2e.accessibility import Accessibility, Screen, poll
from tests.e2e.program import LocalAtlas, end
from tests.e2e.sounds import make_tone
from tests.e2e.stage import Stage

NOTHING_SAVED = "(?s)Notice: Nothing can be saved .*"
FULL = 'mount -t tmpfs -o size=64k home "$1" && { dd if=/dev/zero of="$1/fill" bs=4k 2>/dev/null; true; }'
READ_ONLY = 'mount -t tmpfs -o ro,size=64k home "$1"'
MISSING = "true"
# A mount of its own, seen by the program alone; root may do that at once, others in a user namespace.
UNSHARE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def launch(env: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "atlas_desktop", *words],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "given",
    [
        {"DISPLAY": ""},
        {"DISPLAY": ":9999"},
        {"DISPLAY": "no such place"},
        {"QT_QPA_PLATFORM": "vulkanoid"},
        {"QT_QPA_PLATFORM": "%s$x"},
        {"QT_QPA_PLATFORM": "wayland", "WAYLAND_DISPLAY": "nowhere"},
        {"QT_QPA_PLATFORM_PLUGIN_PATH": "/nonexistent", "DISPLAY": ":9999"},
    ],
    ids=lambda given: "-".join(given.values()) or "none",
)
@pytest.mark.parametrize("role", [(), ("check", "--local")], ids=["window", "check"])
def test_without_a_display_it_says_so_in_one_line(
    desk: Stage, tmp_path: Path, given: dict[str, str], role: tuple[str, ...]
) -> None:
    done = launch({**desk.env, **given}, *role, "--profile", str(tmp_path / "profile"))
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("atlas-desktop: no window can be opened: ")
    # The next start has nothing to tell: this one was no crash.
    assert not (tmp_path / "profile" / "running.json").exists()


@pytest.mark.parametrize(
    "prepare",
    [pytest.param(FULL, id="full"), pytest.param(READ_ONLY, id="ro"), pytest.param(MISSING, id="none")],
)
def test_where_nothing_can_be_saved_it_says_so_and_runs(
    desk: Stage, atlas: LocalAtlas, tmp_path: Path, prepare: str
) -> None:
    home = "/proc/nonexistent" if prepare == MISSING else str(tmp_path)
    env = {key: value for key, value in desk.env.items() if key != "XDG_DATA_HOME"}
    env |= {"HOME": home, "ATLAS_API_BASE": atlas.base, "ATLAS_API_KEY": atlas.key}
    words = [*UNSHARE, "sh", "-c", f'{prepare} && shift && exec "$@"', "sh", home]
    log = desk.new_folder("home") / "stderr.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*words, sys.executable, "-m", "atlas_desktop"],
            env=env,
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    bus = Accessibility(Accessibility.address_for(desk.env))
    screen = Screen(bus, process.pid)
    try:
        screen.wait("label", NOTHING_SAVED, 30)
        # A paid session is not begun without a word: nothing would know of it after a crash.
        screen.wait("label", ".*From ATLAS_API_KEY.*")
        screen.press("Start")
        # Where the limits could not be remembered as seen they are shown first.
        screen.wait("label", "Before your first paid session")
        screen.press("Start")
        screen.wait("label", "(?s)Notice: A session can be started without a record.*")
        assert atlas.sessions() == []
        screen.press("Back to start")
        screen.press("Rehearse")
        screen.wait("label", "Session state: Live")
        screen.press("End session")
        screen.wait("label", "Session state: Ended")
        assert len([one for one in screen.controls() if "Nothing can be saved" in one.name]) <= 1
    finally:
        status = end(process)
        bus.close()
    # Qt itself complains of being asked for what has just gone from the window.
    complaints = [line for line in log.read_text().splitlines() if "Could not find accessible" not in line]
    assert (status, complaints) == (0, [])


def test_a_zone_that_nobody_knows_changes_nothing(desk: Stage) -> None:
    with desk.open(TZ="Mars/Olympus_Mons") as program:
        program.screen.press("Rehearse")
        program.wait_state("Live")
        program.wait_transcript(r"^Atlas, \d\d:\d\d, Hi\b")
        program.end_session()


@pytest.mark.parametrize("locale", ["C", "de_DE.ISO-8859-1"])
def test_names_of_files_are_utf8_whatever_the_locale_says(desk: Stage, tmp_path: Path, locale: str) -> None:
    make_tone(tmp_path / "größe 音.wav", 500, 1.0)
    make_tone(tmp_path / "ähnlich.wav", 500, 1.0)
    with desk.open(str(tmp_path / "größe 音.wav"), env=with_locale(desk.env, locale)) as program:
        program.wait_cue("^größe 音.wav, 0:01, waiting$")
        desk.drop(program, tmp_path / "ähnlich.wav")
        program.wait_cue("^ähnlich.wav, 0:01, waiting$")


def test_other_programs_get_the_users_own_numbers(desk: Stage, tmp_path: Path) -> None:
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$1 ${{LC_NUMERIC-unset}}" > {tmp_path}/opened\n')
    opener.chmod(0o755)
    env = {**with_locale(desk.env, "de_DE.UTF-8"), "PATH": f"{tmp_path}:{desk.env['PATH']}"}
    with desk.open(env=env) as program:
        program.screen.press("Get a key")
        opened = tmp_path / "opened"
        assert poll(lambda: opened.exists() and opened.read_text(), 10)
        address, numbers = opened.read_text().split()
        assert address.startswith("https://")
        assert numbers in ("unset", "de_DE.UTF-8")
