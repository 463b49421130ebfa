"""The whole program as a process: how it begins, what a second launch does, how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from atlas_desktop import app
from atlas_desktop.instance import InstanceServer, hand_over, is_in_use, socket_name
from atlas_desktop.options import WindowOptions
from tests.desk.player import tone
from tests.desk.sound import write_wav

START_LIMIT_S = 20.0
# Three times what a busy machine took.
END_LIMIT_S = 24.0
# No sound server and no keyring: the window comes up and goes down all the same.
BARE = {"PULSE_SERVER": "unix:/nonexistent", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}


def command(profile: Path, *arguments: str, role: tuple[str, ...] = ()) -> list[str]:
    return [sys.executable, "-m", "atlas_desktop", *role, "--profile", str(profile), *arguments]


@contextmanager
def program(
    profile: Path, *arguments: str, role: tuple[str, ...] = (), umask: int = -1
) -> Iterator["subprocess.Popen[str]"]:
    """A running window that answers."""
    env = {**os.environ, **BARE, "QT_QPA_PLATFORM": "offscreen", "ATLAS_API_KEY": ""}
    words = command(profile, *arguments, role=role)
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True, umask=umask) as process:
        try:
            until(lambda: is_in_use(profile), START_LIMIT_S)
            yield process
        finally:
            process.kill()


def until(reached: Callable[[], bool], limit_s: float) -> None:
    began_s = time.monotonic()
    while not reached():
        assert time.monotonic() - began_s < limit_s
        time.sleep(0.02)


def settings(profile: Path) -> dict[str, object]:
    file = profile / "settings.json"
    found: dict[str, object] = json.loads(file.read_text()) if file.exists() else {}
    return found


def test_a_profile_that_can_not_be_used_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert app.run(WindowOptions(profile=tmp_path / "file" / "profile")) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_second_launch_gives_its_files_to_the_first_and_goes(
    qapp: QApplication, qtbot: QtBot, tmp_path: Path
) -> None:
    launches: list[list[str]] = []
    server = InstanceServer(tmp_path)
    server.launched.connect(launches.append)
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    words = command(tmp_path, "a.wav", str(tmp_path / "b.wav"))
    with subprocess.Popen(words, cwd=tmp_path, env=env) as second:
        qtbot.waitUntil(lambda: second.poll() is not None, timeout=20_000)
    assert second.returncode == 0
    server.close()
    assert launches == [[str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]]
    assert not (tmp_path / "settings.json").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_window_takes_files_of_a_second_launch_and_ends_on_a_signal(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    clip = tmp_path / "clip.wav"
    write_wav(clip, tone(0.2))
    profile = tmp_path / "profile"
    with program(profile) as process:
        until(lambda: hand_over(profile, [str(clip)]), START_LIMIT_S)
        # Sound that is given chooses the mode of the next session, and that is remembered.
        until(lambda: settings(profile).get("mode") == "passthrough", 5.0)
        process.send_signal(number)
        _, said = process.communicate(timeout=END_LIMIT_S)
    assert process.returncode == status
    assert "Traceback" not in said
    assert "clip.wav" not in said
    assert not hand_over(profile, [])


def test_of_two_launches_at_once_one_opens_the_window_and_both_files_get_there(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    clips = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for clip in clips:
        write_wav(clip, tone(0.2))
    env = {**os.environ, **BARE, "QT_QPA_PLATFORM": "offscreen", "ATLAS_API_KEY": ""}
    both = [subprocess.Popen(command(profile, str(clip)), env=env) for clip in clips]
    try:
        until(lambda: any(one.poll() is not None for one in both), 2 * START_LIMIT_S)
        gone = next(one for one in both if one.poll() is not None)
        stays = next(one for one in both if one is not gone)
        assert gone.returncode == 0
        assert stays.poll() is None
        assert is_in_use(profile)
        until(lambda: len(clips_kept(profile)) == 2, 10.0)
        assert clips_kept(profile) == {str(clip) for clip in clips}
    finally:
        for one in both:
            one.kill()
            one.wait()


def clips_kept(profile: Path) -> set[str]:
    """The clips of the work in hand, as the window keeps them for a crash."""
    try:
        return {clip["path"] for clip in json.loads((profile / "work.json").read_text())["clips"]}
    except (FileNotFoundError, ValueError):
        return set()


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
def test_all_that_a_run_leaves_is_its_users_alone(tmp_path: Path, umask: int) -> None:
    profile = tmp_path / "profile"
    with program(profile, "--face", "https://example.com/me.png", umask=umask) as process:
        until(lambda: "face" in settings(profile), 5.0)
        found = [profile, *profile.rglob("*")]
        process.send_signal(signal.SIGTERM)
        process.wait(END_LIMIT_S)
    found += profile.rglob("*")
    assert {str(path) for path in found if path.exists() and path.lstat().st_mode & 0o077} == set()


def test_what_an_earlier_run_left_open_is_closed_at_the_start(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    (profile / "transcripts").mkdir(parents=True)
    left = [profile / "transcripts" / "old.jsonl", profile / "settings.json"]
    for path in left:
        path.write_text("{}")
        path.chmod(0o644)
    profile.chmod(0o755)
    with program(profile):
        until(lambda: not any(path.stat().st_mode & 0o077 for path in (profile, *left)), 10.0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder for everybody's temporary files: its path is short."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o1777)
        yield Path(name)


def test_a_name_that_a_stranger_has_taken_holds_up_no_launch(tmp_path: Path, public: Path) -> None:
    profile = tmp_path / "profile"
    with socket.socket(socket.AF_UNIX) as squatter:
        squatter.bind(str(public / socket_name(profile)))
        squatter.listen()
        env = {
            **os.environ,
            **BARE,
            "QT_QPA_PLATFORM": "offscreen",
            "ATLAS_API_KEY": "",
            "TMPDIR": str(public),
        }
        with subprocess.Popen(command(profile, "/secret/path.wav"), env=env) as process:
            try:
                until(lambda: is_in_use(profile), START_LIMIT_S)
                assert process.poll() is None
                squatter.setblocking(False)
                with pytest.raises(BlockingIOError):
                    squatter.accept()
            finally:
                process.kill()


def test_what_the_command_line_asks_for_is_there_from_the_start(tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    write_wav(clip, tone(0.2))
    with program(tmp_path / "profile", "--face", "https://example.com/me.png", str(clip)) as process:
        until(lambda: bool(settings(tmp_path / "profile").get("face")), START_LIMIT_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_LIMIT_S) == 0
    found = settings(tmp_path / "profile")
    assert (found["face"], found["mode"]) == ("https://example.com/me.png", "passthrough")


def test_a_test_call_that_is_ended_early_has_failed(tmp_path: Path) -> None:
    with program(tmp_path / "profile", "--local", role=("check",)) as process:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=END_LIMIT_S)
    assert process.returncode == 1
    assert said.endswith("atlas-desktop: the test call was ended before it was done\n")
    assert "Traceback" not in said


def launch(profile: Path, *arguments: str, role: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    """A program that goes by itself."""
    env = {**os.environ, **BARE, "QT_QPA_PLATFORM": "offscreen", "ATLAS_API_KEY": ""}
    words = command(profile, *arguments, role=role)
    return subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("role", [(), ("check",)], ids=["window", "test call"])
def test_a_test_call_on_a_profile_in_use_says_so_and_has_failed(
    tmp_path: Path, role: tuple[str, ...]
) -> None:
    profile = tmp_path / "profile"
    with program(profile, *(("--local",) if role else ()), role=role) as process:
        call = launch(profile, "--local", "--json", "--out", str(tmp_path / "out"), role=("check",))
        assert process.poll() is None
    assert call.returncode == 1
    assert call.stdout == ""
    assert re.fullmatch(r"atlas-desktop: [^\n]+/profile is in use[^\n]+\n", call.stderr)


def test_a_test_call_takes_no_files_of_a_launch(tmp_path: Path) -> None:
    clip, profile = tmp_path / "clip.wav", tmp_path / "profile"
    write_wav(clip, tone(0.2))
    with program(profile, "--local", role=("check",)) as process:
        window = launch(profile, str(clip))
        assert process.poll() is None
    assert window.returncode == 1
    assert re.fullmatch(r"atlas-desktop: [^\n]+/profile is in use[^\n]+\n", window.stderr)


def test_a_test_call_takes_nothing_of_what_a_crash_has_left(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    left = {
        "running.json": "{}",
        "work.json": '{"clips": [{"path": "/a.wav", "position_s": 0}], "draft": "x"}',
    }
    for name, text in left.items():
        (profile / name).write_text(text)
    with program(profile, "--local", role=("check",)) as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=END_LIMIT_S)
    assert {name: (profile / name).read_text() for name in left} == left


def test_without_a_display_one_line_says_so(tmp_path: Path) -> None:
    bare = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    done = subprocess.run(
        [sys.executable, "-m", "atlas_desktop", "--profile", str(tmp_path / "profile")],
        env=bare,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"atlas-desktop: no window can be opened: [^\n]+\n", done.stderr)
    assert "could not connect to display" in (tmp_path / "profile/log/atlas-desktop.log").read_text()
